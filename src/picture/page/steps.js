// The pass as a list of steps, in the order of the lesson. A step has a name, a title, a formula, shapes and
// a sentence, and draws its numbers; `part` says which part of the drawing it is about.

const element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, '');
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter(child => child != null));
  return made;
};

/** Numbers of a row that are written out. */
const WRITTEN = 160;
/** Rows and columns of a matrix that are drawn. */
const MATRIX = 64;

function stepsOf({ modules, judged }) {
  const steps = [{
    name: 'x', title: 'The image', formula: `x = pixel / 255`, shapes: `(1, ${ROWS * COLS})`, part: { m: -1 },
    say: `Row by row, the ${ROWS} × ${COLS} pixels are the inputs x. Where x is 0, nothing is added.`,
    numbers: () => [wordsOfImage(), pixelMap('x', p => state.pass.modules[0].x[p], p => `pixel:${p}`, true)],
  }];
  if (DATA.deslant) steps[0].say += ' The image was sheared until it leans neither way, as in training.';
  if (DATA.scale !== 1 / 255 || DATA.shift) steps[0].formula = `x = ${num(DATA.scale)}·pixel + ${num(DATA.shift)}`;
  modules.forEach((module, m) => {
    const [I, O] = [module.x.length, module.y.length];
    const { x: X, y: Y, w: W, b: B } = lettersOf(m), { formula, switches_off, note } = MODULES[module.name];
    const about = { name: Y, title: `${Y}: ${module.layer}, ${module.name}`, formula: `${Y} = ${filledIn(formula, { x: X, w: W, b: B })}`, part: { m } };
    steps.push(module.w ? {
      ...about, shapes: `(1, ${I})·(${I}, ${O}) + (1, ${O}) = (1, ${O})`,
      say: 'Every unit is a sum of products, plus its bias. Tap or focus a unit to follow it.',
      numbers: () => [termsTable(m), row(Y, state.pass.modules[m].y, u => `unit:${m}:${u}`), matrix(m, 'w')],
    } : {
      ...about, shapes: `(1, ${O})`,
      say: switches_off ? 'A unit is on where x > 0: this is the mask that the backward pass uses again.' : note || 'Element by element.',
      numbers: () => [
        switches_off ? maskOf(m) : null,
        row(X, state.pass.modules[m].x, u => `unit:${m - 1}:${u}`), row(Y, state.pass.modules[m].y, u => `unit:${m}:${u}`),
      ],
    });
  });
  const C = modules.at(-1).y.length, last = modules.length - 1, Z = outputLetter();
  const ce = Boolean(judged.q), bce = DATA.loss.kind === 'bce';
  steps.push(bce ? {
    name: 'σ', title: 'The logistic function σ, by hand', part: { loss: true }, shapes: '(1, 1)', formula: `p = σ(${Z}) = 1 / (1 + e^−${Z})`,
    say: `The one output becomes p, the probability of ${theClass(1)}: above 1/2 where the output is above 0.`,
    numbers: () => [logisticTable()],
  } : {
    name: ce ? 'softmax' : 'target', title: ce ? 'Softmax, by hand' : 'Outputs and targets', part: { loss: true }, shapes: `(1, ${C})`,
    formula: ce ? `p = e^(${Z} − max) / Σ e^(${Z} − max)` : DATA.loss.kind === 'mse-digit' ? 't is the number of the class itself' : 't is 1 for the class, 0 for the others',
    say: ce ? 'The largest logit becomes 0, so that no e^ overflows; the sum of the powers makes them shares.' : 'The loss compares each output with its target.',
    numbers: () => ce ? [softmaxTable()] : mseTables(),
  }, {
    name: 'loss', title: 'The loss', part: { loss: true }, shapes: 'one number',
    formula: bce ? 'L = −t·ln p − (1 − t)·ln(1 − p)' : ce ? DATA.loss.smoothing ? 'L = −Σ q·ln p' : 'L = −ln p[target]' : `L = Σ (${Z} − t)² / C`,
    say: 'With N images, L is the mean of theirs. Choose another target beside the pad and see what it costs.',
    numbers: () => [element('p', { class: 'result' }, thingButton('loss', lossText()))],
  }, {
    name: `d${Z}`, title: `d${Z}: back through the loss`, part: { m: last, back: true }, shapes: `(1, ${C})`,
    formula: bce ? `d${Z} = p − t` : ce ? `d${Z} = softmax − target` : `d${Z} = 2·(${Z} − t) / C`,
    say: `The gradient of the outputs says which way each should move. With N images every d${Z} has the factor 1/N.`,
    numbers: () => [gradientTable()],
  });
  for (let m = last; m >= 0; m--) {
    const module = modules[m], [I, O] = [module.x.length, module.y.length];
    const part = { m, back: true }, { x: X, y: Y, w: W, dx: DX, dy: DY, dw: DW, db: DB } = lettersOf(m);
    const { backward_formula, switches_off } = MODULES[module.name];
    const formula = `${DX} = ${filledIn(backward_formula, { x: X, y: Y, dy: DY, w: W })}`;
    const dx = () => row(DX, state.pass.modules[m].dx, p => m === 0 ? `pixel:${p}` : `dy:${m - 1}:${p}`);
    const title = gradient => `${gradient}: back through ${module.layer}, ${module.name}`;
    if (module.w) {
      steps.push({
        name: DW, title: title(DW), formula: `${DW} = ${X}ᵀ·${DY}`, shapes: `(${I}, 1)·(1, ${O}) = (${I}, ${O})`, part,
        say: 'Each weight: what came in times what came back.', numbers: () => [longestText(m), matrix(m, 'dw')],
      }, {
        name: DB, title: title(DB), formula: `${DB} = Σₙ ${DY}`, shapes: `(1, ${O})`, part,
        say: 'The sum over the images of the batch; here there is one.', numbers: () => [row(DB, state.pass.modules[m].dy, u => `bias:${m}:${u}`)],
      });
      if (module.dx) steps.push({
        name: DX, title: title(DX), formula, shapes: `(1, ${O})·(${O}, ${I}) = (1, ${I})`, part,
        say: 'What comes back to each input, over all the ways it has gone.', numbers: () => [dx()],
      });
    } else if (module.dx) {
      steps.push({
        name: DX, title: title(DX), formula, shapes: `(1, ${O})`, part,
        say: switches_off ? 'The mask of the forward pass: where a unit was off, nothing comes back.' : 'Element by element, with what the forward pass kept.',
        numbers: () => [switches_off ? maskOf(m) : null, row(DY, state.pass.modules[m].dy, u => `dy:${m}:${u}`), dx()],
      });
    }
  }
  steps.push({
    name: 'SGD', title: 'One step of SGD', formula: 'w ← w − lr·dw', shapes: 'one weight', part: {},
    say: 'Of the weight with the largest gradient, or the one that is followed. Choose the rate and see the loss after the step.',
    numbers: () => [stepTable()],
  });
  return steps;
}

