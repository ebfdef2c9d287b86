// The pad: mouse, touch, pen and keyboard make strokes, in pixels of the pad. `changed` is called after each point.

function makePad(canvas, changed) {
  // The canvas has twice the pad's pixels, for sharp edges on any screen.
  const scale = 2, { fine, rows, cols, pen: half } = PAD;
  [canvas.width, canvas.height] = [cols * scale, rows * scale];
  canvas.style.aspectRatio = `${cols} / ${rows}`;
  canvas.classList.toggle('wide', cols > rows);
  const cursor = { x: cols / 2, y: rows / 2, down: false, keys: false };
  let drawing = null;

  const start = point => {
    if (isOriginal()) state.target = null; // what was chosen for the image says nothing of a drawing
    drawing = [point];
    state.strokes.push(drawing);
    changed();
  };
  const to = point => { drawing.push(point); changed(); };
  const pointOf = event => {
    const box = canvas.getBoundingClientRect();
    const inside = (v, side) => Math.min(Math.max(v, 0), 1) * side;
    return [inside((event.clientX - box.left) / box.width, cols), inside((event.clientY - box.top) / box.height, rows)];
  };

  canvas.addEventListener('pointerdown', event => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    Object.assign(cursor, { down: false, keys: false });
    start(pointOf(event));
  });
  canvas.addEventListener('pointermove', event => {
    if (!drawing || cursor.down || !canvas.hasPointerCapture(event.pointerId)) return;
    for (const part of event.getCoalescedEvents?.() ?? []) drawing.push(pointOf(part));
    to(pointOf(event));
  });
  for (const end of ['pointerup', 'pointercancel']) canvas.addEventListener(end, () => { if (!cursor.down) drawing = null; });

  /** How far an arrow key moves the pen, in pixels of the image. */
  const KEY = Math.max(1, Math.round(Math.max(ROWS, COLS) / 56));
  const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    cursor.keys = true;
    const move = MOVES[event.key];
    if (move) {
      const moved = (v, by, side) => Math.min(Math.max(v + by * KEY * fine, fine / 2), side - fine / 2);
      Object.assign(cursor, { x: moved(cursor.x, move[0], cols), y: moved(cursor.y, move[1], rows) });
      if (cursor.down) to([cursor.x, cursor.y]); else paint();
    } else if (event.key === ' ') {
      if (!event.repeat) cursor.down = !cursor.down;
      if (cursor.down && !event.repeat) start([cursor.x, cursor.y]);
      if (!cursor.down) { drawing = null; paint(); }
    } else if (event.key === 'Delete' || event.key === 'Backspace') {
      clear();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  canvas.addEventListener('focus', () => paint());
  canvas.addEventListener('blur', () => { cursor.down = false; drawing = null; paint(); });

  /** An empty pad, or one with the image of the file. */
  function clear(image = null) {
    Object.assign(state, { strokes: [], image, target: null });
    cursor.down = false;
    drawing = null;
    changed();
  }

  function undo() {
    state.strokes.pop();
    cursor.down = false;
    drawing = null;
    changed();
  }

  function paint() {
    const pen = canvas.getContext('2d');
    const style = getComputedStyle(document.documentElement);
    const [ink, accent] = ['--text', '--accent'].map(name => style.getPropertyValue(name));
    pen.clearRect(0, 0, canvas.width, canvas.height);
    Object.assign(pen, { fillStyle: ink, strokeStyle: ink, lineCap: 'round', lineJoin: 'round', lineWidth: 2 * half * scale });
    const size = fine * scale;
    state.image?.forEach((grey, p) => {
      if (grey === 0) return;
      pen.globalAlpha = grey / 255;
      pen.fillRect(p % COLS * size, Math.floor(p / COLS) * size, size, size);
    });
    pen.globalAlpha = 1;
    for (const stroke of state.strokes) {
      pen.beginPath();
      pen.moveTo(stroke[0][0] * scale, stroke[0][1] * scale);
      for (const [x, y] of stroke) pen.lineTo(x * scale, y * scale);
      pen.stroke();
    }
    if (document.activeElement !== canvas || !cursor.keys && !canvas.matches(':focus-visible')) return;
    Object.assign(pen, { strokeStyle: accent, lineWidth: cursor.down ? 5 : 2 });
    pen.beginPath();
    pen.arc(cursor.x * scale, cursor.y * scale, half * scale, 0, 7);
    pen.stroke();
  }
  return { clear, undo, paint };
}

/** The image as the network sees it, bright on black. */
function paintSeen(canvas, greys) {
  [canvas.width, canvas.height] = [COLS, ROWS];
  const image = new ImageData(COLS, ROWS);
  greys.forEach((grey, p) => image.data.set([grey, grey, grey, 255], 4 * p));
  canvas.getContext('2d').putImageData(image, 0, 0);
}
