// Formulas with their numbers. Things have names: input:p, unit:m:u (a unit of the linear module m), weight:m:p:u,
// output:c and loss, as in the drawing.

/** As the drawing writes numbers: small ones keep their digits, very small and very large ones have a power of ten. */
function num(number, digits = DATA.precision) {
  const size = Math.abs(number);
  if (size >= 1e7 || (size < 1e-4 && size > 0)) return number.toExponential(digits - 1).replace('e+', 'e');
  const zeros = size >= 0.1 || size === 0 ? 0 : Math.ceil(-Math.log10(size)) - 1;
  const text = number.toFixed(digits + zeros);
  return /[1-9]/.test(text) ? text : text.replace('-', '');
}

/** Numbers before and after a step differ far behind the point. */
const fine = number => num(number, Math.min(DATA.precision + 4, 12));

/** A factor of a product: in brackets if it is below 0. */
const factor = number => number < 0 ? `(${num(number)})` : num(number);

/** Terms of a sum that are written out. */
const TERMS = 12;

/** Products, and what is added, as a sum with its result. */
function sumText(pairs, more, result) {
  const shown = pairs.slice(0, TERMS).map(([a, b]) => `${num(a)}·${factor(b)}`);
  if (pairs.length > TERMS) shown.push('…');
  return `${[...shown, ...more.map(number => num(number))].join(' + ').replaceAll('+ -', '− ')} = ${num(result)}`;
}

/** A formula with other texts for its letters. Words, such as the names of functions, stay; a sign gets brackets
    where it stands beside an operator. */
function filledIn(formula, texts) {
  return formula.replace(/[A-Za-z]+/g, (word, at) => {
    if (!Object.hasOwn(texts, word)) return word;
    const before = formula.slice(0, at).trimEnd().at(-1) ?? ' ', after = formula[at + word.length] ?? ' ';
    return texts[word].startsWith('-') && ('·/^−+√'.includes(before) || '²³^'.includes(after)) ? `(${texts[word]})` : texts[word];
  });
}

/** The same with numbers. */
const withNumbers = (formula, numbers) => filledIn(formula, Object.fromEntries(Object.entries(numbers).map(([name, number]) => [name, num(number)])));

const lettersOf = m => {
  const { x, y, w, b } = NETWORK[m].letters;
  return { x, y, w, b, dx: `d${x}`, dy: `d${y}`, dw: `d${w}`, db: `d${b}` };
};
const outputLetter = () => NETWORK.at(-1).letters.y;
/** The row that is shown. */
const shownRow = () => state.pass.rows[state.row];
const ofRow = () => DATA.x.length > 1 ? `, row ${state.row}` : '';
const widthOf = m => NETWORK[m].b.length;
/** w[p][u] of a linear module. */
const weightOf = (m, p, u) => NETWORK[m].w[p * widthOf(m) + u];

/** y[u] of a module. */
function valueText(m, u) {
  const { x, y, b } = lettersOf(m), row = shownRow(), module = NETWORK[m], result = row.x[m + 1][u];
  if (module.w) return `${y}[${u}] = ${sumText([...row.x[m]].map((x, p) => [x, weightOf(m, p, u)]), [module.b[u]], result)}`;
  return `${y}[${u}] = ${withNumbers(MODULES[module.name].formula, { x: row.x[m][u] })} = ${num(result)}`;
}

/** dx[p] of a module. */
function slopeText(m, p) {
  const { dx } = lettersOf(m), row = shownRow(), module = NETWORK[m], dy = row.dx[m + 1], result = row.dx[m][p];
  if (module.w) return `${dx}[${p}] = ${sumText([...dy].map((dy, u) => [dy, weightOf(m, p, u)]), [], result)}`;
  const numbers = { x: row.x[m][p], y: row.x[m + 1][p], dy: dy[p] };
  return `${dx}[${p}] = ${withNumbers(MODULES[module.name].backward_formula, numbers)} = ${num(result)}`;
}

/** dw[p][u]: a product for each row. */
function weightGradientText(m, p, u) {
  const products = state.pass.rows.map(({ x, dx }) => [x[m][p], dx[m + 1][u]]);
  return `${lettersOf(m).dw}[${p}][${u}] = ${sumText(products, [], state.pass.gradients[m].dw[p * widthOf(m) + u])}`;
}

function biasGradientText(m, u) {
  const terms = state.pass.rows.map(({ dx }) => dx[m + 1][u]), result = state.pass.gradients[m].db[u];
  if (terms.length === 1) return `${lettersOf(m).db}[${u}] = ${lettersOf(m).dy}[${u}] = ${num(result)}`;
  const more = terms.length > TERMS ? ' + …' : '';
  return `${lettersOf(m).db}[${u}] = ${terms.slice(0, TERMS).map(dy => num(dy)).join(' + ').replaceAll('+ -', '− ')}${more} = ${num(result)}`;
}

