// What is shown, and how it is moved through: one state, and everything drawn from it.

const DATA = JSON.parse(document.getElementById('data').textContent);
const NETWORK = DATA.modules.map(({ w, b, ...said }) => w ? { ...said, w: Float64Array.from(w.flat()), b: Float64Array.from(b) } : said);
const by = id => document.getElementById(id);
const NET = document.querySelector('svg.mlp-net');
/** Lines of a step that are written out. */
const WRITTEN = 400;

const copy = rows => rows.map(row => [...row]);
const state = { x: copy(DATA.x), t: copy(DATA.t), row: DATA.row, rate: DATA.learning_rate, step: 0, thing: null, pass: null, after: null };

function run() {
  state.pass = passOf(NETWORK, DATA.loss, state.x, state.t);
  state.after = stepOf(NETWORK, state.pass, DATA.loss, state.x, state.t, state.rate, DATA.train_biases);
}

/** The number of a name in the drawing, such as y:0:1. */
function numberOf(name) {
  const [kind, ...ids] = name.split(':'), [m, a, b] = ids.map(Number), row = shownRow();
  switch (kind) {
    case 'x': return row.x[0][m];
    case 'dx': return row.dx[0][m];
    case 'y': return row.x[m + 1][a];
    case 'dy': return row.dx[m + 1][a];
    case 'b': return NETWORK[m].b[a];
    case 'db': return state.pass.gradients[m].db[a];
    case 'w': return weightOf(m, a, b);
    case 'dw': return state.pass.gradients[m].dw[a * widthOf(m) + b];
    case 'p': return row.judged.p[m];
    case 't': return state.t[state.row][m];
    case 'part': return row.judged.parts[m];
    default: return state.pass.loss;
  }
}

/** The numbers of the drawing, each with the characters that its column has room for. */
const numbers = (() => {
  const all = [...NET.querySelectorAll('[data-number]')], rooms = new Map();
  for (const text of all) rooms.set(text.getAttribute('x'), Math.max(rooms.get(text.getAttribute('x')) ?? DATA.precision + 4, text.textContent.length));
  return all.map(text => ({ text, name: text.dataset.number, room: rooms.get(text.getAttribute('x')) }));
})();

/** A number in so many characters: of a longer one fewer digits. */
function fitted(number, room) {
  let text = num(number);
  for (let digits = DATA.precision - 1; text.length > room && digits >= 0; digits--) text = number.toExponential(digits).replace('e+', 'e');
  return text;
}

/** The class of a circle: as src/picture/drawing/shade.rs has it. */
function shadeOf(value, most) {
  const strength = Math.min(Math.ceil(8 * Math.abs(value) / most), 8), sign = value < 0 ? 'n' : 'p';
  return strength > 0 ? strength === 8 ? sign : `${sign} o${strength}` : 'z';
}

/** The largest distance from 0, and 1 where all is 0 or not a number. */
const fullStrength = values => Math.max(...[...values].map(Math.abs).filter(Number.isFinite)) || 1;

function paintCircles() {
  const row = shownRow();
  const shade = (circle, values, u) => circle.setAttribute('class', shadeOf(values[u], 2 * fullStrength(values)));
  for (const circle of NET.querySelectorAll('[data-input]')) shade(circle, row.x[0], Number(circle.dataset.input));
  for (const circle of NET.querySelectorAll('[data-unit]')) {
    const [m, u] = circle.dataset.unit.split(':').map(Number), end = lastOf(m);
    shade(circle, row.x[end + 1], u);
    const off = end > m && MODULES[NETWORK[end].name].switches_off && row.x[m + 1][u] <= 0;
    circle.previousElementSibling.classList.toggle('dashed', off);
  }
}

