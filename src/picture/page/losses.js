/** L = −Σ q·ln softmax(z); q is one-hot, or smoothed by s: (1 − s)·onehot + s/C. */
const crossEntropy = s => ({
  forward(z, target) {
    const q = z.map((_, c) => (1 - s) * (c === target) + s / z.length);
    const max = Math.max(...z);
    const shifted = z.map(z => z - max);
    const powers = shifted.map(Math.exp);
    const total = sum(powers);
    const p = powers.map(power => power / total);
    const nll = shifted.map(shifted => Math.log(total) - shifted); // −ln p, also where p underflows
    return { q, max, shifted, powers, total, p, nll, loss: sum(q.map((q, c) => q === 0 ? 0 : q * nll[c])) };
  },
  backward: ({ p, q }) => p.map((p, c) => p - q[c]),
  class: argmax,
});

/** L = Σ (z − t)² / C; t is one-hot, or the number of the class itself, of so many. */
const meanSquaredError = (digit, classes) => ({
  forward(z, target) {
    const t = z.map((_, c) => digit ? target : Number(c === target));
    const diff = z.map((z, c) => z - t[c]);
    const squares = diff.map(diff => diff * diff);
    return { t, diff, squares, p: z, loss: sum(squares) / z.length };
  },
  backward: ({ diff }) => diff.map(d => 2 * d / diff.length),
  class: z => digit ? Math.min(Math.max(Math.round(z[0]), 0), classes - 1) : argmax(z),
});

/** L = −t·ln p − (1 − t)·ln(1 − p) with p = σ(z), the probability of class 1; t is 0 or 1. */
const binaryCrossEntropy = {
  forward([z], t) {
    const power = Math.exp(-z);
    // −ln p and −ln(1 − p), also where p rounds to 0 or 1.
    const rest = Math.log1p(Math.exp(-Math.abs(z)));
    const nll = [Math.max(-z, 0) + rest], other = [Math.max(z, 0) + rest];
    return { t: [t], powers: [power], p: [1 / (1 + power)], nll, other, loss: t ? nll[0] : other[0] };
  },
  backward: ({ p, t }) => p.map((p, c) => p - t[c]),
  class: ([z]) => Number(z > 0),
};

/** The loss by its name in the model file, for so many classes. */
const lossOf = ({ kind, smoothing }, classes) => kind === 'ce' ? crossEntropy(smoothing) : kind === 'bce' ? binaryCrossEntropy : meanSquaredError(kind === 'mse-digit', classes);

/** Through the network and back: every module with its x, y, dy and dx, and what the loss made of it. Without a
    target the loss is that of the class the network says. */
function passOf(network, loss, x, target) {
  const modules = [];
  for (const module of network) {
    const y = forward(module, x);
    modules.push({ ...module, x, y });
    x = y;
  }
  const z = x, predicted = loss.class(z), assumed = target === null;
  if (assumed) target = predicted;
  const judged = loss.forward(z, target);
  let dy = loss.backward(judged);
  // What comes before the first weights needs no dx: the pixels do not learn.
  const first = network.findIndex(module => module.w);
  for (let m = modules.length - 1; m >= 0; m--) {
    const module = modules[m];
    module.dy = dy;
    module.dx = m > first ? backward(module, module.x, module.y, dy) : null;
    dy = module.dx ?? dy;
  }
  return { modules, z, target, assumed, judged, loss: judged.loss, dz: modules.at(-1).dy, predicted };
}

/** w, dw = x·dy, w − lr·dw and the loss with that weight instead. */
function stepOf(pass, loss, { m, p, u }, rate) {
  const { w, x, y, dy } = pass.modules[m];
  const before = w[p * y.length + u];
  const gradient = x[p] * dy[u];
  const after = before - rate * gradient;
  let next = y.slice();
  next[u] += (after - before) * x[p];
  for (const module of pass.modules.slice(m + 1)) next = forward(module, next);
  return { before, gradient, after, loss_after: loss.forward(next, pass.target).loss };
}

/** The weight with the largest gradient: |dw| = |x|·|dy| is largest where both are. */
function steepestWeight(modules) {
  const longest = values => values.reduce((best, v, i) => Math.abs(v) >= Math.abs(values[best]) ? i : best, 0);
  let best = { length: -1 };
  modules.forEach(({ w, x, dy }, m) => {
    if (!w) return;
    const p = longest(x), u = longest(dy), length = Math.abs(x[p] * dy[u]);
    if (length >= best.length) best = { m, p, u, length };
  });
  return best;
}

/** The `most` largest by size of all `score(i)`, i < n, the largest first; zeros are left out. */
function largest(n, most, score) {
  const best = [];
  for (let i = 0; i < n; i++) {
    const size = Math.abs(score(i));
    if (size === 0 || (best.length === most && size <= best.at(-1).size)) continue;
    let at = best.length;
    while (at > 0 && best[at - 1].size < size) at--;
    best.splice(at, 0, { i, size });
    if (best.length > most) best.pop();
  }
  return best.map(({ i }) => i);
}

/** Base64 to bytes. */
function bytesOf(text) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

/** Base64 of little-endian f32 to numbers. */
const floatsOf = text => new Float32Array(bytesOf(text).buffer);
