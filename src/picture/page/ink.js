// From strokes of a pen to 28×28 grey values as MNIST has them. A stroke is a list of points [x, y] in
// pixels; no canvas is asked, so the same strokes give the same pixels in every browser.

const SIDE = 28;
/** Half the width of the pen, in pixels. */
const PEN = 1.15;

/** Squared distance from a point to the line from a to b. */
function squaredDistance(x, y, [ax, ay], [bx, by]) {
  const dx = bx - ax, dy = by - ay;
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : Math.min(Math.max(((x - ax) * dx + (y - ay) * dy) / length, 0), 1);
  return (x - ax - t * dx) ** 2 + (y - ay - t * dy) ** 2;
}

/** Grey values 0 to 255: full inside the pen, falling to 0 over the width of a pixel at its edge. */
function greysOf(strokes) {
  const nearest = new Float64Array(SIDE * SIDE).fill(Infinity);
  for (const stroke of strokes) stroke.forEach((b, i) => {
    const a = stroke[Math.max(i - 1, 0)];
    const from = (a, b) => Math.max(Math.floor(Math.min(a, b) - 3), 0);
    const to = (a, b) => Math.min(Math.ceil(Math.max(a, b) + 3), SIDE);
    for (let row = from(a[1], b[1]); row < to(a[1], b[1]); row++) {
      for (let column = from(a[0], b[0]); column < to(a[0], b[0]); column++) {
        const p = row * SIDE + column;
        nearest[p] = Math.min(nearest[p], squaredDistance(column + 0.5, row + 0.5, a, b));
      }
    }
  });
  return Uint8Array.from(nearest, d => Math.round(255 * Math.min(Math.max(PEN + 0.5 - Math.sqrt(d), 0), 1)));
}

/** As MNIST was made: the digit fills a box of 20×20, and its centre of mass is the centre of the image. */
function centred(strokes) {
  const points = strokes.flat();
  if (points.length === 0) return strokes;
  const range = axis => {
    const values = points.map(point => point[axis]);
    return [Math.min(...values) - PEN, Math.max(...values) + PEN];
  };
  const [[left, right], [top, bottom]] = [range(0), range(1)];
  // The pen keeps its width, so it is the line of its centre that is scaled. A dot stays a dot.
  const extent = Math.max(right - left, bottom - top) - 2 * PEN;
  const scale = extent < 1 ? 1 : (20 - 2 * PEN) / extent;
  const [middle_x, middle_y] = [(left + right) / 2, (top + bottom) / 2];
  const moved = (strokes, dx, dy) => strokes.map(stroke => stroke.map(([x, y]) => [x + dx, y + dy]));
  const scaled = strokes.map(stroke => stroke.map(([x, y]) => [
    SIDE / 2 + scale * (x - middle_x), SIDE / 2 + scale * (y - middle_y),
  ]));
  const greys = greysOf(scaled);
  const mass = sum(greys);
  const moment = place => greys.reduce((sum, grey, p) => sum + grey * (place(p) + 0.5), 0);
  const across = moment(p => p % SIDE), down = moment(p => Math.floor(p / SIDE));
  return moved(scaled, SIDE / 2 - across / mass, SIDE / 2 - down / mass);
}

/** Sheared about its centre until it leans neither way, at most by 45°; between columns it is linear. */
function deslanted(greys) {
  const moment = weight => greys.reduce((sum, grey, p) => sum + grey * weight(Math.floor(p / SIDE), p % SIDE), 0);
  const mass = moment(() => 1);
  const centre = [moment(row => row) / mass, moment((_, column) => column) / mass];
  const high = moment(row => (row - centre[0]) ** 2);
  const lean = moment((row, column) => (row - centre[0]) * (column - centre[1])) / high;
  if (!Number.isFinite(lean)) return greys;
  const slope = Math.min(Math.max(lean, -1), 1);
  return Float64Array.from(greys, (_, p) => {
    const row = Math.floor(p / SIDE), from = p % SIDE + slope * (row - centre[0]);
    const at = column => column < 0 || column >= SIDE ? 0 : greys[row * SIDE + column];
    const left = Math.floor(from);
    return at(left) + (from - left) * (at(left + 1) - at(left));
  });
}

/** What the network sees: the strokes over an image, or alone, then centred if asked for; upright if it was trained so. */
function pixelsOf(image, strokes, centre) {
  const ink = greysOf(centre && !image ? centred(strokes) : strokes);
  const greys = image ? ink.map((grey, p) => Math.max(grey, image[p])) : ink;
  return DATA.deslant ? deslanted(greys) : greys;
}
