// What is said of a thing that is hovered, focused or tapped: its formula with numbers. Things have names:
// pixel:p, unit:m:u (an output of module m), weight:m:p:u, bias:m:u, dy:m:u (∂L/∂ of that output), and the
// columns of the table of the loss, z:c, shift:c, power:c, p:c, nll:c, q:c, diff:c, square:c, dz:c, and loss.

/** Terms of a sum that are written out. */
const TERMS = 8;

/** As the terminal writes numbers: so many digits, and small ones with a power of ten. */
function num(number, digits = DATA.precision) {
  const small = number !== 0 && Math.abs(number) < 0.5 * 0.1 ** (digits - 1);
  const text = small ? number.toExponential(Math.max(digits - 2, 0)) : number.toFixed(digits);
  return text.replaceAll('-', '−');
}

/** Numbers before and after a step differ far behind the point. */
const fine = number => num(number, Math.min(DATA.precision + 4, 12));

const place = p => `row ${Math.floor(p / SIDE)}, column ${p % SIDE}`;
const moduleName = m => `${m} ${state.pass.modules[m].name}`;

/** { title, lines }; a line is a text, or { text, thing } where it leads to another thing. */
function describe(thing) {
  const [kind, ...numbers] = thing.split(':');
  const ids = numbers.map(Number);
  return (DESCRIPTIONS[kind] ?? columnText(kind))(...ids);
}

