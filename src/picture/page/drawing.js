// The network as one would draw it by hand: pixels on the left, units as shaded cells, the products that
// weigh most as lines, outputs beside their targets; the gradients below. On a narrow screen the same,
// turned: from top to bottom, the gradients on the right.

const SVG = document.getElementById('net').namespaceURI;
const LINES = 40;
/** Units of a layer that are drawn. */
const DRAWN = 2500;

function svg(tag, attributes = {}, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

/** Blue for plus, orange for minus, the stronger the longer; `most` is the strongest. */
function shade(cell, value, most) {
  cell.classList.toggle('minus', value < 0);
  cell.setAttribute('fill-opacity', most > 0 ? Math.min(Math.abs(value) / most, 1).toFixed(3) : 0);
}
const longestOf = values => values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);

/** Cells in rows and columns, each a thing; `paint(values)` shades them. */
function cellBlock({ n, rows, columns, size, x, y, byColumns = false, ink = false, thing }) {
  const group = svg('g', { class: `block${ink ? ' ink' : ''}` });
  const at = i => byColumns ? [Math.floor(i / rows), i % rows] : [i % columns, Math.floor(i / columns)];
  const gap = size > 9 ? 1.5 : size > 5 ? 0.5 : 0;
  group.append(svg('rect', { class: 'paper', x: x - 2, y: y - 2, width: columns * size + 4, height: rows * size + 4, rx: 3 }));
  const cells = Array.from({ length: n }, (_, i) => {
    const [column, row] = at(i);
    const cell = svg('rect', { class: 'cell', x: x + column * size, y: y + row * size, width: size - gap, height: size - gap, tabindex: -1, role: 'img', 'data-thing': thing(i) });
    group.append(cell);
    return cell;
  });
  if (cells.length) cells[0].setAttribute('tabindex', 0);
  return {
    group, x, y, width: columns * size, height: rows * size,
    centre: i => { const [column, row] = at(i); return [x + (column + 0.5) * size, y + (row + 0.5) * size]; },
    paint(values, most = longestOf(values)) { cells.forEach((cell, i) => shade(cell, values[i], most)); },
  };
}

/** Rows and columns of n cells in a block at most so high and wide, cells as large as possible. */
function gridOf(n, high, wide, largestCell) {
  for (let size = largestCell; ; size -= 0.5) {
    const rows = Math.min(Math.floor(high / size), n), columns = Math.ceil(n / rows);
    if (columns * size <= wide || size <= 2) return { rows, columns: Math.ceil(n / rows), size };
  }
}

