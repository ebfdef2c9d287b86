// From strokes of a pen to the pad's ink, and from there to what the network sees. A stroke is a list of points
// [x, y] in pixels of the pad; no canvas is asked, so the same strokes give the same pixels in every browser.

/** Pixels of the pad along the longer side, about. */
const PAD_SIDE = 280;

/** The pad of an image: so many of its pixels, along either side, make one of the image. */
function padOf(rows, cols) {
  const fine = Math.max(Math.round(PAD_SIDE / Math.max(rows, cols)), 1);
  // Half the width of the pen: a digit as large as MNIST's gets strokes as thick as MNIST's. At least a pixel wide.
  const pen = Math.max(1.15 / 28 * Math.min(rows, cols), 0.5) * fine;
  return { fine, rows: rows * fine, cols: cols * fine, pen };
}

/** Squared distance from a point to the line from a to b. */
function squaredDistance(x, y, a, b) {
  const ax = a[0], ay = a[1], dx = b[0] - ax, dy = b[1] - ay;
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : Math.min(Math.max(((x - ax) * dx + (y - ay) * dy) / length, 0), 1);
  const across = x - ax - t * dx, down = y - ay - t * dy;
  return across * across + down * down;
}

/** Grey values 0 to 255: full inside the pen, falling to 0 over the width of a pixel at its edge. */
function inkOf(strokes, { rows, cols, pen }) {
  const nearest = new Float64Array(rows * cols).fill(Infinity);
  const far = pen + 2;
  const from = (a, b) => Math.max(Math.floor(Math.min(a, b) - far), 0);
  const to = (a, b, side) => Math.min(Math.ceil(Math.max(a, b) + far), side);
  for (const stroke of strokes) stroke.forEach((b, i) => {
    const a = stroke[Math.max(i - 1, 0)];
    for (let row = from(a[1], b[1]); row < to(a[1], b[1], rows); row++) {
      for (let col = from(a[0], b[0]); col < to(a[0], b[0], cols); col++) {
        const distance = squaredDistance(col + 0.5, row + 0.5, a, b);
        if (distance < nearest[row * cols + col]) nearest[row * cols + col] = distance;
      }
    }
  });
  return Uint8Array.from(nearest, d => Math.floor(255 * Math.min(Math.max(pen + 0.5 - Math.sqrt(d), 0), 1) + 0.5));
}

/** The ink as it lies: each pixel of the image is the mean of those of the pad that it covers. */
function shrunk(ink, { fine, cols }) {
  return Uint8Array.from({ length: ink.length / fine ** 2 }, (_, p) => {
    const across = cols / fine, row = Math.floor(p / across) * fine, col = p % across * fine;
    let sum = 0;
    for (let r = row; r < row + fine; r++) for (let c = col; c < col + fine; c++) sum += ink[r * cols + c];
    return Math.floor(sum / fine ** 2 + 0.5);
  });
}

/** Sheared about its centre until it leans neither way, at most by 45°; between columns it is linear. */
function deslanted(greys, cols) {
  const moment = weight => greys.reduce((sum, grey, p) => sum + grey * weight(Math.floor(p / cols), p % cols), 0);
  const mass = moment(() => 1);
  const centre = [moment(row => row) / mass, moment((_, column) => column) / mass];
  const high = moment(row => (row - centre[0]) ** 2);
  const lean = moment((row, column) => (row - centre[0]) * (column - centre[1])) / high;
  if (!Number.isFinite(lean)) return greys;
  const slope = Math.min(Math.max(lean, -1), 1);
  return Float64Array.from(greys, (_, p) => {
    const row = Math.floor(p / cols), from = p % cols + slope * (row - centre[0]);
    const at = column => column < 0 || column >= cols ? 0 : greys[row * cols + column];
    const left = Math.floor(from);
    return at(left) + (from - left) * (at(left + 1) - at(left));
  });
}

/** What the network sees of strokes on an empty pad, prepared if asked for, or on an image, which stays as it is;
    and how it was prepared, null if it was not. Last it is set upright, if the network was trained so. */
function seenOf(image, strokes, prepare) {
  const ink = inkOf(strokes, PAD);
  const prepared = prepare && !image && strokes.length > 0 ? fitted(ink, PAD, { rows: ROWS, cols: COLS }) : null;
  let greys = prepared ? prepared.pixels : shrunk(ink, PAD);
  if (image) greys = greys.map((grey, p) => Math.max(grey, image[p]));
  return { greys: DATA.deslant ? deslanted(greys, COLS) : greys, prepared };
}
