//! What goes on inside a network while it trains, layer by layer. Measuring does not affect training.
//!
//! A layer is a module with weights and what follows it, up to the next weights, such as `Linear, ReLU`. Its
//! activations are its outputs. Everything but the update is measured on the first [`SAMPLE`] training images
//! of the file, as they are (no distortion, no dropout), so that epochs and runs can be compared.

use ndarray::{Array2, ArrayRef2};
use serde::{Deserialize, Serialize};

use super::pass;
use crate::{
    data::{
        Dataset,
        batch::{Preprocessing, in_order},
    },
    linalg::Float,
    loss::Loss,
    nn::{Mlp, Tape},
};

/// Images to measure on; fewer if there are fewer to train on.
pub const SAMPLE: usize = 1_000;

/// Steps at the end of an epoch whose updates are averaged; fewer if the epoch has fewer.
pub const UPDATES: usize = 10;

/// Images that go through the network at a time.
const SHARE: usize = 128;

/// One layer after an epoch. A number that is undefined or not finite is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerStatistics {
    /// The index of its module with weights, from 0.
    pub module: usize,
    /// Its number of outputs.
    pub units: usize,
    /// The mean of its activations over units and images.
    pub activation_mean: Option<f64>,
    /// Their standard deviation, √(mean of the squared distance from the mean).
    pub activation_deviation: Option<f64>,
    /// The share of units that are 0 for every measured image; none if the layer has no ReLU.
    pub dead: Option<f64>,
    /// √Σ of the squared gradients of weight and bias, for the mean loss without weight decay.
    pub gradient_norm: Option<f64>,
    /// ‖w after the step − w before‖ / ‖w before‖ of the weight, averaged over the last [`UPDATES`] steps of
    /// the epoch; none if some of these steps were missed because the run was resumed among them.
    pub update_ratio: Option<f64>,
}

/// Follows a network through training.
pub struct Watch {
    sample: Dataset,
    preprocessing: Preprocessing,
    tape: Tape<f32>,
    /// Steps per epoch.
    steps: usize,
    /// The weight of every layer before the next step, kept near the end of an epoch.
    before: Vec<Array2<f32>>,
    /// The sum of the update ratios of every layer so far.
    ratios: Vec<f64>,
    /// The step that continues the sum; none if it is not complete.
    next: Option<usize>,
}

impl Watch {
    /// Starts to follow `network` after `done` of the `steps` steps of an epoch.
    pub fn new(
        network: &Mlp<f32>,
        train: &Dataset,
        preprocessing: Preprocessing,
        (done, steps): (usize, usize),
    ) -> Self {
        let images = train.len().min(SAMPLE);
        let sample = train.select(&Vec::from_iter(0..images));
        let mut watch = Self {
            tape: network.tape(images),
            sample,
            preprocessing,
            steps,
            before: weights(network).cloned().collect(),
            ratios: vec![0.0; weights(network).count()],
            next: None,
        };
        watch.step(network, done);
        watch
    }

    /// To be called after every step, where `done` steps of the epoch are complete, and with 0 at the start
    /// of an epoch.
    pub fn step(&mut self, network: &Mlp<f32>, done: usize) {
        let first = self.steps - self.steps.min(UPDATES);
        if done < first {
            return;
        }
        if done == first {
            self.ratios.fill(0.0);
            self.next = Some(first + 1);
        } else if self.next == Some(done) {
            let pairs = weights(network).zip(&self.before);
            for (sum, (after, before)) in self.ratios.iter_mut().zip(pairs) {
                *sum += change(before, after);
            }
            self.next = Some(done + 1);
        }
        for (before, w) in self.before.iter_mut().zip(weights(network)) {
            before.assign(w);
        }
    }