function makeDrawing(root, upright) {
  const { modules } = state.pass;
  const layers = modules.flatMap((module, m) => {
    if (!module.w) return [];
    let end = m;
    while (modules[end + 1] && !modules[end + 1].w) end++;
    return [{ m, end, n: module.y.length }];
  });
  const pixel = upright ? 5.5 : 7;
  const [high, wide] = upright ? [154, 132] : [200, 132];
  const gap = upright ? 64 : 92;
  const below = upright ? 186 : 268; // from the forward row to the gradients
  let along = upright ? 22 : 8;
  const across = upright ? 4 : 42;
  const lines = svg('g', { class: 'lines' }), linesBack = svg('g', { class: 'lines' });
  const blocks = svg('g'), words = svg('g', { class: 'words' });
  const say = (x, y, text, more = {}) => { words.append(svg('text', { x, y, ...more }, text)); };
  const put = ({ rows, columns, size }, n, row, thing, more = {}) => {
    const extent = (upright ? columns : rows) * size;
    const from = across + row * below + (high - extent) / 2;
    const block = cellBlock({ n, rows, columns, size, x: upright ? from : along, y: upright ? along : from, byColumns: !upright, thing, ...more });
    blocks.append(block.group);
    return block;
  };
  const caption = (block, title, shape) => {
    const x = block.x + block.width / 2;
    say(x, block.y - 8, title, { class: 'title' });
    say(x, block.y + block.height + 15, shape);
  };
  const image = { rows: SIDE, columns: SIDE, size: pixel };
  const parts = { pixels: put(image, SIDE * SIDE, 0, p => `pixel:${p}`, { ink: true, byColumns: false }) };
  const first = layers[0].m;
  parts.dw = put(image, SIDE * SIDE, 1, p => `weight:${first}:${p}:0`, { byColumns: false });
  caption(parts.pixels, upright ? '' : 'x', '(1, 784)');
  caption(parts.dw, '', `dw of unit 0`);
  const dwCaption = words.lastChild;
  along += SIDE * pixel + gap;
  for (const layer of layers) {
    const drawn = Math.min(layer.n, DRAWN);
    const last = layer === layers.at(-1);
    const grid = last ? upright ? { rows: 1, columns: drawn, size: 15 } : { rows: drawn, columns: 1, size: 20 }
      : upright ? gridOf(drawn, wide, high, 20) : gridOf(drawn, high, wide, 20);
    layer.forward = put(grid, drawn, 0, u => `unit:${layer.end}:${u}`);
    layer.backward = put(grid, drawn, 1, u => `dy:${layer.m}:${u}`);
    const name = layer.end > layer.m ? modules[layer.m + 1].name : last ? 'z' : 'Linear';
    caption(layer.forward, upright ? '' : name, `${upright ? name + ' ' : ''}(1, ${layer.n})${drawn < layer.n ? `, ${drawn} drawn` : ''}`);
    caption(layer.backward, upright ? '' : `dy of ${layer.m}`, `${upright ? `dy of ${layer.m} ` : ''}(1, ${layer.n})`);
    const extent = upright ? layer.forward.height : layer.forward.width;
    if (!upright) say(along - gap / 2, 14, `w (${modules[layer.m].x.length}, ${layer.n})`);
    along += extent + gap;
  }
  const output = layers.at(-1);
  const judge = outputBars(output, along - gap + (upright ? 40 : 30), upright, blocks, say);
  const length = along - gap + judge.extent + 12;
  const depth = across + below + high + (upright ? 4 : 32);
  const [width, height] = upright ? [depth, length] : [length, depth];
  root.setAttribute('viewBox', `0 0 ${width} ${height}`);
  root.style.minWidth = upright ? '' : `${Math.min(width, 2000) * 0.75}px`;
  if (upright) say(across + high / 2, 12, 'forward', { class: 'way' }), say(across + below + high / 2, 12, 'gradients', { class: 'way' });
  else say(8, 14, 'forward', { class: 'way start' }), say(8, below + 14, 'gradients', { class: 'way start' });
  root.replaceChildren(lines, linesBack, blocks, words);

  function connect(lines, from, to, module, score, thing) {
    const O = module.y.length, followed = state.follow;
    const follows = followed && modules[followed.m] && followed.m === module.m;
    const count = follows ? module.x.length : module.w.length;
    const index = k => follows ? k * O + followed.u : k;
    const best = largest(count, LINES, k => score(Math.floor(index(k) / O), index(k) % O)).map(index);
    const most = best.length ? Math.abs(score(Math.floor(best[0] / O), best[0] % O)) : 1;
    for (const k of best.reverse()) {
      const p = Math.floor(k / O), u = k % O;
      if (p >= (from === parts.pixels ? SIDE * SIDE : DRAWN) || u >= DRAWN) continue;
      const value = score(p, u), strength = Math.abs(value) / most;
      const [x1, y1] = from.centre(p), [x2, y2] = to.centre(u);
      lines.append(svg('line', { x1, y1, x2, y2, class: value < 0 ? 'minus' : '', 'stroke-width': (0.4 + 2.6 * strength).toFixed(2), 'stroke-opacity': (0.15 + 0.6 * strength).toFixed(2), 'data-thing': thing(p, u) }));
    }
  }

  /** New numbers in the same drawing. */
  function paint() {
    const { pass, follow } = state;
    parts.pixels.paint(state.greys, 255);
    lines.replaceChildren();
    linesBack.replaceChildren();
    let before = parts.pixels, beforeGradient = null;
    for (const layer of layers) {
      const module = { ...pass.modules[layer.m], m: layer.m };
      const O = module.y.length;
      layer.forward.paint(pass.modules[layer.end].y);
      layer.backward.paint(module.dy);
      connect(lines, before, layer.forward, module, (p, u) => module.x[p] * module.w[p * O + u], (p, u) => `weight:${layer.m}:${p}:${u}`);
      if (beforeGradient) {
        const mask = pass.modules[beforeGradient.m].dy;
        connect(linesBack, beforeGradient.backward, layer.backward, module, (p, u) => mask[p] === 0 ? 0 : module.dy[u] * module.w[p * O + u], (p, u) => `weight:${layer.m}:${p}:${u}`);
      }
      [before, beforeGradient] = [layer.forward, layer];
    }
    const { x, dy } = pass.modules[first];
    const u = follow?.m === first ? follow.u : argmax(dy.map(Math.abs));
    dwCaption.textContent = `dw of unit ${u}`;
    parts.dw.paint(x.map(x => x * dy[u]));
    parts.dw.group.querySelectorAll('.cell').forEach((cell, p) => { cell.dataset.thing = `weight:${first}:${p}:${u}`; });
    judge.paint(pass);
    highlight();
    root.setAttribute('aria-label', `The network: ${DATA.title}. ${summaryText()}`);
  }

  /** What the step is about; in the forward pass the gradients are still to come. */
  function highlight() {
    const { m, back = false, loss = false } = stepsPart();
    const groups = [parts.pixels, ...layers.map(layer => layer.forward)];
    const gradients = [parts.dw, ...layers.map(layer => layer.backward)];
    const layer = layers.findIndex(layer => m >= layer.m && m <= layer.end);
    groups.forEach((block, i) => block.group.classList.toggle('current', !back && !loss && m !== undefined && i === layer + 1));
    gradients.forEach((block, i) => {
      block.group.classList.toggle('current', back && i === layer + 1);
      block.group.classList.toggle('faint', m !== undefined && !back || loss);
    });
    linesBack.classList.toggle('faint', m !== undefined && !back || loss);
    judge.group.classList.toggle('current', loss);
  }
  return { paint };
}

