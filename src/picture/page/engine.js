// The arithmetic of the page for one image, in double precision, the loops written out; dy is ∂L/∂y. What a module
// does to every element stands in MODULES, which page/mod.rs writes; here are the matrix product and the losses of
// src/loss. Element (p, u) of a weight (I, O) is w[p·O + u].

function forward({ name, w, b }, x) {
  if (!w) return x.map(x => MODULES[name].y(x));
  const y = Float64Array.from(b);
  x.forEach((xp, p) => {
    if (xp === 0) return; // adds nothing
    for (let u = 0, at = p * y.length; u < y.length; u++, at++) y[u] += xp * w[at];
  });
  return y;
}

function backward({ name, w }, x, y, dy) {
  if (!w) return dy.map((dy, i) => MODULES[name].dx(x[i], y[i], dy));
  return x.map((_, p) => {
    let dx = 0;
    for (let u = 0, at = p * dy.length; u < dy.length; u++, at++) dx += dy[u] * w[at];
    return dx;
  });
}

const sum = values => values.reduce((sum, v) => sum + v, 0);
const argmax = values => values.reduce((best, v, i) => v > values[best] ? i : best, 0);