const thingButton = (thing, text, more = {}) => element('button', { type: 'button', class: 'thing', 'data-thing': thing, tabindex: -1, ...more }, text);

/** A group of things through which the arrow keys go. */
function grid(label, className, ...children) {
  const group = element('div', { class: className, role: 'group', 'aria-label': label, 'data-grid': true }, ...children);
  group.querySelector('[data-thing]')?.setAttribute('tabindex', 0);
  return group;
}

function row(name, values, thing) {
  const shown = [...values.slice(0, WRITTEN)];
  const more = values.length > WRITTEN ? element('p', { class: 'note' }, `… ${values.length - WRITTEN} more`) : null;
  const cells = shown.map((value, i) => thingButton(thing(i), [element('small', {}, i), num(value)], { class: `thing cell ${value < 0 ? 'below' : value > 0 ? 'above' : 'zero'}` }));
  return element('section', {}, element('h4', {}, `${name} (1, ${values.length})`), grid(`${name}, ${values.length} numbers`, 'row', cells), more);
}

/** A table whose cells are things: columns are [heading, value(i), thing(i)]. */
function table(caption, columns, n, { strong = -1, foot } = {}) {
  const head = element('tr', {}, columns.map(([heading]) => element('th', { scope: 'col' }, heading)));
  const rows = Array.from({ length: n }, (_, i) => element('tr', { class: i === strong ? 'strong' : null }, columns.map(([, value, thing], k) =>
    element(k ? 'td' : 'th', k ? {} : { scope: 'row' }, thing ? thingButton(thing(i), value(i)) : String(value(i))))));
  const made = element('table', {}, element('caption', {}, caption), element('thead', {}, head), element('tbody', {}, rows));
  if (foot) made.append(element('tfoot', {}, element('tr', {}, foot.map(text => element('td', {}, text)))));
  return grid(caption, 'scroll', made);
}

