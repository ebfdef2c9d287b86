use ndarray::{Array2, ArrayRef2};
use ndarray_rand::rand::RngCore;

use crate::{linalg, rng::Noise};

use super::{Architecture, Float, Init, Linear, Module, Param, ParamRows, Tape, TapeRows};

/// Linear, activation, Linear, … Linear: a multilayer perceptron.
///
/// A chain of modules, numbered like those of PyTorch's `nn.Sequential`: `2.weight` is the weight of the
/// module with index 2.
pub struct Mlp<F> {
    modules: Vec<Box<dyn Module<F>>>,
    inputs: usize,
}

/// The widths of the layers: inputs, hidden units, …, outputs. `[784, 50, 10]` has one hidden layer.
pub type Layers = Vec<usize>;

impl<F: Float> Mlp<F> {
    /// A network of any modules. Panics if their inputs and outputs do not fit each other.
    pub fn new(inputs: usize, modules: Vec<Box<dyn Module<F>>>) -> Self {
        assert!(!modules.is_empty(), "a network has a module");
        let network = Self { modules, inputs };
        network.outputs();
        network
    }

    /// Linear layers with a [`ReLU`](super::ReLU) between each pair.
    pub fn of_linears(linears: impl IntoIterator<Item = Linear<F>>) -> Self {
        let linears: Vec<_> = linears.into_iter().collect();
        let inputs = linears.first().map(|linear| linear.w.value.nrows());
        let outputs = linears.iter().map(|linear| linear.w.value.ncols());
        let layers: Vec<_> = inputs.into_iter().chain(outputs).collect();
        Architecture::relu(&layers).network(linears)
    }

    /// Linear layers of these widths with ReLU between them, initialised by [`Init::KaimingUniform`].
    pub fn kaiming(layers: &[usize], rng: &mut impl RngCore) -> Self {
        Architecture::relu(layers).init(Init::KaimingUniform, rng)
    }

    /// The modules in order.
    pub fn modules(&self) -> &[Box<dyn Module<F>>] {
        &self.modules
    }

    /// The modules in order, mutable.
    pub fn modules_mut(&mut self) -> &mut [Box<dyn Module<F>>] {
        &mut self.modules
    }

    /// The number of inputs of the network.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The number of outputs of every module in turn; the last is that of the network.
    pub fn outputs(&self) -> Vec<usize> {
        let widths = self.modules.iter().scan(self.inputs, |width, module| {
            *width = module.outputs(*width);
            Some(*width)
        });
        widths.collect()
    }

    /// The widths of the layers: inputs, then the outputs of every module that has parameters.
    pub fn layers(&self) -> Layers {
        let outputs = self.outputs();
        let with_params = self
            .modules
            .iter()
            .zip(outputs)
            .filter(|(m, _)| m.params().is_some());
        std::iter::once(self.inputs)
            .chain(with_params.map(|(_, outputs)| outputs))
            .collect()
    }

    /// The value of every parameter, module by module.
    pub fn values(&self) -> impl Iterator<Item = &Array2<F>> {
        self.params().map(|(_, param)| &param.value)
    }

    /// The velocity of every parameter that has one.
    pub fn velocities(&self) -> impl Iterator<Item = &Array2<F>> {
        self.params()
            .filter_map(|(_, param)| param.velocity.as_ref())
    }

    /// Replaces [`velocities`](Self::velocities). Panics if their number or shapes do not match the parameters.
    pub fn set_velocities(&mut self, velocities: Vec<Array2<F>>) {
        let params: Vec<_> = self.params_mut().map(|(_, param)| param).collect();
        assert_eq!(
            params.len(),
            velocities.len(),
            "velocities against parameters"
        );
        for (param, velocity) in params.into_iter().zip(velocities) {
            assert_eq!(
                param.value.dim(),
                velocity.dim(),
                "velocity against parameter"
            );
            param.velocity = Some(velocity);
        }
    }

    /// The first moment of every parameter that has moments, or the second, for a `which` of 0 or 1.
    pub fn moments(&self, which: usize) -> impl Iterator<Item = &Array2<F>> {
        self.params()
            .filter_map(move |(_, param)| Some(&param.moments.as_ref()?[which]))
    }

    /// Replaces the first and the second [`moments`](Self::moments). Panics if their number or shapes do not match
    /// the parameters.
    pub fn set_moments(&mut self, first: Vec<Array2<F>>, second: Vec<Array2<F>>) {
        let params: Vec<_> = self.params_mut().map(|(_, param)| param).collect();
        let counts = [first.len(), second.len()];
        assert_eq!(counts, [params.len(); 2], "moments against parameters");
        for ((param, m), v) in params.into_iter().zip(first).zip(second) {
            let shape = param.value.dim();
            assert_eq!([m.dim(), v.dim()], [shape; 2], "moments against parameter");
            param.moments = Some([m, v]);
        }
    }

    /// Replaces [`values`](Self::values). Panics if their number or shapes do not match the parameters.
    pub fn set_values(&mut self, values: &[Array2<F>]) {
        let params: Vec<_> = self.params_mut().map(|(_, param)| param).collect();
        assert_eq!(params.len(), values.len(), "values against parameters");
        for (param, value) in params.into_iter().zip(values) {
            assert_eq!(param.value.dim(), value.dim(), "value against parameter");
            param.value.assign(value);
        }
    }

    /// The number of trainable parameters.
    pub fn parameter_count(&self) -> usize {
        self.values().map(Array2::len).sum()
    }

    /// A tape for batches of up to `rows` images.
    pub fn tape(&self, rows: usize) -> Tape<F> {
        Tape::new(rows, self.inputs, &self.outputs())
    }