/** Softmax as bars beside the one-hot target; with one output, where it lies between the digits. */
function outputBars(output, along, upright, blocks, say) {
  const { z } = state.pass;
  const n = z.length, long = upright ? 54 : 96;
  const group = svg('g', { class: 'block' });
  blocks.append(group);
  const { x, y } = output.forward;
  const bars = [], targets = [], numbers = [];
  const rect = (a, b, w, h, more) => { // along, across
    const cell = svg('rect', { ...(upright ? { x: b, y: a, width: h, height: w } : { x: a, y: b, width: w, height: h }), ...more });
    group.append(cell);
    return cell;
  };
  const step = upright ? 15 : 20, thick = step - 3;
  const one = n === 1;
  for (let c = 0; c < n; c++) {
    const b = (upright ? x : y) + c * step;
    rect(along, b, long, thick, { class: 'paper', rx: 2 });
    bars.push(rect(along, b, 0, thick, { class: 'cell bar', rx: 2, tabindex: c ? -1 : 0, role: 'img', 'data-thing': `p:${c}` }));
    targets.push(rect(along + long + 10, b, thick, thick, { class: 'cell target', tabindex: -1, role: 'img', 'data-thing': `q:${c}` }));
    const middle = b + thick / 2;
    if (!one) say(...(upright ? [middle, along - 6] : [along - 9, middle + 4]), c, { class: 'class' });
    const number = svg('text', upright ? { x: middle, y: along + long + 40, class: 'small' } : { x: along + long + 14 + thick, y: middle + 4, class: 'number' });
    group.append(number);
    numbers.push(number);
  }
  const label = state.pass.judged.nll ? 'softmax' : 'output';
  if (!upright) {
    say(along + long / 2, y - 8, label, { class: 'title' });
    say(along + long + 16, y - 8, 't', { class: 'title' });
  } else say(x + n * step / 2, along + long + 42, `${label}, target`);
  return {
    group,
    extent: (upright ? 40 + 50 : 30 + 78) + long,
    paint({ judged, target, predicted }) {
      const t = judged.q ?? judged.t;
      const span = one ? 9 : 1;
      bars.forEach((bar, c) => {
        const value = judged.p[c];
        bar.setAttribute(upright ? 'height' : 'width', Math.max(Math.min(Math.abs(value) / span, 1) * long, 1));
        bar.setAttribute('fill-opacity', 1);
        bar.classList.toggle('minus', value < 0);
        shade(targets[c], t[c], span);
        numbers[c].textContent = upright ? '' : one ? `${num(value, 2)}, t = ${t[c]}` : num(value, 3);
        numbers[c].classList.toggle('strong', one || c === predicted);
      });
    },
  };
}