/** A parameter after the step. */
function stepText(name, before, gradient, after) {
  return `${name} − lr·d${name} = ${fine(before)} − ${state.rate}·${gradient < 0 ? `(${fine(gradient)})` : fine(gradient)} = ${fine(after)}`;
}

/** The part of L of an output, with what stands before it. */
function partText(c) {
  const { judged, x } = shownRow(), t = state.t[state.row][c], z = x.at(-1)[c], { factor: by } = state.pass;
  const result = num(judged.parts[c]), before = share => share === 1 ? '' : `${num(share)}·`;
  if (DATA.loss.kind === 'mse') return `part[${c}] = ${before(by / 2)}(${num(z)} − ${factor(t)})² = ${result}`;
  if (DATA.loss.kind === 'ce') return `part[${c}] = ${before(by)}t·(−ln p) = ${before(by)}${num(t)}·${num(judged.nll[c])} = ${result}`;
  return `part[${c}] = ${before(by)}(t·(−ln p) + (1 − t)·(−ln(1 − p))) = ${before(by)}(${num(t)}·${num(judged.nll[c])} + ${num(1 - t)}·${num(judged.other[c])}) = ${result}`;
}

/** p of an output, where the loss has such. */
function probabilityText(c) {
  const { judged, x } = shownRow();
  if (DATA.loss.kind === 'ce') return `p[${c}] = e^(z − max) / Σ e^(z − max) = ${num(judged.powers[c])} / ${num(judged.total)} = ${num(judged.p[c])}`;
  return `p[${c}] = 1 / (1 + e^−z) = 1 / (1 + e^−${factor(x.at(-1)[c])}) = ${num(judged.p[c])}`;
}

/** dz of an output. */
function outputGradientText(c) {
  const { judged, x } = shownRow(), { factor: by } = state.pass, from = judged.p ? judged.p[c] : x.at(-1)[c];
  const before = by === 1 ? '' : `${num(by)}·`;
  return `d${outputLetter()}[${c}] = ${before}(${num(from)} − ${factor(state.t[state.row][c])}) = ${num(judged.dz[c])}`;
}

function lossText() {
  const parts = state.pass.rows.flatMap(({ judged }) => [...judged.parts]);
  const more = parts.length > TERMS ? ' + …' : '';
  return `L = ${parts.slice(0, TERMS).map(part => num(part)).join(' + ')}${more} = ${num(state.pass.loss)}`;
}

/** The module behind a linear one that is its activation, or it itself. */
const lastOf = m => NETWORK[m + 1] && !NETWORK[m + 1].w ? m + 1 : m;

const DESCRIPTIONS = {
  input(p) {
    return { title: `input x[${p}] = ${num(shownRow().x[0][p])}${ofRow()}`, lines: [slopeText(0, p)] };
  },
  unit(m, u) {
    const end = lastOf(m), { y } = lettersOf(end), row = shownRow();
    const lines = [valueText(m, u)];
    if (end > m) lines.push(valueText(end, u));
    lines.push(end === NETWORK.length - 1 ? outputGradientText(u) : slopeText(end + 1, u));
    if (end > m) lines.push(slopeText(end, u));
    lines.push(biasGradientText(m, u));
    if (DATA.train_biases) lines.push(stepText(`${lettersOf(m).b}[${u}]`, NETWORK[m].b[u], state.pass.gradients[m].db[u], state.after.network[m].b[u]));
    return { title: `unit ${y}[${u}] = ${num(row.x[end + 1][u])}${ofRow()}`, lines };
  },
  weight(m, p, u) {
    const { x, y, w } = lettersOf(m), name = `${w}[${p}][${u}]`, i = p * widthOf(m) + u, before = NETWORK[m].w[i], input = shownRow().x[m][p];
    return {
      title: `weight ${name} = ${num(before)}`,
      lines: [
        `adds ${x}[${p}]·${name} = ${num(input)}·${factor(before)} = ${num(input * before)} to ${y}[${u}]${ofRow()}`,
        weightGradientText(m, p, u),
        stepText(name, before, state.pass.gradients[m].dw[i], state.after.network[m].w[i]),
      ],
    };
  },
  output(c) {
    const lines = [partText(c), outputGradientText(c)];
    if (shownRow().judged.p) lines.unshift(probabilityText(c));
    return { title: `output ${c}, target t[${c}] = ${num(state.t[state.row][c])}${ofRow()}`, lines };
  },
  loss: () => ({ title: `loss L = ${num(state.pass.loss)}`, lines: [DATA.loss.formula, lossText(), `after the step ${fine(state.after.loss)}`] }),
};

/** { title, lines } of a thing. */
function describe(thing) {
  const [kind, ...numbers] = thing.split(':');
  return DESCRIPTIONS[kind](...numbers.map(Number));
}
