// The pad: mouse, touch, pen and keyboard make strokes. `changed` is called after each point.

function makePad(canvas, changed) {
  const scale = canvas.width / SIDE;
  const cursor = { x: SIDE / 2, y: SIDE / 2, down: false, keys: false };
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
    const inside = v => Math.min(Math.max(v, 0), SIDE);
    return [inside((event.clientX - box.left) / box.width * SIDE), inside((event.clientY - box.top) / box.height * SIDE)];
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

  const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    cursor.keys = true;
    const move = MOVES[event.key];
    if (move) {
      cursor.x = Math.min(Math.max(cursor.x + move[0], 0.5), SIDE - 0.5);
      cursor.y = Math.min(Math.max(cursor.y + move[1], 0.5), SIDE - 0.5);
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
    Object.assign(pen, { fillStyle: ink, strokeStyle: ink, lineCap: 'round', lineJoin: 'round', lineWidth: 2 * PEN * scale });
    state.image?.forEach((grey, p) => {
      pen.globalAlpha = grey / 255;
      pen.fillRect(p % SIDE * scale, Math.floor(p / SIDE) * scale, scale, scale);
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
    pen.arc(cursor.x * scale, cursor.y * scale, PEN * scale, 0, 7);
    pen.stroke();
  }
  return { clear, undo, paint };
}
