use std::ops::Range;

use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut1, ArrayViewMut2, Axis, s};

use super::Float;
use crate::linalg;
use crate::rng::Noise;

/// Room for one batch on its way through the network and back: every activation and gradient.
///
/// A tape is two wide matrices with one row per image. `y` holds the outputs of all modules side by side,
/// followed by those of the loss; `dy` holds the gradient of each in the same place. So a thread that takes
/// some rows has everything about these images. Allocated once, for the largest batch.
pub struct Tape<F> {
    /// The noise of a training step; none to run the network as it is used after training.
    pub noise: Option<Noise>,
    x: Array2<F>,
    y: Array2<F>,
    dy: Array2<F>,
    losses: Array1<F>,
    columns: Vec<Range<usize>>,
}

/// A batch takes the first N rows of a tape.
impl<F: Float> Tape<F> {
    /// A tape for batches of up to `rows` images of `inputs` values. `outputs` are the numbers of outputs of
    /// the modules in turn.
    pub fn new(rows: usize, inputs: usize, outputs: &[usize]) -> Self {
        let last = *outputs.last().expect("a network has a module");
        let columns = linalg::side_by_side(outputs.iter().copied().chain([last]));
        let width = columns.last().map_or(0, |last| last.end);
        Self {
            noise: None,
            x: linalg::zeros_with_rows_apart((rows, inputs)),
            y: linalg::zeros_with_rows_apart((rows, width)),
            dy: linalg::zeros_with_rows_apart((rows, width)),
            losses: Array1::zeros(rows),
            columns,
        }
    }

    /// The size of the largest batch.
    pub fn capacity(&self) -> usize {
        self.x.nrows()
    }

    /// x of `module` for the first `n` images: the images, or the output of the module before.
    pub fn x(&self, module: usize, n: usize) -> ArrayView2<'_, F> {
        match module {
            0 => self.x.slice(s![..n, ..]),
            _ => self.y(module - 1, n),
        }
    }

    /// y of `module` for the first `n` images.
    pub fn y(&self, module: usize, n: usize) -> ArrayView2<'_, F> {
        self.y.slice(s![..n, self.columns[module].clone()])
    }

    /// ∂L/∂y of `module` for the first `n` images.
    pub fn dy(&self, module: usize, n: usize) -> ArrayView2<'_, F> {
        self.dy.slice(s![..n, self.columns[module].clone()])
    }

    /// The outputs of the network, which are those of its last module, for the first `n` images.
    pub fn outputs(&self, n: usize) -> ArrayView2<'_, F> {
        self.y(self.columns.len() - 2, n)
    }

    /// What the loss makes of the outputs: softmax, or the outputs themselves for mse.
    pub fn predictions(&self, n: usize) -> ArrayView2<'_, F> {
        self.y(self.columns.len() - 1, n)
    }

    /// The loss of each of the first `n` images.
    pub fn losses(&self, n: usize) -> &[F] {
        &self.losses.as_slice().expect("contiguous")[..n]
    }

    /// The first `n` images in pieces of at most `rows`, one for each thread to work on.
    pub fn rows_mut(&mut self, n: usize, rows: usize) -> impl Iterator<Item = TapeRows<'_, F>> {
        let rows = rows.max(1);
        let noise = self.noise;
        let columns = self.columns.as_slice();
        let xs = self.x.axis_chunks_iter_mut(Axis(0), rows);
        let ys = self.y.axis_chunks_iter_mut(Axis(0), rows);
        let dys = self.dy.axis_chunks_iter_mut(Axis(0), rows);
        let losses = self.losses.axis_chunks_iter_mut(Axis(0), rows);
        let shares = xs.zip(ys).zip(dys).zip(losses).enumerate();
        shares
            .take(n.div_ceil(rows))
            .map(move |(share, (((x, y), dy), losses))| {
                let first = share * rows;
                let here = rows.min(n - first);
                TapeRows {
                    first,
                    noise,
                    x: x.slice_move(s![..here, ..]),
                    y: y.slice_move(s![..here, ..]),
                    dy: dy.slice_move(s![..here, ..]),
                    losses: losses.slice_move(s![..here]),
                    columns,
                }
            })
    }
}

/// Some rows of a [`Tape`].
pub struct TapeRows<'a, F> {
    /// Where in the batch these rows begin.
    pub first: usize,
    noise: Option<Noise>,
    /// The images.
    pub x: ArrayViewMut2<'a, F>,
    y: ArrayViewMut2<'a, F>,
    dy: ArrayViewMut2<'a, F>,
    /// The loss of each image.
    pub losses: ArrayViewMut1<'a, F>,
    columns: &'a [Range<usize>],
}

impl<F: Float> TapeRows<'_, F> {
    /// How many images these rows are.
    pub fn len(&self) -> usize {
        self.x.nrows()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The noise of `module` for these rows, in training.
    pub fn noise(&self, module: usize) -> Option<Noise> {
        self.noise.map(|noise| noise.of(module, self.first))
    }

    /// x and y of `module`, for it to write y from x. The loss comes after the last module.
    pub fn forward(&mut self, module: usize) -> [ArrayViewMut2<'_, F>; 2] {
        let here = self.columns[module].clone();
        if module == 0 {
            return [self.x.view_mut(), self.y.slice_mut(s![.., here])];
        }
        let before = self.columns[module - 1].clone();
        self.y
            .multi_slice_mut((s![.., before], s![.., here]))
            .into()
    }

    /// x, y, dy and dx of `module`, for it to write dx from the others. Not for the first module.
    pub fn backward(&mut self, module: usize) -> [ArrayViewMut2<'_, F>; 4] {
        let (here, before) = (
            self.columns[module].clone(),
            self.columns[module - 1].clone(),
        );
        let columns = (s![.., before], s![.., here]);
        let (x, y) = self.y.multi_slice_mut(columns);
        let (dx, dy) = self.dy.multi_slice_mut(columns);
        [x, y, dy, dx]
    }

    /// The outputs of the network.
    pub fn outputs(&self) -> ArrayView2<'_, F> {
        let outputs = self.columns[self.columns.len() - 2].clone();
        self.y.slice(s![.., outputs])
    }

    /// What the loss works on: the outputs of the network, its own predictions, ∂L/∂outputs and the loss of
    /// each image. It writes the last three.
    #[allow(clippy::type_complexity)] // four views, of which the last has one axis
    pub fn loss(&mut self) -> ([ArrayViewMut2<'_, F>; 3], ArrayViewMut1<'_, F>) {
        let last = self.columns.len() - 1;
        let (outputs, own) = (self.columns[last - 1].clone(), self.columns[last].clone());
        let doutputs = self.dy.slice_mut(s![.., outputs.clone()]);
        let (outputs, predictions) = self.y.multi_slice_mut((s![.., outputs], s![.., own]));
        ([outputs, predictions, doutputs], self.losses.view_mut())
    }
}