function paintLines() {
  const row = shownRow();
  const product = (m, p, u) => row.x[m][p] * weightOf(m, p, u);
  const most = new Map();
  const lines = [...NET.querySelectorAll('[data-edge]')].map(line => [line, ...line.dataset.edge.split(':').map(Number)]);
  for (const [, m, p, u] of lines) most.set(m, Math.max(most.get(m) ?? 0, Math.abs(product(m, p, u)) || 0));
  for (const [line, m, p, u] of lines) {
    const value = product(m, p, u), share = Math.abs(value) / most.get(m);
    line.setAttribute('class', value < 0 ? 'edge n' : 'edge p');
    line.setAttribute('stroke-width', Math.round(100 * (0.6 + 2.8 * (Number.isFinite(share) ? share : 0))) / 100);
  }
}

function paint() {
  for (const { text, name, room } of numbers) text.textContent = fitted(numberOf(name), room);
  paintCircles();
  paintLines();
  const step = NET.querySelector('[data-part="step"]');
  const digits = DATA.precision + 2;
  step.textContent = `one step of SGD with lr = ${state.rate}: L = ${num(state.pass.loss, digits)} before, ${num(state.after.loss, digits)} after${DATA.train_biases ? '' : '; the biases are kept'}`;
  for (const words of NET.querySelectorAll('[data-part="row"]')) words.textContent = words.textContent.replace(/row \d+/, `row ${state.row}`);
}

let steps = [];

function showStep() {
  const step = steps[state.step];
  by('step-title').textContent = step.title;
  by('step-count').textContent = `step ${state.step + 1} of ${steps.length}`;
  by('step-formula').textContent = step.formula;
  by('step-shapes').textContent = step.shapes;
  by('step-say').textContent = step.say;
  const lines = step.lines();
  const shown = lines.slice(0, WRITTEN).map(([text, thing]) => element('li', {}, element('button', { type: 'button', class: 'thing', 'data-thing': thing }, text)));
  if (lines.length > WRITTEN) shown.push(element('li', { class: 'note' }, `… ${lines.length - WRITTEN} more: tap them in the drawing`));
  by('step-lines').replaceChildren(...shown);
  by('back').disabled = state.step === 0;
  by('forth').disabled = state.step === steps.length - 1;
  [...by('steps').children].forEach((item, i) => {
    if (i === state.step) item.firstChild.setAttribute('aria-current', 'step'); else item.firstChild.removeAttribute('aria-current');
  });
  for (const group of NET.querySelectorAll('[data-thing]')) group.classList.toggle('current', group.dataset.thing.startsWith(step.about));
}

function showWords() {
  for (const old of document.querySelectorAll('.looked')) old.classList.remove('looked');
  if (!state.thing) return;
  const { title, lines } = describe(state.thing);
  by('words-title').textContent = title;
  by('words-lines').replaceChildren(...lines.map(line => element('li', {}, line)));
  for (const found of document.querySelectorAll(`[data-thing="${state.thing}"]`)) found.classList.add('looked');
}

function show() {
  paint();
  showStep();
  showWords();
  const finite = Number.isFinite(state.pass.loss) && Number.isFinite(state.after.loss);
  by('trouble').textContent = finite ? '' : 'A number is too large: the loss, or the loss after the step, is not finite.';
}

function changed() {
  run();
  show();
}

function goTo(step) {
  const target = Math.min(Math.max(step, 0), steps.length - 1);
  if (target === state.step) return;
  state.step = target;
  showStep();
  showWords();
  const list = by('steps'), button = list.children[target].firstChild;
  list.scrollLeft = button.offsetLeft - list.clientWidth / 2;
  by('step-live').textContent = `${steps[target].title}: ${steps[target].formula}`;
}

function lookAt(thing) {
  state.thing = thing;
  showWords();
}

/** The words at the pointer as well: the list of a large network is far away. */
function tell(group) {
  const { title, lines } = describe(group.dataset.thing);
  const words = group.querySelector('title') ?? group.appendChild(document.createElementNS(NET.namespaceURI, 'title'));
  words.textContent = [title, ...lines].join('\n');
}

