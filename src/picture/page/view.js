// What is shown, and how it is moved through: one state, and everything drawn from it.

const DATA = JSON.parse(document.getElementById('data').textContent);
const LOSS = lossOf(DATA.loss, DATA.classes.length);
const NETWORK = DATA.modules.map(({ weight, bias, ...said }) => weight ? { ...said, w: floatsOf(weight), b: floatsOf(bias) } : said);
const ORIGINAL = bytesOf(DATA.pixels);
const ROWS = DATA.rows, COLS = DATA.cols;
const PAD = padOf(ROWS, COLS);
/** Whether the classes are digits, or one digit and the others. */
const DIGITS = DATA.classes.every(name => /^(not )?\d$/.test(name));
const by = id => document.getElementById(id);

const state = {
  image: ORIGINAL, // under the strokes; null for none
  strokes: [],
  prepare: true, // centre and scale a drawing
  target: null, // the class that was chosen
  rate: DATA.learning_rate,
  step: 0,
  follow: null, // { m, u }: a unit of a Linear
  weight: null, // { m, p, u }
  thing: null, // what the words are about
  greys: null, // what the network sees
  prepared: null, // how it was prepared
  pass: null,
};

const isOriginal = () => state.image === ORIGINAL && state.strokes.length === 0;
const isEmpty = () => state.image === null && state.strokes.length === 0;

/** What is chosen; else the class of the image as it was; a drawing has none. */
const knownTarget = () => state.target ?? (isOriginal() ? DATA.label : null);

function run() {
  Object.assign(state, seenOf(state.image, state.strokes, state.prepare));
  const x = Float64Array.from(state.greys, grey => DATA.scale * grey + DATA.shift);
  state.pass = passOf(NETWORK, LOSS, x, knownTarget());
}

/** The unit of a Linear that is followed, else the largest. */
const followedUnit = m => state.follow?.m === m ? state.follow.u : argmax(state.pass.modules[m].y);

function summaryText() {
  const { predicted, assumed, target, judged, z, loss } = state.pass;
  if (isEmpty()) return 'Nothing is drawn: only the biases speak.';
  const sure = judged.other ? `p = ${num(judged.p[0])} of ${theClass(1)}` : judged.q ? `p = ${num(judged.p[predicted])}` : `output ${num(z.length === 1 ? z[0] : z[predicted])}`;
  const aim = assumed ? `No target: as ${aClass(target)}, loss ${num(loss)}.` : `Target ${nameOf(target)}, loss ${num(loss)}.`;
  return `Taken for ${aClass(predicted)}, ${sure}. ${aim}`;
}

function showSummary() {
  const { predicted, assumed, target } = state.pass;
  by('verdict-label').textContent = isEmpty() ? 'nothing drawn' : 'taken for';
  const name = isEmpty() ? '–' : nameOf(predicted);
  Object.assign(by('predicted'), { textContent: shortened(name, 30), title: name, className: sizeOf(name) });
  by('prepared').textContent = preparationText();
  by('verdict').classList.toggle('wrong', !isEmpty() && !assumed && predicted !== target);
  by('summary').textContent = summaryText();
  by('target').value = assumed ? '' : target;
}

/** How large a name can be written. */
const sizeOf = name => name.length <= 2 ? '' : name.length <= 5 ? 'medium' : 'small';

/** What was done to what is on the pad, before the network saw it. */
function preparationText() {
  const { image, strokes, prepared } = state;
  if (prepared) return preparedText(prepared);
  return isEmpty() ? 'an empty pad' : strokes.length === 0 ? `${ROWS} × ${COLS} pixels, as in the file` : image ? 'the strokes where they are, over the image' : 'the strokes where they are';
}

let steps = [], drawing, pad;

/** The part of the drawing that the step is about. */
const stepsPart = () => steps[state.step]?.part ?? {};

function showStep() {
  const step = steps[state.step];
  const panel = by('panel');
  const focused = panel.contains(document.activeElement) ? document.activeElement.dataset.thing : null;
  by('step-title').textContent = step.title;
  by('step-count').textContent = `step ${state.step + 1} of ${steps.length}`;
  by('step-formula').textContent = step.formula;
  by('step-shapes').textContent = step.shapes;
  by('step-say').textContent = step.say;
  by('step-numbers').replaceChildren(...step.numbers().filter(Boolean));
  by('rate-box').hidden = step.name !== 'SGD';
  by('back').disabled = state.step === 0;
  by('forth').disabled = state.step === steps.length - 1;
  [...by('steps').children].forEach((item, i) => {
    const button = item.firstChild;
    if (i === state.step) button.setAttribute('aria-current', 'step'); else button.removeAttribute('aria-current');
  });
  if (focused) panel.querySelector(`[data-thing="${focused}"]`)?.focus();
}

function showWords() {
  const box = by('words');
  if (!state.thing) return;
  const { title, lines } = describe(state.thing);
  const list = lines.map(line => element('li', {}, line.thing ? thingButton(line.thing, line.text, { tabindex: 0 }) : line));
  box.hidden = false;
  by('words-title').textContent = title;
  by('words-lines').replaceChildren(...list);
  for (const old of document.querySelectorAll('.looked')) old.classList.remove('looked');
  for (const cell of document.querySelectorAll(`[data-thing="${state.thing}"]`)) if (!box.contains(cell)) cell.classList.add('looked');
}

function show() {
  showSummary();
  drawing.paint();
  showStep();
  showWords();
  pad.paint();
  paintSeen(by('seen'), state.greys);
}

let asked = false;
/** Once a frame, however many points a pen gives. */
function changed() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => { asked = false; run(); show(); });
}

