//! Arrays from and for other programs: `.safetensors` and NumPy's `.npz`.
//!
//! Nothing in a file is trusted: sizes are capped, and shapes are compared with the bytes that are there.
//! Source: NumPy's `numpy.lib.format` (versions 1 to 3).

use std::{
    fs::File,
    io::{self, Cursor, Read, Write},
    path::{Path, PathBuf},
};

use ndarray::{ArrayD, IxDyn, ShapeBuilder};
use safetensors::{Dtype, SafeTensors};
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

use crate::{
    check::mistakes::NamedArray,
    data::batch::Batch,
    files::model::{self, Model, NamedTensor},
};

/// The most bytes that a file, or an array after unpacking, may have.
const MAX_BYTES: u64 = 1 << 30;

/// Why no arrays could be read from a file.
#[derive(Debug, thiserror::Error)]
pub enum ArrayError {
    /// An I/O error.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// The system's message.
        error: io::Error,
    },
    /// The content is not valid.
    #[error("{}: {fault}", path.display())]
    Fault {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
}

/// Reads the arrays of a file, whose format is recognised by its content and not by its name.
pub fn read(path: &Path) -> Result<Vec<NamedArray>, ArrayError> {
    let io = |error| ArrayError::Io {
        path: path.to_path_buf(),
        error,
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(io)?;
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(io)?;
    let arrays = match bytes.len() as u64 > MAX_BYTES {
        true => Err(format!(
            "more than {MAX_BYTES} bytes, expected the gradients of one batch"
        )),
        false => from_bytes(&bytes),
    };
    arrays.map_err(|fault| ArrayError::Fault {
        path: path.to_path_buf(),
        fault,
    })
}

/// The arrays in the bytes of a file; an error says what is wrong with it.
pub fn from_bytes(bytes: &[u8]) -> Result<Vec<NamedArray>, String> {
    if bytes.starts_with(b"PK") {
        return from_npz(bytes);
    }
    let file = SafeTensors::deserialize(bytes).map_err(|error| {
        format!("neither a .safetensors file nor an .npz file ({error}): write it with safetensors' save_file or with numpy.savez")
    })?;
    let arrays = file.iter().map(|(name, tensor)| {
        let number = match tensor.dtype() {
            Dtype::F32 => Number::F4,
            Dtype::F64 => Number::F8,
            other => {
                return Err(format!(
                    "{name} has elements of type {other}, expected F32 or F64"
                ));
            }
        };
        Ok(NamedArray {
            name: name.to_owned(),
            shape: tensor.shape().to_vec(),
            values: number.values(tensor.data()),
        })
    });
    arrays.collect()
}

/// The types of numbers that can be read.
#[derive(Clone, Copy)]
enum Number {
    F4,
    F8,
}

impl Number {
    fn bytes(self) -> usize {
        match self {
            Self::F4 => 4,
            Self::F8 => 8,
        }
    }

    fn values(self, bytes: &[u8]) -> Vec<f64> {
        let (four, eight) = (bytes.as_chunks::<4>().0, bytes.as_chunks::<8>().0);
        match self {
            Self::F4 => four.iter().map(|v| f32::from_le_bytes(*v).into()).collect(),
            Self::F8 => eight.iter().map(|v| f64::from_le_bytes(*v)).collect(),
        }
    }
}

fn from_npz(bytes: &[u8]) -> Result<Vec<NamedArray>, String> {
    let broken = |error: &dyn std::fmt::Display| format!("broken .npz file: {error}");
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken(&error))?;
    let mut arrays = Vec::new();
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(|error| broken(&error))?;
        let name = file.name().map_err(|error| broken(&error))?;
        let name = name.strip_suffix(".npy").unwrap_or(&name).to_owned();
        let mut npy = Vec::new();
        let mut file = file.take(MAX_BYTES + 1);
        file.read_to_end(&mut npy).map_err(|error| broken(&error))?;
        if npy.len() as u64 > MAX_BYTES {
            return Err(format!("{name}: more than {MAX_BYTES} bytes when unpacked"));
        }
        arrays.push(from_npy(&npy, &name).map_err(|fault| format!("{name}: {fault}"))?);
    }
    Ok(arrays)
}

/// Reads one array: a magic, a header that is a Python dictionary, then the numbers.
fn from_npy(bytes: &[u8], name: &str) -> Result<NamedArray, String> {
    let cut = || "truncated".to_owned();
    let rest = bytes
        .strip_prefix(b"\x93NUMPY")
        .ok_or("not a NumPy array")?;
    let (version, rest) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
    let (length, rest) = match version[0] {
        1 => {
            let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
            (usize::from(u16::from_le_bytes(*length)), rest)
        }
        _ => {
            let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
            (u32::from_le_bytes(*length) as usize, rest)
        }
    };
    let (header, data) = rest.split_at_checked(length).ok_or_else(cut)?;
    let header = String::from_utf8_lossy(header);
    let entry = |key: &str| {
        let (_, value) = header.split_once(&format!("'{key}':"))?;
        Some(value.trim_start())
    };
    let number = match entry("descr") {
        Some(descr) if descr.starts_with("'<f4'") => Number::F4,
        Some(descr) if descr.starts_with("'<f8'") => Number::F8,
        Some(descr) => {
            let descr = descr.split(',').next().unwrap_or_default();
            return Err(format!(
                "elements of type {descr}, expected '<f4' or '<f8': convert with .astype('f4')"
            ));
        }
        None => return Err("its header names no type".into()),
    };
    let fortran = entry("fortran_order").is_some_and(|value| value.starts_with("True"));
    let shape = entry("shape").and_then(|value| {
        let inside = value.strip_prefix('(')?.split_once(')')?.0;
        let sizes = inside
            .split(',')
            .map(str::trim)
            .filter(|size| !size.is_empty());
        sizes
            .map(|size| size.parse::<usize>().ok())
            .collect::<Option<Vec<_>>>()
    });
    let shape = shape.ok_or("its header names no shape")?;
    let sizes = shape
        .iter()
        .try_fold(number.bytes(), |all, &size| all.checked_mul(size));
    if sizes != Some(data.len()) {
        return Err(format!(
            "{} bytes of numbers, which do not fit shape {shape:?}",
            data.len()
        ));
    }
    let mut values = number.values(data);
    if fortran {
        let array = ArrayD::from_shape_vec(IxDyn(&shape).f(), values)
            .map_err(|error| format!("shape {shape:?}: {error}"))?;
        values = array.iter().copied().collect();
    }
    Ok(NamedArray {
        name: name.to_owned(),
        shape,
        values,
    })
}