const DESCRIPTIONS = {
  pixel(p) {
    const { greys, pass: { modules } } = state;
    const m = modules.findIndex(module => module.w);
    const { w, x, y } = modules[m];
    const lines = [`x[${p}] = ${num(DATA.scale)}·${DATA.deslant ? num(greys[p]) : greys[p]}${DATA.shift ? ` + ${num(DATA.shift)}` : ''} = ${num(x[p])}`];
    if (x[p] === 0) return { title: `pixel ${p}: ${place(p)}`, lines: [...lines, 'It is 0: it adds nothing to any unit, and its weights get no gradient.'] };
    lines.push(`What it adds most to, x[${p}]·w[${p}][u]:`);
    for (const u of largest(y.length, TERMS, u => w[p * y.length + u])) lines.push(termLine(m, p, u));
    return { title: `pixel ${p}: ${place(p)}`, lines };
  },
  unit(m, u) {
    const module = state.pass.modules[m];
    const { x, y, w } = module;
    const title = `unit ${u} of module ${moduleName(m)}: ${num(y[u])}`;
    const lines = [];
    if (w) {
      lines.push(`y[${u}] = Σ x[p]·w[p][${u}] + b[${u}]`);
      const { shown, rest, count } = termsOf(module, u);
      for (const p of shown) lines.push(termLine(m, p, u));
      if (count) lines.push(`+ ${num(rest)} from ${count} more inputs`);
      lines.push({ text: `+ ${num(module.b[u])} = b[${u}]`, thing: `bias:${m}:${u}` }, `= ${num(y[u])}`);
    } else {
      lines.push(MODULES[module.name].formula, activationText(module, u));
      lines.push({ text: `where x[${u}] comes from: module ${moduleName(m - 1)}`, thing: `unit:${m - 1}:${u}` });
    }
    const next = state.pass.modules[m + 1];
    if (next && !next.w) lines.push({ text: `then ${moduleName(m + 1)}: ${num(next.y[u])}`, thing: `unit:${m + 1}:${u}` });
    lines.push({ text: `its gradient: ∂L/∂y[${u}] = ${num(module.dy[u])}`, thing: `dy:${m}:${u}` });
    return { title, lines };
  },
  weight(m, p, u) {
    const { x, y, w, dy } = state.pass.modules[m];
    const step = stepOf(state.pass, LOSS, { m, p, u }, state.rate);
    return {
      title: `weight ${m}: w[${p}][${u}] = ${num(step.before)}`,
      lines: [
        `adds x[${p}]·w[${p}][${u}] = ${num(x[p])} · ${num(step.before)} = ${num(x[p] * w[p * y.length + u])} to y[${u}]`,
        `dw[${p}][${u}] = x[${p}]·dy[${u}] = ${num(x[p])} · ${num(dy[u])} = ${num(step.gradient)}`,
        `w − lr·dw = ${fine(step.before)} − ${state.rate} · ${fine(step.gradient)} = ${fine(step.after)}`,
        `loss before ${fine(state.pass.loss)}, after ${fine(step.loss_after)}`,
        m === 0 ? { text: `from pixel ${p}: ${place(p)}`, thing: `pixel:${p}` } : { text: `from unit ${p} of module ${m - 1}`, thing: `unit:${m - 1}:${p}` },
        { text: `to unit ${u} of module ${m}`, thing: `unit:${m}:${u}` },
      ],
    };
  },
  bias(m, u) {
    const { b, dy } = state.pass.modules[m];
    return {
      title: `bias ${m}: b[${u}] = ${num(b[u])}`,
      lines: [
        `db[${u}] = Σₙ dy[n][${u}] = ${num(dy[u])}, of one image`,
        `b − lr·db = ${fine(b[u])} − ${state.rate} · ${fine(dy[u])} = ${fine(b[u] - state.rate * dy[u])}`,
        { text: `of unit ${u} of module ${m}`, thing: `unit:${m}:${u}` },
      ],
    };
  },
  dy(m, u) {
    const { modules } = state.pass;
    if (m === modules.length - 1) return columnText('dz')(u);
    const next = modules[m + 1];
    const { x, y, dy, w } = next;
    const title = `gradient of unit ${u} of module ${moduleName(m)}: ${num(modules[m].dy[u])}`;
    if (!w) {
      const lines = [MODULES[next.name].backward_formula, slopeText(next, u), { text: `where dy comes from: module ${moduleName(m + 1)}`, thing: `dy:${m + 1}:${u}` }];
      return { title, lines };
    }
    const product = o => dy[o] * w[u * y.length + o];
    const shown = largest(y.length, TERMS, product);
    const lines = [`dx[${u}] = Σ dy[o]·w[${u}][o], through module ${moduleName(m + 1)}`];
    for (const o of shown) {
      lines.push({ text: `${num(product(o))} = dy[${o}]·w[${u}][${o}] = ${num(dy[o])} · ${num(w[u * y.length + o])}`, thing: `dy:${m + 1}:${o}` });
    }
    const rest = next.dx[u] - sum(shown.map(product));
    if (y.length > shown.length) lines.push(`+ ${num(rest)} from ${y.length - shown.length} more outputs`);
    return { title, lines: [...lines, `= ${num(next.dx[u])}`, { text: `the unit itself: ${num(x[u])}`, thing: `unit:${m}:${u}` }] };
  },
  loss: () => ({ title: `loss L = ${num(state.pass.loss)}`, lines: [lossText()] }),
};

function termLine(m, p, u) {
  const { x, y, w } = state.pass.modules[m];
  const weight = w[p * y.length + u];
  return { text: `${num(x[p] * weight)} = x[${p}]·w[${p}][${u}] = ${num(x[p])} · ${num(weight)}`, thing: `weight:${m}:${p}:${u}` };
}

/** The largest products of a unit, the sum of the others and how many they are. */
function termsOf({ x, y, w, b }, u) {
  const product = p => x[p] * w[p * y.length + u];
  const shown = largest(x.length, TERMS, product);
  const others = x.filter(x => x !== 0).length - shown.length;
  return { shown, rest: y[u] - b[u] - sum(shown.map(product)), count: Math.max(others, 0) };
}

