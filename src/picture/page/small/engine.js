// The arithmetic of the page for a batch: the losses with their reductions, the pass of all rows, one step. The forward
// and backward of a module are those of page/engine.js; as there, element (p, u) of a weight (I, O) is w[p·O + u].

/** What stands before p − t, or before z − t, in dz, for n rows of c outputs. */
function factorOf({ kind, reduction }, n, c) {
  if (reduction === 'mean') return { ce: 1 / n, bce: 1 / (n * c), mse: 2 / (n * c) }[kind];
  return kind === 'mse' && reduction === 'sum' ? 2 : 1;
}

/** What a loss makes of the outputs z of a row: its part of L for each, dz, and the numbers on the way. */
const JUDGES = {
  mse(z, t, factor) {
    const diff = z.map((z, c) => z - t[c]), squares = diff.map(diff => diff * diff);
    return { diff, squares, parts: squares.map(square => factor / 2 * square), dz: diff.map(diff => factor * diff) };
  },
  /** −ln p = ln Σ e^(z − max) − (z − max), also where p underflows. */
  ce(z, t, factor) {
    const max = Math.max(...z), shifted = z.map(z => z - max), powers = shifted.map(Math.exp), total = sum(powers);
    const p = powers.map(power => power / total), nll = shifted.map(shifted => Math.log(total) - shifted);
    // Targets may not sum to 1 to the last bit.
    const share = sum(t);
    return { max, shifted, powers, total, p, nll, parts: nll.map((nll, c) => t[c] ? factor * t[c] * nll : 0), dz: p.map((p, c) => factor * (p * share - t[c])) };
  },
  /** −ln p and −ln(1 − p), also where p rounds to 0 or 1. */
  bce(z, t, factor) {
    const rest = z.map(z => Math.log1p(Math.exp(-Math.abs(z))));
    const p = z.map(z => 1 / (1 + Math.exp(-z)));
    const nll = z.map((z, c) => Math.max(-z, 0) + rest[c]), other = z.map((z, c) => Math.max(z, 0) + rest[c]);
    const term = (share, value) => share ? share * value : 0;
    return { p, nll, other, parts: z.map((_, c) => factor * (term(t[c], nll[c]) + term(1 - t[c], other[c]))), dz: p.map((p, c) => factor * (p - t[c])) };
  },
};

/** A row through the network: what goes into each module, and last what comes out. */
function forwardAll(network, row) {
  const x = [Float64Array.from(row)];
  for (const module of network) x.push(forward(module, x.at(-1)));
  return x;
}

/** The batch through the network and back. `rows` has for each row x and dx of every module and, last, of the
    outputs; `gradients` for each module dw and db, summed over the rows. */
function passOf(network, loss, xs, ts) {
  const factor = factorOf(loss, xs.length, ts[0].length);
  const rows = xs.map((row, n) => {
    const x = forwardAll(network, row), judged = JUDGES[loss.kind](x.at(-1), ts[n], factor);
    const dx = [judged.dz];
    for (let m = network.length - 1; m >= 0; m--) dx.unshift(backward(network[m], x[m], x[m + 1], dx[0]));
    return { x, dx, judged };
  });
  const gradients = network.map((module, m) => module.w ? gradientOf(module, m, rows) : null);
  return { rows, gradients, factor, loss: sum(rows.map(({ judged }) => sum(judged.parts))) };
}

/** dw = Σₙ x·dy and db = Σₙ dy of a linear module. */
function gradientOf({ w, b }, m, rows) {
  const dw = new Float64Array(w.length), db = new Float64Array(b.length), O = b.length;
  for (const { x, dx } of rows) {
    dx[m + 1].forEach((dy, u) => {
      db[u] += dy;
      x[m].forEach((x, p) => { dw[p * O + u] += x * dy; });
    });
  }
  return { dw, db };
}

/** The network after one step of SGD, and its loss. */
function stepOf(network, pass, loss, xs, ts, rate, biases) {
  const after = network.map((module, m) => module.w ? {
    ...module,
    w: module.w.map((w, i) => w - rate * pass.gradients[m].dw[i]),
    b: biases ? module.b.map((b, u) => b - rate * pass.gradients[m].db[u]) : module.b,
  } : module);
  return { network: after, loss: passOf(after, loss, xs, ts).loss };
}