function goTo(step) {
  const target = Math.min(Math.max(step, 0), steps.length - 1);
  if (target === state.step) return;
  state.step = target;
  drawing.paint();
  showStep();
  const list = by('steps'), button = list.children[target].firstChild;
  list.scrollLeft = button.offsetLeft - list.clientWidth / 2;
  by('step-live').textContent = `${steps[target].title}: ${steps[target].formula}`;
}

function lookAt(thing) {
  if (thing === state.thing) return;
  state.thing = thing;
  showWords();
}

/** A tap on a unit or a weight also follows it, in the drawing and in the steps. */
function follow(thing) {
  const [kind, ...numbers] = thing.split(':');
  const ids = numbers.map(Number);
  const { modules } = state.pass;
  if (kind === 'weight') Object.assign(state, { weight: { m: ids[0], p: ids[1], u: ids[2] }, follow: { m: ids[0], u: ids[2] } });
  else if (kind === 'unit' || kind === 'dy') {
    let m = ids[0];
    while (m > 0 && !modules[m].w) m--;
    state.follow = modules[m].w ? { m, u: ids[1] } : null;
  }
  lookAt(thing);
  drawing.paint();
  showStep();
  showWords();
}

// What is hovered, focused or tapped.
const thingAt = event => event.target.closest?.('[data-thing]');
document.addEventListener('pointerover', event => {
  const cell = thingAt(event);
  if (cell && event.pointerType === 'mouse' && event.buttons === 0 && !by('words').contains(cell)) lookAt(cell.dataset.thing);
});
document.addEventListener('focusin', event => {
  const cell = thingAt(event);
  if (!cell || by('words').contains(cell)) return;
  lookAt(cell.dataset.thing);
});
document.addEventListener('click', event => {
  const cell = thingAt(event);
  if (cell) follow(cell.dataset.thing);
});

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** From a cell to the nearest in the direction of an arrow. */
function neighbour(cell, [dx, dy]) {
  const centre = c => { const box = c.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; };
  const [x, y] = centre(cell);
  let best = null, least = Infinity;
  for (const other of cell.closest('[data-grid]').querySelectorAll('.cell[data-thing], .thing[data-thing]')) {
    const [ox, oy] = centre(other);
    const ahead = (ox - x) * dx + (oy - y) * dy, aside = Math.abs((ox - x) * dy) + Math.abs((oy - y) * dx);
    const distance = ahead + 3 * aside;
    if (ahead > 0.5 && distance < least) [best, least] = [other, distance];
  }
  return best;
}

document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input, select')) return;
  const cell = thingAt(event);
  const inGrid = cell?.closest('[data-grid]');
  if (ARROWS[event.key] && inGrid) {
    const next = neighbour(cell, ARROWS[event.key]);
    if (next) {
      cell.setAttribute('tabindex', -1);
      next.setAttribute('tabindex', 0);
      if (next.getAttribute('role') === 'img') next.setAttribute('aria-label', describe(next.dataset.thing).title);
      next.focus();
    }
  } else if ((event.key === 'Enter' || event.key === ' ') && cell?.getAttribute('role') === 'img') follow(cell.dataset.thing);
  else if (event.key === 'ArrowLeft') goTo(state.step - 1);
  else if (event.key === 'ArrowRight') goTo(state.step + 1);
  else if (event.key === 'Escape') closeWords();
  else return;
  event.preventDefault();
});

function closeWords() {
  state.thing = null;
  by('words').hidden = overlaid.matches;
}

function makeSteps() {
  steps = stepsOf(state.pass);
  by('steps').replaceChildren(...steps.map((step, i) => {
    const button = element('button', { type: 'button' }, step.name);
    button.addEventListener('click', () => goTo(i));
    return element('li', { class: step.part.back ? 'back' : null }, button);
  }));
}

/** Where the drawing has a narrow column, it runs from top to bottom. */
const upright = matchMedia('(max-width: 700px), (min-width: 1181px) and (max-width: 1699px)');
/** Where the numbers lie over the page, and can be closed. */
const overlaid = matchMedia('(max-width: 1180px)');
function redraw() {
  drawing = makeDrawing(by('net'), upright.matches);
  drawing.paint();
}

document.title = `${DATA.title}, ${DATA.image}`;
by('model').textContent = DATA.title;
by('kind').textContent = `${DATA.summary}; ${DATA.image}, ${aClass(DATA.label)}`;
by('pad-title').textContent = DIGITS ? 'Draw a digit' : 'Draw an image';
by('pad').setAttribute('aria-label', DIGITS ? 'Pad to draw a digit on' : 'Pad to draw an image on');
by('size').textContent = `${ROWS} × ${COLS}`;
by('deslanted').hidden = !DATA.deslant;
by('target').append(element('option', { value: '' }, 'none'), ...DATA.classes.map((name, c) => element('option', { value: c, title: name }, shortened(name, 30))));
by('target').addEventListener('change', ({ target: { value } }) => { state.target = value === '' ? null : Number(value); changed(); });
by('prepare').addEventListener('change', event => { state.prepare = event.target.checked; changed(); });
by('rate').value = state.rate;
by('rate').addEventListener('input', event => {
  const rate = Number(event.target.value);
  if (rate > 0 && Number.isFinite(rate)) { state.rate = rate; showStep(); showWords(); }
});
by('clear').addEventListener('click', () => pad.clear());
by('undo').addEventListener('click', () => pad.undo());
by('original').addEventListener('click', () => pad.clear(ORIGINAL));
by('back').addEventListener('click', () => goTo(state.step - 1));
by('forth').addEventListener('click', () => goTo(state.step + 1));
by('words-close').addEventListener('click', closeWords);
upright.addEventListener('change', redraw);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => pad.paint());

pad = makePad(by('pad'), changed);
if (overlaid.matches) closeWords();
run();
makeSteps();
drawing = makeDrawing(by('net'), upright.matches);
show();
