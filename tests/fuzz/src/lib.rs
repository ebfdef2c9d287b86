//! The readers of files, each as a function of bytes that must not panic, whatever these are.
//!
//! See `docs/CONTRIBUTING.md` for how to run them.

use std::{
    io::{Cursor, Write},
    path::Path,
};

use mlp::{
    data::{Fault, FileKind, idx::check, source::check_gzip},
    files::{arrays, checkpoint, dataset, model, run::Record, sweep},
};
use safetensors::SafeTensors;
use sha2::{Digest, Sha256};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// A target and its name, which is also that of its folder of seeds.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 9] = [
    ("idx", idx),
    ("model", model),
    ("arrays", arrays),
    ("npy", npy),
    ("record", record),
    ("sweep", sweep),
    ("checkpoint", checkpoint),
    ("dataset", dataset),
    ("table", table),
];

/// MNIST's files, packed and not.
pub fn idx(bytes: &[u8]) {
    for kind in FileKind::ALL {
        let _ = check::<Fault>(kind, bytes, |_| Ok(()));
        let _ = check_gzip::<Fault>(kind, bytes, |_| Ok(()));
    }
}

/// Records of sweeps.
pub fn sweep(bytes: &[u8]) {
    if let Ok(runs) = sweep::parse(bytes, Path::new("sweep.jsonl")) {
        let shares = runs.values().filter_map(|run| run.valid_accuracy);
        assert!(shares.into_iter().all(|share| (0.0..=1.0).contains(&share)));
    }
}

/// IDX files of any type and size.
pub fn dataset(bytes: &[u8]) {
    let Ok((numbers, _)) = dataset::idx::read(bytes) else {
        return;
    };
    assert_eq!(numbers.len(), numbers.shape.iter().product::<usize>());
}

/// Tables of images.
pub fn table(bytes: &[u8]) {
    let Ok(table) = dataset::csv::read(bytes) else {
        return;
    };
    let sizes = &table.pixels.shape;
    assert_eq!(table.pixels.len(), sizes.iter().product::<usize>());
    if let Some(labels) = table.labels {
        assert_eq!(labels.len(), sizes[0]);
    }
}

/// Models. What is read is written again and must be read as the same.
pub fn model(bytes: &[u8]) {
    let Ok(read) = model::from_bytes::<f32>(bytes) else {
        return;
    };
    let written = model::to_bytes(&read);
    let again = model::from_bytes::<f32>(&written).expect("what was read can be written");
    assert_eq!(written, model::to_bytes(&again));
}

/// Arrays that others wrote, `.safetensors`, `.npz` or `.npy`.
pub fn arrays(bytes: &[u8]) {
    let Ok(read) = arrays::from_bytes(bytes) else {
        return;
    };
    for array in read.arrays {
        assert_eq!(array.values.len(), array.shape.iter().product::<usize>());
    }
}

/// One array of NumPy, in an `.npz` that is sound: a checksum would keep mutations from the reader.
pub fn npy(bytes: &[u8]) {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    zip.start_file("0.weight.npy", stored).expect("into memory");
    zip.write_all(bytes).expect("into memory");
    arrays(&zip.finish().expect("into memory").into_inner());
}

/// Records of runs.
pub fn record(bytes: &[u8]) {
    let _ = Record::parse(bytes, Path::new("run.jsonl"));
}

/// Checkpoints, as they are and with a checksum that is right.
pub fn checkpoint(bytes: &[u8]) {
    let _ = checkpoint::from_bytes(bytes);
    if let Some(signed) = signed(bytes) {
        let _ = checkpoint::from_bytes(&signed);
    }
}

/// The same file with the checksum of what is in it, as `files::checkpoint` describes it.
fn signed(bytes: &[u8]) -> Option<Vec<u8>> {
    const KEY: &str = "mlp-checkpoint";
    const FIELD: &str = "\"sha256\":\"";
    let (_, header) = SafeTensors::read_metadata(bytes).ok()?;
    let tensors = SafeTensors::deserialize(bytes).ok()?;
    let json = header.metadata().as_ref()?.get(KEY)?;
    let (before, rest) = json.split_once(FIELD)?;
    let (_, after) = rest.split_once('"')?;
    let unsigned = format!("{before}{FIELD}\"{after}");

    let mut parts = tensors.tensors();
    parts.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut hash = Sha256::new();
    let mut add = |part: &[u8]| {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    };
    add(unsigned.as_bytes());
    for (name, tensor) in &parts {
        add(name.as_bytes());
        add(tensor.data());
    }
    let sha256: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
    let json = format!("{before}{FIELD}{sha256}\"{after}");
    let metadata = [(KEY.to_owned(), json)].into_iter().collect();
    safetensors::serialize(parts, Some(metadata)).ok()
}
