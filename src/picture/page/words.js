// What is said of a thing that is hovered, focused or tapped: its formula with numbers. Things have names:
// pixel:p, unit:m:u (an output of module m), weight:m:p:u, bias:m:u, dy:m:u (∂L/∂ of that output), and the
// columns of the table of the loss, z:c, shift:c, power:c, p:c, nll:c, other:c, q:c, diff:c, square:c, dz:c, and loss.

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

const place = p => `row ${Math.floor(p / COLS)}, column ${p % COLS}`;

/** What a class is called; the number itself where nobody has named it. */
const nameOf = c => DATA.classes[c] ?? String(c);
const isNamed = c => nameOf(c) !== String(c);
/** Within a sentence: a 7, or Ankle boot (class 9). */
const aClass = c => isNamed(c) ? `${nameOf(c)} (class ${c})` : `a ${c}`;
/** class 7, or class 9 (Ankle boot). */
const theClass = c => isNamed(c) ? `class ${c} (${nameOf(c)})` : `class ${c}`;
/** An output by its number, and by the name of its class where it stands for one. */
const theOutput = c => state.pass.z.length > 1 && isNamed(c) ? `output ${c} (${nameOf(c)})` : `output ${c}`;
/** A text of at most so many characters, its end cut if need be. */
function shortened(text, most) {
  const characters = [...text];
  return characters.length > most ? `${characters.slice(0, most - 1).join('').trimEnd()}…` : text;
}

/** The letters of a module and of its gradients, such as z₁ = x·w₁ + b₁. */
function lettersOf(m) {
  const { x, y, w, b } = state.pass.modules[m].letters;
  return { x, y, w, b, dx: `d${x}`, dy: `d${y}`, dw: `d${w}`, db: `d${b}` };
}
/** The outputs of the network. */
const outputLetter = () => state.pass.modules.at(-1).letters.y;

