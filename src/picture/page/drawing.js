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

/** The distance from zero that has full strength: the 99th percentile of what is not 0, as in all our pictures. */
function fullStrength(values) {
  const distances = Float64Array.from(values, Math.abs).filter(v => v > 0).sort();
  return distances.length ? distances[Math.ceil(0.99 * distances.length) - 1] : 1;
}

/** The further from zero the stronger; what is not 0 is seen. */
function shade(cell, value, full) {
  cell.classList.toggle('below', value < 0);
  cell.setAttribute('fill-opacity', value ? Math.min(Math.max(Math.abs(value) / full, 1 / 8), 1).toFixed(3) : 0);
}

/** Height of a caption within a block, and the width of the shortest. */
const CAPTION = 16, CAPTION_WIDTH = 74;

/** Cells in rows and columns, each a thing; `paint(values)` shades them. `foot` leaves room for a caption below. */
function cellBlock({ n, rows, columns, size, x, y, byColumns = false, ink = false, foot = 0, thing }) {
  const group = svg('g', { class: `block${ink ? ' ink' : ''}` });
  const at = i => byColumns ? [Math.floor(i / rows), i % rows] : [i % columns, Math.floor(i / columns)];
  const gap = size > 9 ? 1.5 : size > 5 ? 0.5 : 0;
  const width = Math.max(columns * size, foot ? CAPTION_WIDTH : 0) + 4;
  group.append(svg('rect', { class: 'paper', x: x + (columns * size - width) / 2, y: y - 2, width, height: rows * size + 4 + foot, rx: 3 }));
  const cells = Array.from({ length: n }, (_, i) => {
    const [column, row] = at(i);
    const cell = svg('rect', { class: 'cell', x: x + column * size, y: y + row * size, width: size - gap, height: size - gap, tabindex: -1, role: 'img', 'data-thing': thing(i) });
    group.append(cell);
    return cell;
  });
  if (cells.length) cells[0].setAttribute('tabindex', 0);
  return {
    group, x, y, width: columns * size, height: rows * size, foot,
    centre: i => { const [column, row] = at(i); return [x + (column + 0.5) * size, y + (row + 0.5) * size]; },
    paint(values, full = fullStrength(values)) { cells.forEach((cell, i) => shade(cell, values[i], full)); },
  };
}

/** Cells of an image that are drawn. */
const TILES = 4096;

/** The image as a block that is `extent` long at its longer side: a cell for each pixel or, of a large image, for
    k×k of them, painted with their mean; the thing of a cell is the pixel in its middle. */
