//! Checkpoints: everything that a killed training run needs to continue, to the same bytes.
//!
//! A checkpoint is a safetensors file, like a model file. It holds the parameters of the network (`0.weight`,
//! …), their velocities if momentum needs them (`velocity.0.weight`, …) or their moments if Adam does
//! (`first_moment.0.weight`, …, `second_moment.0.weight`, …), the parameters of the best network so far
//! (`best.0.weight`, …) and the order of the images in this epoch (`order`, `u32`). Its metadata have
//! one key, `mlp-checkpoint`: the settings and the [`Progress`] as JSON, with a SHA-256 of everything. The
//! reader trusts nothing.
//!
//! A [`Folder`] holds the last two, so that one is intact whatever happens.

mod error;
mod folder;
#[cfg(test)]
mod tests;
mod writer;

use std::time::Duration;

use ndarray::Array2;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    data::idx::hex,
    files::model::{
        self, Begun, Metadata, container, network_from, open, range, shapes, tensors, values_from,
    },
    nn::Mlp,
    rng::{Purpose, generator},
    train::{Best, Progress},
};

pub use error::{CheckpointError, Fault};
pub use folder::{DAMAGED, Folder, LATEST, LOCK, PREVIOUS, Resumed, load};
pub use writer::{Every, Writer};

/// The version of the format that this program writes and reads.
pub const FORMAT_VERSION: u32 = 1;

/// The largest file that is read: four models of the largest size, and the order of the images.
pub const MAX_BYTES: u64 = 5 * model::MAX_BYTES;

const KEY: &str = model::CHECKPOINT_KEY;
const BEST: &str = "best.";
const VELOCITY: &str = "velocity.";
const MOMENTS: [&str; 2] = ["first_moment.", "second_moment."];
const ORDER: &str = "order";

/// A training run that can be resumed.
pub struct Checkpoint {
    /// The settings, and where the results go.
    pub run: Run,
    /// The network at that moment.
    pub network: Mlp<f32>,
    /// How far training had come.
    pub progress: Progress,
}

/// What stays the same throughout a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The network, the settings and the data.
    pub metadata: Metadata,
    /// Where the model will be saved.
    pub out: Option<String>,
    /// Where the best model will be saved.
    pub best: Option<String>,
    /// The folder in which the run is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// The folder of its event files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tensorboard: Option<String>,
    /// Whether relative paths are those from the folder of the checkpoints. In files of earlier versions they are those
    /// from the working folder.
    #[serde(default)]
    pub from_folder: bool,
}

/// The JSON in the metadata.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    checkpoint_version: u32,
    /// The SHA-256 of this JSON, with an empty `sha256`, and of all tensors.
    sha256: String,
    run: Run,
    epoch: usize,
    step: usize,
    /// The position of the generator that shuffles the images.
    shuffler: u64,
    loss: f64,
    correct: usize,
    time: Duration,
    /// Epoch and accuracy of the best network so far.
    best: Option<(usize, f64)>,
}

impl Header {
    fn json(&self) -> String {
        serde_json::to_string(self).expect("plain data serialises")
    }

    /// The checksum of a header without one and of tensors, whatever their order in the file.
    fn checksum<'a>(&self, tensors: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
        assert!(self.sha256.is_empty(), "a checksum is not of itself");
        let mut tensors: Vec<_> = tensors.collect();
        tensors.sort();
        let mut hash = Sha256::new();
        let json = self.json();
        let parts = tensors
            .iter()
            .flat_map(|(name, data)| [name.as_bytes(), data]);
        for part in [json.as_bytes()].into_iter().chain(parts) {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hex(&hash.finalize())
    }
}

