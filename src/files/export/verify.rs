//! Reads an exported file again and compares it with the model.

use ndarray::{Array1, Array2, ArrayView2, Axis, s};

use super::{Constants, ExportError, Format, ReadFault, c, json, onnx, plan::Plan, python};
use crate::{
    data::{Dataset, batch::in_order},
    files::model::Model,
};

/// Images that are run at a time: deslanting one takes as many numbers as it has pixels, times its columns.
const NUMBERS_AT_A_TIME: usize = 1 << 22;

/// What came of running an exported file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// The images that it was run on.
    pub images: usize,
    /// Those of which the model's own outputs are not finite, so that there is nothing to compare.
    pub not_finite: usize,
    /// How many of the others it takes for the same class as the model.
    pub same_classes: usize,
    /// The largest difference of an output, where both are finite.
    pub largest_difference: f64,
    /// The largest size of an output of the model, of those that are finite.
    pub largest_output: f64,
}

impl Run {
    /// The images of which the outputs could be compared.
    pub fn compared(&self) -> usize {
        self.images - self.not_finite
    }
}

/// A network that was read from an exported file.
enum Network {
    Onnx(onnx::Network),
    Json(json::Network),
}

/// Reads the bytes of an exported file and compares every number with the model's, bit for bit. ONNX and JSON are
/// also run on these images, which have pixels as the model takes them. None if there are no images, or a program
/// of another language would have to run it.
///
/// Errors: [`ExportError::Read`], [`ExportError::Differs`], or those of [`to_bytes`](super::to_bytes).
pub fn verify(
    model: &Model,
    format: Format,
    bytes: &[u8],
    images: Option<&Dataset>,
) -> Result<Option<Run>, ExportError> {
    let plan = Plan::new(model)?;
    let names: Vec<_> = plan.parameters().map(|(name, ..)| name).collect();
    let (network, constants) = read(format, bytes, &names).map_err(ExportError::Read)?;
    compare(&plan, &constants)?;
    drop((plan, constants));
    match (network, images) {
        (Some(network), Some(images)) if !images.is_empty() => Ok(Some(
            run(model, &network, images).map_err(ExportError::Read)?,
        )),
        _ => Ok(None),
    }
}

fn read(
    format: Format,
    bytes: &[u8],
    names: &[String],
) -> Result<(Option<Network>, Constants), ReadFault> {
    Ok(match format {
        Format::Onnx => {
            let network = onnx::Network::read(bytes)?;
            let constants = network.constants(names)?;
            (Some(Network::Onnx(network)), constants)
        }
        Format::Json => {
            let network = json::Network::read(bytes)?;
            let constants = network.constants();
            (Some(Network::Json(network)), constants)
        }
        Format::Numpy | Format::Pytorch => (None, python::read(bytes)?),
        Format::C => (None, c::read(bytes, names)?),
    })
}

/// Whether a file has the numbers of the plan, all of them and no others.
fn compare(plan: &Plan, found: &Constants) -> Result<(), ExportError> {
    let differs = |name: &str| ExportError::Differs {
        name: name.to_owned(),
    };
    for (name, expected, found) in [
        ("scale", plan.scale, found.scale),
        ("shift", plan.shift, found.shift),
    ] {
        if expected.to_bits() != found.to_bits() {
            return Err(differs(name));
        }
    }
    let mut parameters = found.parameters.iter();
    for (name, _, expected) in plan.parameters() {
        let same = |(found_name, values): &(String, Vec<f32>)| {
            let mut pairs = values.iter().zip(expected);
            *found_name == name
                && values.len() == expected.len()
                && pairs.all(|(a, b)| a.to_bits() == b.to_bits())
        };
        if !parameters.next().is_some_and(same) {
            return Err(differs(&name));
        }
    }
    match parameters.next() {
        None => Ok(()),
        Some((name, _)) => Err(differs(name)),
    }
}

/// Both networks on all images.
fn run(model: &Model, network: &Network, images: &Dataset) -> Result<Run, ReadFault> {
    let spec = &images.spec;
    let classes_of_model = model.metadata.spec().classes.len();
    let at_a_time = (NUMBERS_AT_A_TIME / (spec.pixels() * spec.cols)).max(1);
    let mut run = Run {
        images: images.len(),
        not_finite: 0,
        same_classes: 0,
        largest_difference: 0.0,
        largest_output: 0.0,
    };
    let order = in_order(images.len());
    for (block, order) in images
        .images
        .axis_chunks_iter(Axis(0), at_a_time)
        .zip(order.chunks(at_a_time))
    {
        let (logits, classes) = network.run(block, spec.rows, spec.cols)?;
        let expected = outputs(model, images, order);
        if logits.dim() != expected.dim() || classes.len() != block.nrows() {
            return Err(ReadFault::Unknown("number of outputs"));
        }
        let decoding = model.metadata.loss.decoding();
        for (n, (expected, &class)) in expected.rows().into_iter().zip(&classes).enumerate() {
            if !expected.iter().all(|output| output.is_finite()) {
                run.not_finite += 1;
                continue;
            }
            let found = logits.slice(s![n, ..]);
            // An output that is finite in the model alone is a difference, of no size.
            let own = decoding.class(expected, classes_of_model);
            let same = found.iter().all(|output| output.is_finite()) && f32::from(own) == class;
            run.same_classes += usize::from(same);
            for (a, b) in expected.iter().zip(found) {
                let difference = (f64::from(*a) - f64::from(*b)).abs();
                if difference.is_finite() {
                    run.largest_difference = run.largest_difference.max(difference);
                }
                run.largest_output = run.largest_output.max(f64::from(a.abs()));
            }
        }
    }
    Ok(run)
}

/// The outputs (N, O) of the model itself.
fn outputs(model: &Model, images: &Dataset, order: &[u32]) -> Array2<f32> {
    let mut x = Array2::zeros((order.len(), images.spec.pixels()));
    model.metadata.preprocessing.gather(images, order, &mut x);
    model.network.predict(&x)
}

impl Network {
    /// The outputs (N, O) and classes (N) of images (N, pixels).
    fn run(
        &self,
        images: ArrayView2<'_, u8>,
        rows: usize,
        cols: usize,
    ) -> Result<(Array2<f32>, Array1<f32>), ReadFault> {
        match self {
            Self::Json(network) => network.run(images),
            Self::Onnx(network) => {
                let shape = vec![images.nrows(), rows, cols];
                let pixels = images.iter().map(|&grey| f32::from(grey)).collect();
                let pixels = ndarray::ArrayD::from_shape_vec(shape, pixels);
                network.run(pixels.expect("pixels of every image"))
            }
        }
    }
}