/** A formula with other texts for its letters. Words, such as the names of functions, stay; a sign gets brackets. */
function filledIn(formula, texts) {
  return formula.replace(/[A-Za-z]+/g, (word, at) => {
    if (!Object.hasOwn(texts, word)) return word;
    const before = formula.slice(0, at).trimEnd().at(-1), after = formula[at + word.length];
    const bare = !texts[word].includes('−') || !'·/^−+√'.includes(before ?? ' ') && !'²³^'.includes(after ?? ' ');
    return bare ? texts[word] : `(${texts[word]})`;
  });
}

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
    const { w, x, y, letters } = modules[m];
    const title = `pixel ${p}: ${place(p)}`;
    const lines = [`x[${p}] = ${num(DATA.scale)}·${DATA.deslant ? num(greys[p]) : greys[p]}${DATA.shift ? ` + ${num(DATA.shift)}` : ''} = ${num(x[p])}`];
    if (x[p] === 0) return { title, lines: [...lines, 'It is 0: it adds nothing to any unit, and its weights get no gradient.'] };
    lines.push(`What it adds most to, x[${p}]·${letters.w}[${p}][u]:`);
    for (const u of largest(y.length, TERMS, u => w[p * y.length + u])) lines.push(termLine(m, p, u));
    return { title, lines };
  },
  unit(m, u) {
    const module = state.pass.modules[m];
    const { y, w, b } = module, { x: X, y: Y, w: W, b: B, dy: DY } = lettersOf(m);
    const lines = [];
    if (w) {
      lines.push(`${Y}[${u}] = Σ ${X}[p]·${W}[p][${u}] + ${B}[${u}]`);
      const { shown, rest, count } = termsOf(module, u);
      for (const p of shown) lines.push(termLine(m, p, u));
      if (count) lines.push(`+ ${num(rest)} from ${count} more inputs`);
      lines.push({ text: `+ ${num(b[u])} = ${B}[${u}]`, thing: `bias:${m}:${u}` }, `= ${num(y[u])}`);
    } else {
      lines.push(...valueLines(m, u), { text: `where ${X}[${u}] comes from`, thing: `unit:${m - 1}:${u}` });
    }
    const next = state.pass.modules[m + 1];
    if (next && !next.w) lines.push({ text: `then ${next.letters.y}[${u}] = ${num(next.y[u])}`, thing: `unit:${m + 1}:${u}` });
    lines.push({ text: `its gradient: ${DY}[${u}] = ∂L/∂${Y}[${u}] = ${num(module.dy[u])}`, thing: `dy:${m}:${u}` });
    return { title: `unit ${u}: ${Y}[${u}] = ${num(y[u])}`, lines };
  },
  weight(m, p, u) {
    const { x, y, w, dy } = state.pass.modules[m], { x: X, y: Y, w: W, dy: DY, dw: DW } = lettersOf(m);
    const step = stepOf(state.pass, LOSS, { m, p, u }, state.rate);
    return {
      title: `weight ${W}[${p}][${u}] = ${num(step.before)}`,
      lines: [
        `adds ${X}[${p}]·${W}[${p}][${u}] = ${num(x[p])} · ${num(step.before)} = ${num(x[p] * w[p * y.length + u])} to ${Y}[${u}]`,
        `${DW}[${p}][${u}] = ${X}[${p}]·${DY}[${u}] = ${num(x[p])} · ${num(dy[u])} = ${num(step.gradient)}`,
        `w − lr·dw = ${fine(step.before)} − ${state.rate} · ${fine(step.gradient)} = ${fine(step.after)}`,
        `loss before ${fine(state.pass.loss)}, after ${fine(step.loss_after)}`,
        m === 0 ? { text: `from pixel ${p}: ${place(p)}`, thing: `pixel:${p}` } : { text: `from ${X}[${p}]`, thing: `unit:${m - 1}:${p}` },
        { text: `to ${Y}[${u}]`, thing: `unit:${m}:${u}` },
      ],
    };
  },
  bias(m, u) {
    const { b, dy } = state.pass.modules[m], { y: Y, b: B, dy: DY, db: DB } = lettersOf(m);
    return {
      title: `bias ${B}[${u}] = ${num(b[u])}`,
      lines: [
        `${DB}[${u}] = Σₙ ${DY}[n][${u}] = ${num(dy[u])}, of one image`,
        `b − lr·db = ${fine(b[u])} − ${state.rate} · ${fine(dy[u])} = ${fine(b[u] - state.rate * dy[u])}`,
        { text: `of ${Y}[${u}]`, thing: `unit:${m}:${u}` },
      ],
    };
  },
  dy(m, u) {
    const { modules } = state.pass;
    if (m === modules.length - 1) return columnText('dz')(u);
    const next = modules[m + 1];
    const { y, dy, w, dx } = next, { dx: DX, dy: DY, w: W, x: X } = lettersOf(m + 1);
    const title = `gradient ${DX}[${u}] = ${num(dx[u])}`;
    const itself = { text: `the unit itself: ${X}[${u}] = ${num(next.x[u])}`, thing: `unit:${m}:${u}` };
    if (!w) return { title, lines: [...slopeLines(m + 1, u), { text: `where ${DY}[${u}] comes from`, thing: `dy:${m + 1}:${u}` }, itself] };
    const product = o => dy[o] * w[u * y.length + o];
    const shown = largest(y.length, TERMS, product);
    const lines = [`${DX}[${u}] = Σ ${DY}[o]·${W}[${u}][o]`];
    for (const o of shown) {
      lines.push({ text: `${num(product(o))} = ${DY}[${o}]·${W}[${u}][${o}] = ${num(dy[o])} · ${num(w[u * y.length + o])}`, thing: `dy:${m + 1}:${o}` });
    }
    const rest = dx[u] - sum(shown.map(product));
    if (y.length > shown.length) lines.push(`+ ${num(rest)} from ${y.length - shown.length} more outputs`);
    return { title, lines: [...lines, `= ${num(dx[u])}`, itself] };
  },
  loss: () => ({ title: `loss L = ${num(state.pass.loss)}`, lines: [lossText()] }),
};

function termLine(m, p, u) {
  const { x, y, w } = state.pass.modules[m], { x: X, w: W } = lettersOf(m);
  const weight = w[p * y.length + u];
  return { text: `${num(x[p] * weight)} = ${X}[${p}]·${W}[${p}][${u}] = ${num(x[p])} · ${num(weight)}`, thing: `weight:${m}:${p}:${u}` };
}

/** The largest products of a unit, the sum of the others and how many they are. */
function termsOf({ x, y, w, b }, u) {
  const product = p => x[p] * w[p * y.length + u];
  const shown = largest(x.length, TERMS, product);
  const others = x.filter(x => x !== 0).length - shown.length;
  return { shown, rest: y[u] - b[u] - sum(shown.map(product)), count: Math.max(others, 0) };
}

/** y of an element: the formula with its letters, and with numbers. */
const valueLines = (m, u) => elementLines(m, u, 'y', MODULES[state.pass.modules[m].name].formula);
/** dx of an element. */
const slopeLines = (m, u) => elementLines(m, u, 'dx', MODULES[state.pass.modules[m].name].backward_formula);