/// The bytes of a checkpoint.
pub fn to_bytes(run: &Run, network: &Mlp<f32>, progress: &Progress) -> Vec<u8> {
    let mut all = tensors("", network, network.values());
    let settings = &run.metadata.training.settings;
    // Before the first step all is at rest.
    let mut add = |prefix: &str, state: Vec<&Array2<f32>>| {
        let zeros: Vec<_> = match state.is_empty() {
            true => network.values().map(|w| Array2::zeros(w.dim())).collect(),
            false => Vec::new(),
        };
        all.extend(tensors(prefix, network, state.into_iter().chain(&zeros)));
    };
    if settings.velocity() {
        add(VELOCITY, network.velocities().collect());
    }
    for (which, prefix) in MOMENTS.into_iter().enumerate() {
        if settings.moments() {
            add(prefix, network.moments(which).collect());
        }
    }
    if let Some(best) = &progress.best {
        all.extend(tensors(BEST, network, best.values.iter()));
    }
    let order = progress.order.iter().flat_map(|image| image.to_le_bytes());
    let shape = vec![progress.order.len()];
    all.push((ORDER.to_owned(), shape, Dtype::U32, order.collect()));
    let mut header = Header {
        checkpoint_version: FORMAT_VERSION,
        sha256: String::new(),
        run: run.clone(),
        epoch: progress.epoch,
        step: progress.step,
        shuffler: u64::try_from(progress.shuffler.get_word_pos())
            .expect("no life is long enough to draw 2⁶⁴ numbers"),
        loss: progress.loss,
        correct: progress.correct,
        time: progress.time,
        best: progress
            .best
            .as_ref()
            .map(|best| (best.epoch, best.accuracy)),
    };
    header.sha256 = header.checksum(all.iter().map(|(name, _, _, data)| (&name[..], &data[..])));
    container(all, KEY, header.json())
}

/// Reads the bytes of a checkpoint. No bytes can make it panic, or allocate more than a few times their size.
pub fn from_bytes(bytes: &[u8]) -> Result<Checkpoint, Fault> {
    let (tensors, json) = open(bytes, MAX_BYTES, KEY)?;
    let (header, sha256) = header_from(&json)?;
    let all = tensors.tensors();
    let parts = all.iter().map(|(name, tensor)| (&name[..], tensor.data()));
    if header.checksum(parts) != sha256 {
        return Err(Fault::Checksum);
    }
    check(&header)?;
    let metadata = &header.run.metadata;
    let mut network = network_from(&tensors, &metadata.architecture)?;
    let best = match header.best {
        Some((epoch, accuracy)) => Some(Best {
            epoch,
            accuracy,
            values: values_from(&tensors, BEST, &network)?,
        }),
        None => None,
    };
    let params = network.values().count();
    let mut expected = params + best.as_ref().map_or(0, |_| params) + 1;
    let settings = &metadata.training.settings;
    if settings.velocity() {
        network.set_velocities(values_from(&tensors, VELOCITY, &network)?);
        expected += params;
    }
    if settings.moments() {
        let [first, second] = MOMENTS.map(|prefix| values_from(&tensors, prefix, &network));
        let (first, second) = (first?, second?);
        let least = second.iter().flatten().copied().fold(0.0, f32::min);
        range("second_moment", least, 0.0, f32::MAX)?;
        network.set_moments(first, second);
        expected += 2 * params;
    }
    if tensors.len() != expected {
        let found = tensors.len();
        return Err(Fault::Count { found, expected });
    }
    let order = order_from(&tensors)?;
    let batch_size = settings.batch_size;
    range("step", header.step, 0, order.len().div_ceil(batch_size))?;
    range("correct", header.correct, 0, order.len())?;
    let most_loss = f64::from(f32::MAX) * order.len() as f64;
    range("loss", header.loss, 0.0, most_loss)?;
    let begun = (header.epoch + usize::from(header.step > 0)) as u64;
    let most_drawn = begun * order.len() as u64 * MOST_DRAWN;
    range("shuffler", header.shuffler, 0, most_drawn)?;
    let mut shuffler = generator(metadata.training.settings.seed, Purpose::Shuffle);
    shuffler.set_word_pos(header.shuffler.into());
    let progress = Progress {
        epoch: header.epoch,
        step: header.step,
        order,
        shuffler,
        loss: header.loss,
        correct: header.correct,
        time: header.time,
        best,
    };
    Ok(Checkpoint {
        run: header.run,
        network,
        progress,
    })
}