function activationText({ name, x, y }, u) {
  const [a, b] = [num(x[u]), num(y[u])];
  switch (name) {
    case 'ReLU': return `y[${u}] = max(${a}, 0) = ${b}${x[u] > 0 ? ', on' : ', off'}`;
    case 'Tanh': return `y[${u}] = tanh(${a}) = ${b}`;
    case 'ScaledTanh': return `y[${u}] = 1.7159·tanh(2 · ${a} / 3) = ${b}`;
    case 'Sigmoid': return `y[${u}] = 1 / (1 + e^−(${a})) = ${b}`;
    default: return `y[${u}] = ${b}`;
  }
}

function slopeText({ name, x, y, dy, dx }, u) {
  const [d, r] = [num(dy[u]), num(dx[u])];
  switch (name) {
    case 'ReLU': return `x[${u}] = ${num(x[u])} ${x[u] > 0 ? '> 0, on: dx = dy' : '≤ 0, off: dx'} = ${r}`;
    case 'Tanh': return `${d} · (1 − ${num(y[u])}²) = ${r}`;
    case 'ScaledTanh': return `${d} · (1.7159² − ${num(y[u])}²) · (2/3) / 1.7159 = ${r}`;
    case 'Sigmoid': return `${d} · ${num(y[u])} · (1 − ${num(y[u])}) = ${r}`;
    default: return `dx = dy = ${r}`;
  }
}

function lossText() {
  const { judged, target, z } = state.pass;
  if (judged.nll && DATA.loss.smoothing === 0) return `L = −ln p[${target}] = −ln ${num(judged.p[target])} = ${num(judged.loss)}`;
  if (judged.nll) return `L = −Σ q·ln p = ${num(judged.loss)}, the labels smoothed by ${DATA.loss.smoothing}`;
  return `L = Σ (z − t)² / C = ${num(sum(judged.squares))} / ${z.length} = ${num(judged.loss)}`;
}

/** A cell of the table of the loss. */
const columnText = column => c => {
  const { z, judged: j, dz, target } = state.pass;
  const text = {
    z: () => `z[${c}] = ${num(z[c])}, output ${c} of the network`,
    shift: () => `z[${c}] − max = ${num(z[c])} − ${num(j.max)} = ${num(j.shifted[c])}: the largest becomes 0, no e^ overflows, and the softmax is the same`,
    power: () => `e^(z[${c}] − max) = e^(${num(j.shifted[c])}) = ${num(j.powers[c])}`,
    p: () => j.nll ? `p[${c}] = e^(z[${c}] − max) / Σ = ${num(j.powers[c])} / ${num(j.total)} = ${num(j.p[c])}` : `output ${c} = ${num(z[c])}`,
    nll: () => `−ln p[${c}] = −ln ${num(j.p[c])} = ${num(j.nll[c])}`,
    q: () => j.q ? `q[${c}] = ${num(j.q[c])}: ${c === target ? `the target is ${target}` : `${c} is not the target`}${DATA.loss.smoothing ? `, the labels smoothed by ${DATA.loss.smoothing}` : ''}`
      : `t[${c}] = ${num(j.t[c])}: the target is ${target}`,
    diff: () => `z[${c}] − t[${c}] = ${num(z[c])} − ${num(j.t[c])} = ${num(j.diff[c])}`,
    square: () => `diff² = ${num(j.diff[c])}² = ${num(j.squares[c])}`,
    dz: () => j.q ? `dz[${c}] = p[${c}] − q[${c}] = ${num(j.p[c])} − ${num(j.q[c])} = ${num(dz[c])}`
      : `dz[${c}] = 2·(z[${c}] − t[${c}]) / C = 2 · ${num(j.diff[c])} / ${z.length} = ${num(dz[c])}`,
  }[column]();
  const [title, ...more] = text.split(': ');
  const lines = [...more];
  const m = state.pass.modules.length - 1;
  if (column !== 'z') lines.push({ text: `output ${c} of the network: z[${c}] = ${num(z[c])}`, thing: `unit:${m}:${c}` });
  if (column !== 'dz') lines.push({ text: `its gradient: dz[${c}] = ${num(dz[c])}`, thing: `dz:${c}` });
  return { title, lines };
};