function imageBlock({ extent, thing, ...more }) {
  let k = 1;
  const tiles = side => Math.ceil(side / k);
  while (tiles(ROWS) * tiles(COLS) > TILES) k++;
  const [rows, columns] = [tiles(ROWS), tiles(COLS)];
  const tileOf = p => Math.floor(Math.floor(p / COLS) / k) * columns + Math.floor(p % COLS / k);
  const middle = (tile, side) => Math.min(tile * k + (k >> 1), side - 1);
  const pixelOf = i => middle(Math.floor(i / columns), ROWS) * COLS + middle(i % columns, COLS);
  const size = Math.min(extent / Math.max(rows, columns), 28);
  const block = cellBlock({ n: rows * columns, rows, columns, size, thing: i => thing(pixelOf(i)), ...more });
  return {
    ...block, pixelOf,
    centre: p => block.centre(tileOf(p)),
    paint(values, full = fullStrength(values)) {
      const sums = new Float64Array(rows * columns), counts = new Float64Array(rows * columns);
      values.forEach((value, p) => { sums[tileOf(p)] += value; counts[tileOf(p)]++; });
      block.paint(sums.map((sum, i) => sum / counts[i]), full);
    },
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
  const extent = upright ? 140 : 196; // of the image
  const [high, wide] = upright ? [154, 98] : [200, 132];
  const gap = upright ? 32 : 92;
  const below = upright ? 186 : 268; // from the forward row to the gradients
  let along = upright ? 22 : 8;
  const across = upright ? 4 : 42;
  const lines = svg('g', { class: 'lines' }), linesBack = svg('g', { class: 'lines' });
  const blocks = svg('g'), words = svg('g', { class: 'words' });
  const say = (x, y, text, more = {}) => {
    const said = svg('text', { x, y, ...more }, text);
    words.append(said);
    return said;
  };
  /** A block in the middle of its row. */
  const put = (make, breadth, row) => {
    const from = across + row * below + (high - breadth) / 2;
    const block = make({ x: upright ? from : along, y: upright ? along : from, foot: upright ? CAPTION : 0 });
    blocks.append(block.group);
    return block;
  };
  const putCells = ({ rows, columns, size }, n, row, thing) =>
    put(at => cellBlock({ n, rows, columns, size, byColumns: !upright, thing, ...at }), (upright ? columns : rows) * size, row);
  const longest = Math.max(ROWS, COLS), ofImage = side => Math.min(extent, 28 * longest) * side / longest;
  const putImage = (row, thing, ink) => put(at => imageBlock({ extent, thing, ink, ...at }), ofImage(upright ? COLS : ROWS), row);
  /** Upright, lines leave a block below: there its caption lies on the block. */
  const caption = (block, title, shape) => {
    const x = block.x + block.width / 2, y = block.y + block.height;
    if (upright) return say(x, y + 12, `${title} ${shape}`);
    say(x, block.y - 8, title, { class: 'title' });
    return say(x, y + 15, shape);
  };
  const parts = { pixels: putImage(0, p => `pixel:${p}`, true) };
  const first = layers[0].m;
  parts.dw = putImage(1, p => `weight:${first}:${p}:0`, false);
  caption(parts.pixels, 'x', `(1, ${ROWS * COLS})`);
  const dwCaption = caption(parts.dw, upright ? '' : lettersOf(first).dw, '');
  along += (upright ? parts.pixels.height + CAPTION : parts.pixels.width) + gap;
  for (const layer of layers) {
    const drawn = Math.min(layer.n, DRAWN);
    const last = layer === layers.at(-1);
    const grid = last && drawn <= RANKED ? upright ? { rows: 1, columns: drawn, size: 15 } : { rows: drawn, columns: 1, size: 20 }
      : upright ? gridOf(drawn, wide, high, 20) : gridOf(drawn, high, wide, 20);
    layer.forward = putCells(grid, drawn, 0, u => `unit:${layer.end}:${u}`);
    layer.backward = putCells(grid, drawn, 1, u => `dy:${layer.m}:${u}`);
    const { dy, w } = lettersOf(layer.m);
    const drawnOf = drawn < layer.n ? `, ${drawn} drawn` : '';
    caption(layer.forward, modules[layer.end].letters.y, `(1, ${layer.n})${drawnOf}`);
    caption(layer.backward, dy, `(1, ${layer.n})`);
    const extent = upright ? layer.forward.height + CAPTION : layer.forward.width;
    if (!upright) say(along - gap / 2, 14, `${w} (${modules[layer.m].x.length}, ${layer.n})`);
    along += extent + gap;
  }
  const output = layers.at(-1);
  const judge = outputTable(output, along - gap, upright, across, blocks, say);
  const length = along - gap + judge.extent + 8;
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
      if (from !== parts.pixels && p >= DRAWN || u >= DRAWN) continue;
      const value = score(p, u), strength = Math.abs(value) / most;
      const [x1, y1] = from.centre(p), [x2, y2] = to.centre(u);
      lines.append(svg('line', { x1, y1, x2, y2, class: value < 0 ? 'below' : '', 'stroke-width': (0.6 + 2.4 * strength).toFixed(2), 'stroke-opacity': (0.3 + 0.5 * strength).toFixed(2), 'data-thing': thing(p, u) }));
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
    dwCaption.textContent = `${upright ? `${lettersOf(first).dw} ` : ''}of unit ${u}`;
    parts.dw.paint(x.map(x => x * dy[u]));
    parts.dw.group.querySelectorAll('.cell').forEach((cell, i) => { cell.dataset.thing = `weight:${first}:${parts.dw.pixelOf(i)}:${u}`; });
    judge.paint(pass);
    highlight();
    root.setAttribute('aria-label', `The network: ${DATA.title}. ${summaryText()}`);
  }

  /** What the step is about. */
  function highlight() {
    const { m, back = false, loss = false } = stepsPart();
    const groups = [parts.pixels, ...layers.map(layer => layer.forward)];
    const gradients = [parts.dw, ...layers.map(layer => layer.backward)];
    const layer = layers.findIndex(layer => m >= layer.m && m <= layer.end);
    groups.forEach((block, i) => block.group.classList.toggle('current', !back && !loss && m !== undefined && i === layer + 1));
    gradients.forEach((block, i) => block.group.classList.toggle('current', back && i === layer + 1));
    judge.group.classList.toggle('current', loss);
  }
  return { paint };
}

/** Rows of the table of outputs: of more, those that are largest, and the target. */
const RANKED = 10;

/** How wide a text of the drawing is. */
const widthOf = (() => {
  const pen = document.createElement('canvas').getContext('2d');
  return text => {
    pen.font = `12px ${getComputedStyle(document.body).fontFamily}`;
    return pen.measureText(text).width;
  };
})();

