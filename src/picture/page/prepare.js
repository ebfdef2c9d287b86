// Box and centre, as the makers of MNIST prepared their digits: src/data/photo/frame.rs line by line, equal to the
// bit. Only +, −, ·, / and rounding are used, in the same order; tests/golden/fit.json holds both to it.

/** Ink below this share of the largest value does not count for the box. */
const EDGE = 0.25;

/** Scales the ink's box to fit 20/28 of the frame, its shape kept, and moves its centre of mass to the middle.
    { pixels, from, to, moved }: the image; rows and columns of the box, before and after; what centring moved it. */
function fitted(ink, { rows: high, cols: wide }, frame) {
  const nothing = () => new Uint8Array(frame.rows * frame.cols);
  const box = inkBox(ink, high, wide);
  if (!box) return { pixels: nothing(), from: [0, 0], to: [0, 0], moved: [0, 0] };
  const { top, left, rows, cols } = box;
  // 20/28 of each side, rounded; the ink may use all of one side.
  const most = side => Math.max(Math.floor((side * 20 + 14) / 28), 1);
  const [mostRows, mostCols] = [most(frame.rows), most(frame.cols)];
  // Pixels of the pad that make one of the image, along either side.
  const step = Math.max(rows / mostRows, cols / mostCols);
  const toRows = Math.min(Math.max(Math.ceil(rows / step), 1), mostRows);
  const toCols = Math.min(Math.max(Math.ceil(cols / step), 1), mostCols);
  // The box is in the middle of what its whole pixels cover.
  const firstRow = top + (rows - toRows * step) / 2;
  const firstCol = left + (cols - toCols * step) / 2;

  // One more pixel on each side, for ink too weak for the box.
  const [outRows, outCols] = [toRows + 2, toCols + 2];
  const down = averages(high, firstRow - step, step, outRows);
  const across = averages(wide, firstCol - step, step, outCols);
  const small = new Float64Array(outRows * outCols);
  down.forEach((weights, row) => {
    const line = new Float64Array(wide);
    for (const [from, weight] of weights) for (let c = 0; c < wide; c++) line[c] += weight * ink[from * wide + c];
    across.forEach((weights, col) => {
      let sum = 0;
      for (const [from, weight] of weights) sum += weight * line[from];
      small[row * outCols + col] = sum;
    });
  });

  let largest = 0, mass = 0, massRows = 0, massCols = 0;
  for (let row = 0; row < outRows; row++) {
    for (let col = 0; col < outCols; col++) {
      const value = small[row * outCols + col];
      largest = Math.max(largest, value);
      mass += value;
      massRows += value * row;
      massCols += value * col;
    }
  }
  if (largest <= 0) return { pixels: nothing(), from: [rows, cols], to: [toRows, toCols], moved: [0, 0] };
  // By whole pixels, to index 14 of 28.
  const shift = (side, centre) => Math.floor(side / 2 - centre + 0.5);
  const by = [shift(frame.rows, massRows / mass), shift(frame.cols, massCols / mass)];
  const middle = (side, of) => Math.floor((side - of) / 2);
  const unmoved = [middle(frame.rows, outRows), middle(frame.cols, outCols)];

  const pixels = nothing();
  for (let row = 0; row < outRows; row++) {
    for (let col = 0; col < outCols; col++) {
      const [r, c] = [row + by[0], col + by[1]];
      if (r < 0 || c < 0 || r >= frame.rows || c >= frame.cols) continue;
      pixels[r * frame.cols + c] = Math.floor(small[row * outCols + col] * 255 / largest + 0.5);
    }
  }
  return { pixels, from: [rows, cols], to: [toRows, toCols], moved: [by[0] - unmoved[0], by[1] - unmoved[1]] };
}

/** Top, left, rows and columns of the ink; null if there is none. */
function inkBox(ink, rows, cols) {
  let largest = 0;
  for (const value of ink) largest = Math.max(largest, value);
  if (largest === 0) return null;
  const least = EDGE * largest;
  let top = rows, bottom = 0, left = cols, right = 0;
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) {
      if (ink[row * cols + col] < least) continue;
      top = Math.min(top, row);
      bottom = row;
      left = Math.min(left, col);
      right = Math.max(right, col);
    }
  }
  return { top, left, rows: bottom - top + 1, cols: right - left + 1 };
}

/** For each of `count` intervals of length `step` from `first` on: which pixels of 0 to `side` it covers, and the
    share of it that each covers. */
function averages(side, first, step, count) {
  return Array.from({ length: count }, (_, i) => {
    const [start, end] = [first + i * step, first + (i + 1) * step];
    const [from, to] = [Math.max(Math.floor(start), 0), Math.min(Math.max(Math.ceil(end), 0), side)];
    const shares = [];
    for (let pixel = from; pixel < to; pixel++) {
      const covered = Math.min(end, pixel + 1) - Math.max(start, pixel);
      shares.push([pixel, Math.max(covered, 0) / step]);
    }
    return shares;
  });
}

/** What was done, as mlp predict says it of photos. */
function preparedText({ from, to, moved }) {
  const signed = n => n < 0 ? `−${-n}` : String(n);
  return `box ${from[1]}×${from[0]} → ${to[1]}×${to[0]}; centre moved (${signed(moved[1])}, ${signed(moved[0])})`;
}