    /// The statistics of every layer, at the end of an epoch.
    pub fn measure(&mut self, network: &Mlp<f32>, loss: &dyn Loss<f32>) -> Vec<LayerStatistics> {
        let updates = self.steps.min(UPDATES) as f64;
        let complete = self.next.take() == Some(self.steps + 1);
        let mut layers = measure(
            network,
            loss,
            &self.sample,
            self.preprocessing,
            &mut self.tape,
        );
        for (layer, sum) in layers.iter_mut().zip(&self.ratios) {
            layer.update_ratio = finite(sum / updates).filter(|_| complete);
        }
        layers
    }
}

/// The weight of every layer.
fn weights(network: &Mlp<f32>) -> impl Iterator<Item = &Array2<f32>> {
    let modules = network.modules().iter();
    modules.filter_map(|module| module.params().map(|[w, _]| &w.value))
}

/// ‖after − before‖ / ‖before‖
fn change(before: &Array2<f32>, after: &Array2<f32>) -> f64 {
    let [mut moved, mut length] = [0.0; 2];
    for (&before, &after) in before.iter().zip(after) {
        moved += (f64::from(after) - f64::from(before)).powi(2);
        length += f64::from(before).powi(2);
    }
    (moved / length).sqrt()
}

/// The statistics of every layer on these images, without updates. The tape must have room for the images.
///
/// Runs on one thread: it takes a small part of an epoch, and the sums are the same everywhere.
pub fn measure<F: Float>(
    network: &Mlp<F>,
    loss: &dyn Loss<F>,
    images: &Dataset,
    preprocessing: Preprocessing,
    tape: &mut Tape<F>,
) -> Vec<LayerStatistics> {
    let n = images.len();
    let order = in_order(n);
    for mut rows in tape.rows_mut(n, SHARE) {
        let here = rows.first..rows.first + rows.len();
        let targets = &images.labels[here.clone()];
        preprocessing.gather(images, &order[here], &mut rows.x);
        pass::forward(network, loss, &mut rows, targets);
        pass::backward(network, loss, &mut rows, targets, n);
    }
    let modules = network.modules();
    let with_weights = |m: &usize| modules[*m].params().is_some();
    let starts: Vec<_> = (0..modules.len()).filter(with_weights).collect();
    let ends = starts.iter().skip(1).copied().chain([modules.len()]);
    let layers = starts.iter().zip(ends).map(|(&module, end)| {
        let y = tape.y(end - 1, n);
        let switches_off = modules[module..end].iter().any(|m| m.kind().switches_off());
        let params = modules[module].params().into_iter().flatten();
        let squares = params.map(|param| {
            let mut gradient = Array2::zeros(param.value.dim());
            (param.gradient)(&tape.x(module, n), &tape.dy(module, n), &mut gradient);
            gradient.iter().map(|&g| double(g).powi(2)).sum::<f64>()
        });
        let (mean, deviation) = mean_and_deviation(&y);
        LayerStatistics {
            module,
            units: y.ncols(),
            activation_mean: finite(mean),
            activation_deviation: finite(deviation),
            dead: switches_off.then(|| dead(&y)),
            gradient_norm: finite(squares.sum::<f64>().sqrt()),
            update_ratio: None,
        }
    });
    layers.collect()
}

/// The share of columns that are 0 in every row.
fn dead<F: Float>(y: &ArrayRef2<F>) -> f64 {
    let columns = y.columns().into_iter();
    let dead = columns.filter(|unit| unit.iter().all(|&y| y == F::zero()));
    dead.count() as f64 / y.ncols() as f64
}

fn mean_and_deviation<F: Float>(y: &ArrayRef2<F>) -> (f64, f64) {
    let n = y.len() as f64;
    let mean = y.iter().map(|&y| double(y)).sum::<f64>() / n;
    let squares = y.iter().map(|&y| (double(y) - mean).powi(2));
    (mean, (squares.sum::<f64>() / n).sqrt())
}

fn double<F: Float>(number: F) -> f64 {
    number.to_f64().expect("a float converts")
}