function elementLines(m, u, what, formula) {
  const module = state.pass.modules[m], letters = lettersOf(m);
  const texts = write => Object.fromEntries(['x', 'y', 'dy'].map(name => [name, write(name)]));
  const off = MODULES[module.name].switches_off ? module.x[u] > 0 ? ', on' : ', off' : '';
  const lines = [
    `${letters[what]}[${u}] = ${filledIn(formula, texts(name => `${letters[name]}[${u}]`))}`,
    `= ${filledIn(formula, texts(name => num(module[name][u])))}`,
    `= ${num(module[what][u])}${off}`,
  ];
  return [...new Set(lines)]; // where nothing is to be computed, the last two are one
}

function lossText() {
  const { judged, target, z } = state.pass, Z = outputLetter();
  if (judged.other) return target ? `L = −ln p = −ln ${num(judged.p[0])} = ${num(judged.loss)}` : `L = −ln(1 − p) = −ln ${num(1 - judged.p[0])} = ${num(judged.loss)}`;
  if (judged.nll && DATA.loss.smoothing === 0) return `L = −ln p[${target}] = −ln ${num(judged.p[target])} = ${num(judged.loss)}${isNamed(target) ? `; ${target} is ${nameOf(target)}` : ''}`;
  if (judged.nll) return `L = −Σ q·ln p = ${num(judged.loss)}, the labels smoothed by ${DATA.loss.smoothing}`;
  return `L = Σ (${Z} − t)² / C = ${num(sum(judged.squares))} / ${z.length} = ${num(judged.loss)}`;
}

/** A cell of the table of the loss. */
const columnText = column => c => {
  const { z, judged: j, dz, target } = state.pass, Z = outputLetter();
  const text = (j.other ? {
    z: () => `${Z} = ${num(z[0])}, the output of the network`,
    power: () => `e^−${Z} = e^(−${num(z[0])}) = ${num(j.powers[0])}`,
    p: () => `p = 1 / (1 + e^−${Z}) = 1 / (1 + ${num(j.powers[0])}) = ${num(j.p[0])}\nthe probability of ${theClass(1)}`,
    nll: () => `−ln p = −ln ${num(j.p[0])} = ${num(j.nll[0])}\nthe loss if the target is 1`,
    other: () => `−ln(1 − p) = −ln ${num(1 - j.p[0])} = ${num(j.other[0])}\nthe loss if the target is 0`,
    q: () => `t = ${target}\nthe target is ${theClass(target)}`,
    dz: () => `d${Z} = p − t = ${num(j.p[0])} − ${target} = ${num(dz[0])}`,
  } : {
    z: () => `${Z}[${c}] = ${num(z[c])}, ${theOutput(c)} of the network`,
    shift: () => `${Z}[${c}] − max = ${num(z[c])} − ${num(j.max)} = ${num(j.shifted[c])}\nthe largest becomes 0, no e^ overflows, and the softmax is the same`,
    power: () => `e^(${Z}[${c}] − max) = e^(${num(j.shifted[c])}) = ${num(j.powers[c])}`,
    p: () => j.nll ? `p[${c}] = e^(${Z}[${c}] − max) / Σ = ${num(j.powers[c])} / ${num(j.total)} = ${num(j.p[c])}` : `${theOutput(c)} = ${num(z[c])}`,
    nll: () => `−ln p[${c}] = −ln ${num(j.p[c])} = ${num(j.nll[c])}`,
    q: () => j.q ? `q[${c}] = ${num(j.q[c])}\n${c === target ? `the target is ${nameOf(target)}` : `${nameOf(c)} is not the target`}${DATA.loss.smoothing ? `, the labels smoothed by ${DATA.loss.smoothing}` : ''}`
      : `t[${c}] = ${num(j.t[c])}\nthe target is ${nameOf(target)}`,
    diff: () => `${Z}[${c}] − t[${c}] = ${num(z[c])} − ${num(j.t[c])} = ${num(j.diff[c])}`,
    square: () => `diff² = ${num(j.diff[c])}² = ${num(j.squares[c])}`,
    dz: () => j.q ? `d${Z}[${c}] = p[${c}] − q[${c}] = ${num(j.p[c])} − ${num(j.q[c])} = ${num(dz[c])}`
      : `d${Z}[${c}] = 2·(${Z}[${c}] − t[${c}]) / C = 2 · ${num(j.diff[c])} / ${z.length} = ${num(dz[c])}`,
  })[column]();
  const [title, ...lines] = text.split('\n');
  const m = state.pass.modules.length - 1;
  if (column !== 'z') lines.push({ text: `${theOutput(c)} of the network: ${Z}[${c}] = ${num(z[c])}`, thing: `unit:${m}:${c}` });
  if (column !== 'dz') lines.push({ text: `its gradient: d${Z}[${c}] = ${num(dz[c])}`, thing: `dz:${c}` });
  return { title, lines };
};