/// Checks before the tensors are read that they are those of a checkpoint, of the sizes that its network needs.
fn check_header(begun: &Begun) -> Result<(), Fault> {
    let (header, _) = header_from(begun.json(KEY)?)?;
    let metadata = &header.run.metadata;
    model::check(metadata)?;
    let mut prefixes = vec![""];
    prefixes.extend(header.best.map(|_| BEST));
    let settings = &metadata.training.settings;
    prefixes.extend(settings.velocity().then_some(VELOCITY));
    prefixes.extend(MOMENTS.into_iter().filter(|_| settings.moments()));
    let shapes = shapes(&metadata.architecture);
    let (found, expected) = (begun.count(), prefixes.len() * shapes.len() + 1);
    if found != expected {
        return Err(Fault::Count { found, expected });
    }
    for prefix in prefixes {
        for (name, shape) in &shapes {
            begun.check(&format!("{prefix}{name}"), shape)?;
        }
    }
    match begun.tensor(ORDER)? {
        (Dtype::U32, &[1..=MAX_IMAGES]) => Ok(()),
        (_, shape) => Err(Fault::Order(shape.iter().product())),
    }
}

/// The most images to train on: as many as there can be labels.
const MAX_IMAGES: usize = 1 << 26;

/// The header without its checksum, and the checksum.
fn header_from(json: &str) -> Result<(Header, String), Fault> {
    // The version first: another version may have other fields.
    #[derive(Deserialize)]
    struct Version {
        checkpoint_version: u64,
    }
    let version: Version = serde_json::from_str(json).map_err(Fault::Metadata)?;
    if version.checkpoint_version != u64::from(FORMAT_VERSION) {
        return Err(Fault::Version(version.checkpoint_version));
    }
    let mut header: Header = serde_json::from_str(json).map_err(Fault::Metadata)?;
    let sha256 = std::mem::take(&mut header.sha256);
    Ok((header, sha256))
}

/// Checks that these numbers are possible in a run: a checksum keeps out accidents, not intent.
fn check(header: &Header) -> Result<(), Fault> {
    let metadata = &header.run.metadata;
    model::check(metadata)?;
    let training = &metadata.training;
    range("epochs", training.settings.epochs, 1, MAX_EPOCHS)?;
    range(
        "batch_size",
        training.settings.batch_size,
        1,
        u32::MAX as usize,
    )?;
    let (least, most) = (f32::from_bits(1), f32::MAX);
    range(
        "learning_rate",
        training.settings.learning_rate,
        least,
        most,
    )?;
    range(
        "patience",
        training.settings.patience.unwrap_or(1),
        1,
        usize::MAX,
    )?;
    let target = training.settings.target_accuracy.unwrap_or(1.0);
    range("target_accuracy", target, f64::MIN_POSITIVE, 1.0)?;
    let begun = usize::from(header.step > 0);
    range("epoch", header.epoch, 0, training.settings.epochs - begun)?;
    range("time", header.time.as_secs(), 0, u32::MAX.into())?;
    if let Some((epoch, accuracy)) = header.best {
        range("best epoch", epoch, 1, header.epoch)?;
        range("best accuracy", accuracy, 0.0, 1.0)?;
    }
    Ok(())
}

/// The most numbers of 32 bits that are drawn for an image when an epoch is shuffled. It takes one or two, and one
/// or two more whenever a draw is rejected, which happens to less than half of them.
const MOST_DRAWN: u64 = 64;

/// The most epochs of a run.
pub const MAX_EPOCHS: usize = 1_000_000;

/// The order of the images, which names each of them once.
fn order_from(tensors: &SafeTensors<'_>) -> Result<Vec<u32>, Fault> {
    let missing = |_| model::Fault::Missing(ORDER.to_owned());
    let tensor = tensors.tensor(ORDER).map_err(missing)?;
    let (images, _) = tensor.data().as_chunks::<4>();
    let order: Vec<_> = images
        .iter()
        .map(|&image| u32::from_le_bytes(image))
        .collect();
    let mut seen = vec![false; order.len()];
    for &image in &order {
        match seen.get_mut(image as usize) {
            Some(seen) if !*seen => *seen = true,
            _ => return Err(Fault::Order(order.len())),
        }
    }
    match (tensor.dtype(), tensor.shape()) {
        (Dtype::U32, &[images]) if images > 0 => Ok(order),
        _ => Err(Fault::Order(order.len())),
    }
}
