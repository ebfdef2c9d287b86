// The pass as a list of steps. A step has a name, a title, a formula, shapes and a sentence; `lines` are its numbers
// as [text, thing], and `about` begins the names of the things that it is about.

const element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value != null && value !== false) made.setAttribute(name, value);
  made.append(...children.flat());
  return made;
};

const range = (n, text) => Array.from({ length: n }, (_, i) => text(i));

function stepsOf() {
  const N = DATA.x.length, Z = outputLetter(), last = NETWORK.length - 1, C = DATA.t[0].length;
  const ofOne = N > 1 ? ' The numbers are those of the row that is shown.' : '';
  const ofAll = N > 1 ? ` The sum goes over all ${N} rows.` : '';
  const linear = m => { while (!NETWORK[m].w) m--; return m; };
  const steps = [];
  NETWORK.forEach((module, m) => {
    const { x, y, w, b } = lettersOf(m), O = widthOf(linear(m)), I = module.w ? module.w.length / O : O;
    steps.push({
      name: y, title: `${y}: ${module.layer}, ${module.name}`, about: `unit:${linear(m)}:`,
      formula: `${y} = ${filledIn(MODULES[module.name].formula, { x, w, b })}`,
      shapes: module.w ? `(${N}, ${I})·(${I}, ${O}) + (1, ${O}) = (${N}, ${O})` : `(${N}, ${O})`,
      say: (module.w ? 'Every unit is a sum of products, plus its bias.' : 'Element by element.') + ofOne,
      lines: () => range(O, u => [valueText(m, u), `unit:${linear(m)}:${u}`]),
    });
  });
  const formula = text => filledIn(text, { z: Z, dz: `d${Z}` });
  steps.push({
    name: 'L', title: 'The loss', about: 'output:', formula: formula(DATA.loss.formula), shapes: N * C > 1 ? `N = ${N}, C = ${C}` : 'one number',
    say: `The targets t stand beside the outputs.${ofOne}${N > 1 ? ` L is that of all ${N} rows.` : ''}`,
    lines: () => [
      ...(shownRow().judged.p ? range(C, c => [probabilityText(c), `output:${c}`]) : []),
      ...range(C, c => [partText(c), `output:${c}`]), [lossText(), 'loss'],
    ],
  }, {
    name: `d${Z}`, title: `d${Z}: back through the loss`, back: true, about: 'output:', formula: formula(DATA.loss.backward_formula), shapes: `(${N}, ${C})`,
    say: `The gradient of the outputs says which way each should move.${ofOne}`,
    lines: () => range(C, c => [outputGradientText(c), `output:${c}`]),
  });
  for (let m = last; m >= 0; m--) {
    const module = NETWORK[m], at = linear(m), O = widthOf(at), I = module.w ? module.w.length / O : O;
    const { x, y, w, dx, dy, dw, db } = lettersOf(m), title = name => `${name}: back through ${module.layer}, ${module.name}`;
    const input = p => m === 0 ? `input:${p}` : `unit:${linear(m - 1)}:${p}`;
    if (module.w) steps.push({
      name: dw, title: title(dw), back: true, about: `weight:${m}:`, formula: `${dw} = ${x}ᵀ·${dy}`, shapes: `(${I}, ${N})·(${N}, ${O}) = (${I}, ${O})`,
      say: `Each weight: what came in times what came back.${ofAll}`,
      lines: () => range(I, p => range(O, u => [weightGradientText(m, p, u), `weight:${m}:${p}:${u}`])).flat(),
    }, {
      name: db, title: title(db), back: true, about: `unit:${m}:`, formula: `${db} = Σₙ ${dy}`, shapes: `(1, ${O})`,
      say: N > 1 ? `What came back, summed over all ${N} rows.` : 'What came back; the sum over the rows has one term here.',
      lines: () => range(O, u => [biasGradientText(m, u), `unit:${m}:${u}`]),
    });
    steps.push({
      name: dx, title: title(dx), back: true, about: module.w ? (m === 0 ? 'input:' : `unit:${linear(m - 1)}:`) : `unit:${at}:`,
      formula: `${dx} = ${filledIn(MODULES[module.name].backward_formula, { x, y, dy, w })}`,
      shapes: module.w ? `(${N}, ${O})·(${O}, ${I}) = (${N}, ${I})` : `(${N}, ${O})`,
      say: (module.w ? 'What comes back to each input, over all the ways it has gone.' : 'Element by element, with what the forward pass kept.') + ofOne,
      lines: () => range(I, p => [slopeText(m, p), module.w ? input(p) : `unit:${at}:${p}`]),
    });
  }
  steps.push({
    name: 'SGD', title: 'One step of SGD', about: 'weight:', formula: 'w ← w − lr·dw', shapes: DATA.train_biases ? 'all weights and biases' : 'all weights; the biases are kept',
    say: 'Choose the learning rate and see the loss after the step.', lines: stepLines,
  });
  return steps;
}

/** Every parameter after the step, and the loss. */
function stepLines() {
  const lines = [[`L = ${fine(state.pass.loss)} before, ${fine(state.after.loss)} after`, 'loss']];
  NETWORK.forEach((module, m) => {
    if (!module.w) return;
    const O = widthOf(m), { w, b } = lettersOf(m), { dw, db } = state.pass.gradients[m], after = state.after.network[m];
    module.w.forEach((value, i) => {
      const [p, u] = [Math.floor(i / O), i % O];
      lines.push([stepText(`${w}[${p}][${u}]`, value, dw[i], after.w[i]), `weight:${m}:${p}:${u}`]);
    });
    if (DATA.train_biases) module.b.forEach((value, u) => lines.push([stepText(`${b}[${u}]`, value, db[u], after.b[u]), `unit:${m}:${u}`]));
  });
  return lines;
}