fn finite(number: f64) -> Option<f64> {
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        loss::{Mse, Target},
        nn::Linear,
    };
    use ndarray::array;

    /// Two images of two pixels, 0 and 1 as they are.
    fn images() -> Dataset {
        let spec = Spec::numbered(1, 2, 4);
        Dataset::new(array![[1, 0], [1, 1]], vec![1, 3], spec)
    }

    const AS_THEY_ARE: Preprocessing = Preprocessing {
        scale: 1.0,
        shift: 0.0,
        deslant: false,
    };

    /// x·w + b = (1, −1, 2), (4, −2, 2), ReLU; its sum.
    fn network() -> Mlp<f32> {
        Mlp::of_linears([
            Linear::new(array![[1., -1., 1.], [3., -1., 0.]], array![0., 0., 1.]),
            Linear::new(array![[1.], [1.], [1.]], array![0.]),
        ])
    }

    #[test]
    fn the_statistics_are_those_worked_by_hand() {
        let (network, loss) = (network(), Mse(Target::Digit));
        let mut tape = network.tape(2);
        let layers = measure(&network, &loss, &images(), AS_THEY_ARE, &mut tape);
        let near = |found: Option<f64>, expected: f64| {
            let found = found.unwrap();
            assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
        };
        // Activations 1, 0, 2 and 4, 0, 2: mean 9/6, mean square 25/6.
        near(layers[0].activation_mean, 1.5);
        near(
            layers[0].activation_deviation,
            (25.0_f64 / 6.0 - 2.25).sqrt(),
        );
        near(layers[0].dead, 1.0 / 3.0);
        // Outputs 3 and 6 against 1 and 3, so dz = 2·(2, 3)/2 = (2, 3).
        near(layers[1].activation_mean, 4.5);
        near(layers[1].activation_deviation, 1.5);
        assert_eq!(layers[1].dead, None);
        // dw = (2·1 + 3·4, 0, 2·2 + 3·2) = (14, 0, 10), db = 5.
        near(layers[1].gradient_norm, (196.0_f64 + 100.0 + 25.0).sqrt());
        // Back through the ReLU dy = (2, 0, 2), (3, 0, 3): dw = (5, 0, 5), (3, 0, 3), db = (5, 0, 5).
        near(
            layers[0].gradient_norm,
            (2.0_f64 * (25.0 + 9.0 + 25.0)).sqrt(),
        );
        assert_eq!((layers[0].module, layers[1].module), (0, 2));
        assert_eq!((layers[0].units, layers[1].units), (3, 1));
    }

    #[test]
    fn updates_are_those_of_the_last_steps_and_only_if_all_were_seen() {
        let (mut network, loss) = (network(), Mse(Target::Digit));
        // The second weight has the norm √3; every step adds 0.1 to each of its three numbers.
        let grow = |network: &mut Mlp<f32>| {
            let mut values: Vec<_> = network.values().cloned().collect();
            values[2] += 0.1;
            network.set_values(&values);
        };
        let mut watch = Watch::new(&network, &images(), AS_THEY_ARE, (0, 2));
        for done in 1..=2 {
            grow(&mut network);
            watch.step(&network, done);
        }
        let layers = watch.measure(&network, &loss);
        let ratio = layers[1].update_ratio.unwrap();
        assert!((ratio - (0.1 + 0.1 / 1.1) / 2.0).abs() < 1e-6, "{ratio}");
        assert_eq!(layers[0].update_ratio, Some(0.0));

        let mut resumed = Watch::new(&network, &images(), AS_THEY_ARE, (1, 2));
        resumed.step(&network, 2);
        assert_eq!(resumed.measure(&network, &loss)[1].update_ratio, None);
        resumed.step(&network, 0);
        resumed.step(&network, 1);
        resumed.step(&network, 2);
        assert_eq!(resumed.measure(&network, &loss)[1].update_ratio, Some(0.0));
    }

    #[test]
    fn a_weight_of_zero_has_no_ratio() {
        assert_eq!(
            finite(change(&Array2::zeros((2, 2)), &Array2::ones((2, 2)))),
            None
        );
    }
}