    /// Computes every y from x, in order.
    pub fn forward(&self, rows: &mut TapeRows<'_, F>) {
        self.forward_from(0, rows);
    }

    /// Computes every y from module `first` on, in order; those before are already there.
    pub fn forward_from(&self, first: usize, rows: &mut TapeRows<'_, F>) {
        for (m, module) in self.modules.iter().enumerate().skip(first) {
            let noise = rows.noise(m);
            let [x, mut y] = rows.forward(m);
            in_training(&**module, noise, |module| module.forward(&x, &mut y));
        }
    }

    /// Computes every dx from the dy of the last module, in reverse order. Up to the first parameters none is
    /// needed.
    pub fn backward_input(&self, rows: &mut TapeRows<'_, F>) {
        for (m, module) in self
            .modules
            .iter()
            .enumerate()
            .skip(self.first_with_params() + 1)
            .rev()
        {
            let noise = rows.noise(m);
            let [x, y, dy, mut dx] = rows.backward(m);
            in_training(&**module, noise, |module| {
                module.backward_input(&x, &y, &dy, &mut dx)
            });
        }
    }

    /// Every parameter, with the index of the module it belongs to.
    pub fn params(&self) -> impl Iterator<Item = (usize, &Param<F>)> {
        let modules = self.modules.iter().enumerate();
        modules.flat_map(|(m, module)| {
            let params = module.params().into_iter().flatten();
            params.map(move |param| (m, param))
        })
    }

    /// [`params`](Self::params), mutable.
    pub fn params_mut(&mut self) -> impl Iterator<Item = (usize, &mut Param<F>)> {
        let modules = self.modules.iter_mut().enumerate();
        modules.flat_map(|(m, module)| {
            let params = module.params_mut().into_iter().flatten();
            params.map(move |param| (m, param))
        })
    }

    /// Parameter `p` of module `m`: its weight (0) or its bias (1). Panics if it has none.
    pub fn param(&self, m: usize, p: usize) -> &Param<F> {
        self.modules[m].params().expect("a module with parameters")[p]
    }

    /// [`param`](Self::param), mutable.
    pub fn param_mut(&mut self, m: usize, p: usize) -> &mut Param<F> {
        let params = self.modules[m].params_mut();
        let mut params = params.expect("a module with parameters").into_iter();
        params.nth(p).expect("a weight or a bias")
    }

    /// The index of the first module that has parameters: up to it no dx is needed.
    pub fn first_with_params(&self) -> usize {
        self.params().next().map_or(0, |(m, _)| m)
    }

    /// y of the whole network for every row of x (N, I), with dropout off.
    ///
    /// Panics if the number of columns of x is not the number of inputs.
    pub fn predict(&self, x: &ArrayRef2<F>) -> Array2<F> {
        assert_eq!(x.ncols(), self.inputs, "columns of x against inputs");
        let mut x = x.to_owned();
        for module in &self.modules {
            let mut y = linalg::zeros((x.nrows(), module.outputs(x.ncols())));
            module.forward(&x, &mut y);
            x = y;
        }
        x
    }

    /// All parameters, in pieces of at most `rows(shape)` rows, with the index of the module they belong to.
    pub fn pieces_mut(
        &mut self,
        rows: impl Fn((usize, usize)) -> usize + Copy,
    ) -> impl Iterator<Item = (usize, ParamRows<'_, F>)> {
        self.params_mut().flat_map(move |(m, param)| {
            let rows = rows(param.value.dim());
            param.rows_mut(rows).map(move |piece| (m, piece))
        })
    }

    /// Gives every parameter that has no velocity yet a velocity of zero.
    pub fn at_rest(&mut self) {
        for (_, param) in self.params_mut() {
            let shape = param.value.dim();
            param.velocity.get_or_insert_with(|| linalg::zeros(shape));
        }
    }

    /// Gives every parameter that has no moments yet moments of zero.
    pub fn start_moments(&mut self) {
        for (_, param) in self.params_mut() {
            let zeros = || linalg::zeros(param.value.dim());
            param.moments.get_or_insert_with(|| [zeros(), zeros()]);
        }
    }

    /// The norm of all gradients together, √Σ of their squares. The order of the sum does not depend on the
    /// threads.
    pub fn gradient_norm(&self) -> f64 {
        let rows = self.params().flat_map(|(_, param)| param.grad.rows());
        let squares = rows
            .into_iter()
            .map(|row| row.dot(&row).to_f64().expect("a float converts"));
        squares.sum::<f64>().sqrt()
    }

    /// The name of the first parameter with an element that is not finite, such as `2.weight`, or of the first with
    /// such a moment: `second moment of 2.weight`.
    pub fn first_not_finite(&self) -> Option<String> {
        let finite = |a: &Array2<F>| a.iter().all(|v| v.is_finite());
        let name = |m: usize, param: &Param<F>| format!("{m}.{}", param.name);
        let value = self.params().find(|(_, param)| !finite(&param.value));
        if let Some((m, param)) = value {
            return Some(name(m, param));
        }
        self.params().find_map(|(m, param)| {
            let moment = param.moments.as_ref()?.iter().position(|a| !finite(a))?;
            let which = ["first", "second"][moment];
            Some(format!("{which} moment of {}", name(m, param)))
        })
    }
}

/// Runs a module or, in a training step (which has noise), the mask that takes its place.
pub fn in_training<F: Float>(
    module: &dyn Module<F>,
    noise: Option<Noise>,
    run: impl FnOnce(&dyn Module<F>),
) {
    match noise.and_then(|noise| module.in_training(noise)) {
        Some(mask) => run(&mask),
        None => run(module),
    }
}