function termsTable(m) {
  const module = state.pass.modules[m];
  const u = followedUnit(m), O = module.y.length, { x: X, y: Y, w: W, b: B } = module.letters;
  const { shown, rest, count } = termsOf(module, u);
  const w = p => module.w[p * O + u];
  const thing = k => `weight:${m}:${shown[k]}:${u}`;
  const made = table(`Unit ${u}: ${Y}[${u}] = Σ ${X}[p]·${W}[p][${u}] + ${B}[${u}], its largest products`, [
    ['p', k => shown[k]],
    [`${X}[p]`, k => num(module.x[shown[k]]), k => m === 0 ? `pixel:${shown[k]}` : `unit:${m - 1}:${shown[k]}`],
    [`${W}[p][${u}]`, k => num(w(shown[k])), thing], ['product', k => num(module.x[shown[k]] * w(shown[k])), thing],
  ], shown.length);
  const sums = [...(count ? [[`${count} more inputs that are not 0`, num(rest)]] : []), [`${B}[${u}]`, num(module.b[u]), `bias:${m}:${u}`], [`${Y}[${u}]`, num(module.y[u]), `unit:${m}:${u}`]];
  made.querySelector('table').append(element('tfoot', {}, sums.map(([text, number, thing]) =>
    element('tr', {}, element('td', { colspan: 3 }, text), element('td', {}, thing ? thingButton(thing, number) : number)))));
  return made;
}

/** The names of classes; of a single output its number. */
const classColumn = () => state.pass.z.length === 1 ? ['output', c => c] : ['class', c => shortened(nameOf(c), 18)];

function softmaxTable() {
  const { z, judged: j, dz, target } = state.pass, Z = outputLetter();
  const column = (heading, values, kind) => [heading, c => num(values[c]), c => `${kind}:${c}`];
  return table('Softmax and cross-entropy by hand', [
    classColumn(), column(Z, z, 'z'), column(`${Z} − max`, j.shifted, 'shift'), column('e^', j.powers, 'power'), column('softmax p', j.p, 'p'),
    column('−ln p', j.nll, 'nll'), column('target q', j.q, 'q'), column(`d${Z} = p − q`, dz, 'dz'),
  ], z.length, { strong: target, foot: ['sum', '', '', num(j.total), num(sum(j.p)), '', num(sum(j.q)), num(Math.abs(sum(dz)) < 1e-12 ? 0 : sum(dz))] });
}

function logisticTable() {
  const { z, judged: j, dz } = state.pass, Z = outputLetter();
  const column = (heading, values, kind) => [heading, c => num(values[c]), c => `${kind}:${c}`];
  return table('σ and binary cross-entropy by hand', [
    classColumn(), column(Z, z, 'z'), column(`e^−${Z}`, j.powers, 'power'), column('p = σ', j.p, 'p'), column('−ln p', j.nll, 'nll'),
    column('−ln(1 − p)', j.other, 'other'), column('target t', j.t, 'q'), column(`d${Z} = p − t`, dz, 'dz'),
  ], 1);
}

function gradientTable() {
  const { z, judged: j, dz, target } = state.pass, Z = outputLetter();
  if (DATA.loss.kind === 'bce') return table(`d${Z} = p − t`, [
    classColumn(), ['p = σ', c => num(j.p[c]), c => `p:${c}`], ['target', c => num(j.t[c]), c => `q:${c}`], [`d${Z}`, c => num(dz[c]), c => `dz:${c}`],
  ], 1);
  const t = j.q ?? j.t;
  return table(j.q ? `d${Z} = p − q` : `d${Z} = 2·(${Z} − t) / C`, [
    classColumn(), [j.q ? 'softmax p' : Z, c => num(j.p[c]), c => `${j.q ? 'p' : 'z'}:${c}`], ['target', c => num(t[c]), c => `q:${c}`], [`d${Z}`, c => num(dz[c]), c => `dz:${c}`],
  ], z.length, { strong: z.length > 1 ? target : -1 });
}

/** What mse makes of the same outputs in both ways: the network's own, and the other. */
function mseTables() {
  const { z, target } = state.pass, Z = outputLetter();
  const one = (digit) => {
    const own = digit === (DATA.loss.kind === 'mse-digit');
    const loss = meanSquaredError(digit, DATA.classes.length), j = loss.forward(z, target), dz = loss.backward(j);
    const column = (heading, values, kind) => [heading, c => num(values[c]), own && (c => `${kind}:${c}`)];
    const name = digit ? z.length === 1 ? `digit target: the one output shall be ${target}` : `digit target: ${target} for every output, which makes sense with one output only` : `one-hot targets: 1 for ${theOutput(target)}, 0 for the others`;
    return table(`mse, ${name}; L = ${num(j.loss)}${own ? '' : ' (not this network’s loss)'}`, [
      classColumn(), column(Z, z, 'z'), column('target t', j.t, 'q'), column(`diff ${Z} − t`, j.diff, 'diff'), column('diff²', j.squares, 'square'), column(`d${Z} = 2·diff/C`, dz, 'dz'),
    ], z.length, { strong: z.length > 1 ? target : -1 });
  };
  if (z.length === 1) return [one(true), element('p', { class: 'note' }, 'One-hot targets need an output for every class, and here is one.')];
  return DATA.loss.kind === 'mse-digit' ? [one(true), one(false)] : [one(false), one(true)];
}