/// The bytes of a file with the images as `x`, their classes as `targets`, and the parameters under their names.
pub fn batch_bytes(model: &Model, images: &Batch, npz: bool) -> io::Result<Vec<u8>> {
    let x = images
        .x
        .iter()
        .flat_map(|&v| (v as f32).to_le_bytes())
        .collect();
    let targets = images
        .targets
        .iter()
        .flat_map(|&t| i64::from(t).to_le_bytes())
        .collect();
    let (n, pixels) = images.x.dim();
    let mut tensors = vec![
        ("x".to_owned(), vec![n, pixels], Dtype::F32, x),
        ("targets".to_owned(), vec![n], Dtype::I64, targets),
    ];
    tensors.extend(model::tensors("", &model.network, model.network.values()));
    match npz {
        true => to_npz(&tensors),
        false => {
            let metadata = serde_json::to_string(&model.metadata).expect("plain data serialises");
            Ok(model::container(tensors, "mlp-batch", metadata))
        }
    }
}

/// The bytes of an `.npz` file, as `numpy.savez` writes it.
pub(crate) fn to_npz(tensors: &[NamedTensor]) -> io::Result<Vec<u8>> {
    let mut file = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, shape, dtype, bytes) in tensors {
        let descr = match dtype {
            Dtype::I64 => "<i8",
            Dtype::F64 => "<f8",
            _ => "<f4",
        };
        let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
        let dictionary =
            format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sizes}), }}");
        // The numbers start at a multiple of 64 bytes.
        const BEFORE: usize = 10;
        let padding = 63 - (BEFORE + dictionary.len()) % 64;
        let length = u16::try_from(dictionary.len() + padding + 1).expect("a short header");
        file.start_file(format!("{name}.npy"), options)?;
        file.write_all(b"\x93NUMPY\x01\x00")?;
        file.write_all(&length.to_le_bytes())?;
        writeln!(file, "{dictionary}{:padding$}", "")?;
        file.write_all(bytes)?;
    }
    Ok(file.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tensor(name: &str, shape: &[usize], values: &[f32]) -> NamedTensor {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        (name.to_owned(), shape.to_vec(), Dtype::F32, bytes)
    }

    fn two() -> Vec<u8> {
        to_npz(&[
            tensor("0.weight", &[2, 3], &[1., 2., 3., 4., 5., 6.]),
            tensor("0.bias", &[2], &[-1., 0.5]),
        ])
        .unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let arrays = from_bytes(&two()).unwrap();
        assert_eq!(arrays[0].shape, [2, 3]);
        assert_eq!(arrays[0].values, [1., 2., 3., 4., 5., 6.]);
        assert_eq!(
            (&arrays[1].name[..], &arrays[1].shape[..]),
            ("0.bias", &[2][..])
        );
    }

    #[test]
    fn arrays_by_columns_are_turned() {
        let header = "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }";
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(
            [1.0_f64, 4., 2., 5., 3., 6.]
                .iter()
                .flat_map(|v| v.to_le_bytes()),
        );
        assert_eq!(
            from_npy(&bytes, "a").unwrap().values,
            [1., 2., 3., 4., 5., 6.]
        );
        let three = header.replace("(2, 3)", "(3,1,2)");
        let mut by_columns = b"\x93NUMPY\x01\x00".to_vec();
        by_columns.extend((three.len() as u16).to_le_bytes());
        by_columns.extend(three.as_bytes());
        by_columns.extend(&bytes[bytes.len() - 48..]);
        assert_eq!(
            from_npy(&by_columns, "a").unwrap().values,
            [1., 5., 4., 3., 2., 6.]
        );
        for (from, to) in [
            ("(2, 3)", "(9, 9)"),
            ("(2, 3)", "(-2,3)"),
            ("<f8", "<i8"),
            ("'shape'", "'shap_'"),
        ] {
            let header = header.replace(from, to);
            let mut bad = b"\x93NUMPY\x01\x00".to_vec();
            bad.extend((header.len() as u16).to_le_bytes());
            bad.extend(header.as_bytes());
            bad.extend(&bytes[bytes.len() - 48..]);
            assert!(from_npy(&bad, "a").is_err(), "{to}");
        }
    }

    #[test]
    fn a_file_cut_off_anywhere_is_an_error() {
        let bytes = two();
        for length in 0..bytes.len() {
            assert!(from_bytes(&bytes[..length]).is_err(), "{length} bytes");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(at in 0_usize..600, byte: u8) {
            let mut bytes = two();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = from_bytes(&bytes);
            let _ = from_npy(&bytes[at..], "a");
        }
    }
}