/** Why these targets are none, or nothing. */
function targetTrouble(t) {
  const probabilities = t.every(t => t >= 0 && t <= 1);
  if (DATA.loss.kind === 'bce' && !probabilities) return 'With binary cross-entropy, t is from 0 to 1.';
  if (DATA.loss.kind === 'ce' && !(probabilities && Math.abs(sum(t) - 1) <= 1e-6)) return 'With cross-entropy, t is probabilities, from 0 to 1, that sum to 1.';
  return '';
}

/** A field for each number of the row that is shown. */
function makeFields() {
  const field = (name, rows, i, use) => {
    const input = element('input', { type: 'number', step: 'any', value: rows[state.row][i], 'aria-label': `${name}[${i}]` });
    input.addEventListener('input', () => { if (input.value !== '' && Number.isFinite(input.valueAsNumber)) use(input.valueAsNumber); });
    return element('label', {}, `${name}[${i}] `, input);
  };
  by('inputs').replaceChildren(...range(DATA.x[0].length, p => field('x', state.x, p, value => { state.x[state.row][p] = value; changed(); })));
  const wanted = [...state.t[state.row]], row = state.row;
  by('targets').replaceChildren(...range(DATA.t[0].length, c => field('t', state.t, c, value => {
    wanted[c] = value;
    const trouble = targetTrouble(wanted);
    if (!trouble) { state.t[row] = [...wanted]; changed(); }
    if (trouble) by('trouble').textContent = `${trouble} The last that were are kept.`;
  })));
}

// What is hovered, focused or tapped.
const thingAt = event => event.target.closest?.('[data-thing]');
document.addEventListener('pointerover', event => {
  const thing = thingAt(event);
  if (!thing || event.pointerType !== 'mouse' || event.buttons !== 0) return;
  lookAt(thing.dataset.thing);
  if (NET.contains(thing)) tell(thing);
});
for (const kind of ['focusin', 'click']) document.addEventListener(kind, event => {
  const thing = thingAt(event);
  if (thing) lookAt(thing.dataset.thing);
});
document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input, select')) return;
  if (event.key === 'ArrowLeft') goTo(state.step - 1);
  else if (event.key === 'ArrowRight') goTo(state.step + 1);
  else return;
  event.preventDefault();
});

document.title = DATA.title;
by('model').textContent = DATA.title;
by('kind').textContent = DATA.summary;
by('row').append(...range(DATA.x.length, n => element('option', { value: n }, n)));
by('row').value = state.row;
by('row-box').hidden = DATA.x.length === 1;
by('row').addEventListener('change', ({ target }) => { state.row = Number(target.value); makeFields(); show(); });
by('rate').value = state.rate;
by('rate').addEventListener('input', ({ target }) => { if (target.valueAsNumber > 0 && Number.isFinite(target.valueAsNumber)) { state.rate = target.valueAsNumber; changed(); } });
by('original').addEventListener('click', () => {
  Object.assign(state, { x: copy(DATA.x), t: copy(DATA.t), rate: DATA.learning_rate });
  by('rate').value = state.rate;
  makeFields();
  changed();
});
by('back').addEventListener('click', () => goTo(state.step - 1));
by('forth').addEventListener('click', () => goTo(state.step + 1));
NET.setAttribute('role', 'group');
// The words of a line are those of its group.
for (const title of NET.querySelectorAll('[data-edge] title')) title.closest('[data-thing]').prepend(title);
for (const group of NET.querySelectorAll('[data-thing]')) if (!group.dataset.thing.startsWith('weight')) group.setAttribute('tabindex', 0);

run();
steps = stepsOf();
by('steps').replaceChildren(...steps.map((step, i) => {
  const button = element('button', { type: 'button' }, step.name);
  button.addEventListener('click', () => goTo(i));
  return element('li', { class: step.back ? 'back' : null }, button);
}));
makeFields();
show();