/** The text, its end cut if need be. */
function fitting(text, width) {
  for (let most = [...text].length; most > 0; most--) {
    const short = shortened(text, most);
    if (widthOf(short) <= width) return short;
  }
  return '…';
}

/** The outputs that have a row: all, in order, or the largest and the target, the largest first. */
function rankedOutputs({ judged: { p }, target, z }) {
  const all = Array.from(p.keys());
  if (z.length <= RANKED) return all;
  const best = all.sort((a, b) => p[b] - p[a] || a - b).slice(0, RANKED);
  return best.includes(target) ? best : [...best.slice(0, -1), target];
}

/** A row for each output: what it is taken for as a bar and as a number, beside the target. With one output the
    bar says where it lies between the classes, or for two classes what the probability of class 1 is. */
function outputTable(output, edge, upright, across, blocks, say) {
  const { z, judged } = state.pass;
  const n = Math.min(z.length, RANKED), one = z.length === 1, more = z.length - n;
  const group = svg('g', { class: 'block' });
  blocks.append(group);
  const step = upright ? 14.5 : 20, thick = step - 3;
  const top = upright ? edge + 30 : more ? across : output.forward.y;
  // As wide as the longest name, within limits; numbers are narrow.
  const most = upright ? 84 : 96;
  const name = one ? 0 : Math.min(Math.max(...DATA.classes.map(widthOf), 9), most);
  const left = upright ? 16 + name : edge + 21 + name, long = upright ? Math.max(204 - name, 112) : 96;
  const columns = { bar: left, number: left + long + (upright ? 60 : 52), target: left + long + (upright ? 84 : 72) };
  const bars = [], targets = [], numbers = [], aims = [], names = [];
  const rect = (x, y, width, more) => {
    const cell = svg('rect', { x, y, width, height: thick, ...more });
    group.append(cell);
    return cell;
  };
  for (let i = 0; i < n; i++) {
    const y = top + i * step, line = y + thick / 2 + 4;
    rect(columns.bar, y, long, { class: 'paper', rx: 2 });
    bars.push(rect(columns.bar, y, 0, { class: 'cell bar', rx: 2, tabindex: i ? -1 : 0, role: 'img', 'data-thing': `p:${i}` }));
    targets.push(rect(columns.target, y, thick, { class: 'cell target', tabindex: -1, role: 'img', 'data-thing': `q:${i}` }));
    names.push(one ? null : say(left - 6, line, '', { class: 'class number' }));
    numbers.push(say(columns.number, line, '', { class: 'number' }));
    aims.push(one ? say(columns.target + thick + 6, line, '', { class: 'start' }) : null);
  }
  const rest = more ? say(columns.bar, top + n * step + 11, '', { class: 'start' }) : null;
  const Z = outputLetter();
  const [value, target] = judged.q ? [`p = softmax(${Z})`, 'target q'] : judged.other ? [`p = σ(${Z})`, 'target t'] : [Z, 'target t'];
  say(columns.bar, top - 8, value, { class: 'title start' });
  say(columns.target + thick, top - 8, target, { class: 'title number' });
  return {
    group,
    extent: upright ? 30 + n * step + (more ? 16 : 0) : columns.target + thick + (one ? 24 : 0) - edge,
    paint(pass) {
      const { judged, target, predicted, assumed } = pass;
      const t = judged.q ?? judged.t;
      const span = one && !judged.other ? Math.max(DATA.classes.length - 1, 1) : 1;
      const shown = rankedOutputs(pass);
      shown.forEach((c, i) => {
        const value = judged.p[c];
        bars[i].setAttribute('width', Math.max(Math.min(Math.abs(value) / span, 1) * long, 1));
        bars[i].classList.toggle('below', value < 0);
        bars[i].dataset.thing = `p:${c}`;
        targets[i].setAttribute('fill-opacity', t[c] / span);
        targets[i].classList.toggle('assumed', assumed && (one || c === target));
        targets[i].dataset.thing = `q:${c}`;
        numbers[i].textContent = num(value, one ? 2 : 3);
        numbers[i].classList.toggle('strong', one || c === predicted);
        if (one) aims[i].textContent = t[c];
        else names[i].replaceChildren(fitting(nameOf(c), name + 1), svg('title', {}, nameOf(c)));
      });
      if (rest) rest.textContent = `${more} more, ${judged.q ? `p = ${num(1 - sum(shown.map(c => judged.p[c])), 3)} together` : 'below these'}`;
    },
  };
}