function stepTable() {
  const at = state.weight ?? steepestWeight(state.pass.modules);
  const { m, p, u } = at;
  const step = stepOf(state.pass, LOSS, at, state.rate);
  const rows = [
    ['weight', thingButton(`weight:${m}:${p}:${u}`, `${lettersOf(m).w}[${p}][${u}]`)], ['w', fine(step.before)], ['dw = x·dy', fine(step.gradient)], ['w − lr·dw', fine(step.after)],
    ['loss before', fine(state.pass.loss)], ['loss after', fine(step.loss_after)], ['change', fine(step.loss_after - state.pass.loss)], ['the gradient promises about −lr·dw²', fine(-state.rate * step.gradient ** 2)],
  ];
  const body = element('tbody', {}, rows.map(([name, value]) => element('tr', {}, element('th', { scope: 'row' }, name), element('td', {}, value))));
  return grid('one step', 'scroll', element('table', { class: 'facts' }, element('caption', {}, `w − ${state.rate}·dw of one weight${state.weight ? '' : ', that with the largest gradient'}`), body));
}

function wordsOfImage() {
  const { x } = state.pass.modules[0];
  return element('p', {}, `${x.filter(x => x !== 0).length} of ${x.length} inputs are not 0. Input p is the pixel in row p / ${COLS}, column p mod ${COLS}.`);
}

function maskOf(m) {
  const { x } = state.pass.modules[m];
  const shown = [...x.slice(0, WRITTEN)];
  return element('p', { class: 'mask', role: 'img', 'aria-label': `${x.filter(x => x > 0).length} of ${x.length} units are on` },
    shown.map(x => x > 0 ? '●' : '○').join(''), x.length > WRITTEN ? '…' : '', ` ${x.filter(x => x > 0).length} of ${x.length} on`);
}

function longestText(m) {
  const at = steepestWeight(state.pass.modules.map((module, i) => i === m ? module : {}));
  const { x, dy } = state.pass.modules[m], { x: X, dy: DY, dw: DW } = lettersOf(m);
  const text = `the largest: ${DW}[${at.p}][${at.u}] = ${X}[${at.p}]·${DY}[${at.u}] = ${num(x[at.p])} · ${num(dy[at.u])} = ${num(x[at.p] * dy[at.u])}`;
  return element('p', {}, thingButton(`weight:${m}:${at.p}:${at.u}`, text, { tabindex: 0 }));
}

/** A drawing of n values in a block of cells, with its name. */
function figure(caption, block, n, value, ink = false) {
  const values = Array.from({ length: n }, (_, i) => value(i));
  block.paint(values);
  const box = svg('svg', { viewBox: `0 0 ${block.width + 6} ${block.height + 6}`, width: block.width + 6, role: 'group', 'aria-label': caption, 'data-grid': '' });
  box.append(block.group);
  return element('figure', {}, box, element('figcaption', {}, ink ? caption : `${caption}; full strength is ${num(fullStrength(values))}`));
}

const pixelMap = (caption, value, thing, ink) => figure(caption, imageBlock({ extent: 224, x: 3, y: 3, thing, ink }), ROWS * COLS, value, ink);

/** w or dw: of the first layer the part of one unit as an image, else rows and columns. */
function matrix(m, what) {
  const { x, y, w, dy } = state.pass.modules[m];
  const [I, O] = [x.length, y.length];
  const letter = lettersOf(m)[what];
  const value = (p, u) => what === 'w' ? w[p * O + u] : x[p] * dy[u];
  if (m === state.pass.modules.findIndex(module => module.w)) {
    const u = followedUnit(m);
    return pixelMap(`${letter}[·][${u}]: the part of unit ${u}, one for each pixel`, p => value(p, u), p => `weight:${m}:${p}:${u}`);
  }
  const [rows, columns] = [Math.min(O, MATRIX), Math.min(I, MATRIX)];
  const at = i => [i % columns, Math.floor(i / columns)];
  const part = rows < O || columns < I ? `, the first ${rows} and ${columns}` : '';
  return figure(`${letter} (${I}, ${O}), a row for each output, a column for each input${part}`, cellBlock({
    n: rows * columns, rows, columns, size: Math.max(Math.min(Math.floor(600 / columns), 14), 7), x: 3, y: 3, thing: i => `weight:${m}:${at(i)[0]}:${at(i)[1]}`,
  }), rows * columns, i => value(...at(i)));
}
