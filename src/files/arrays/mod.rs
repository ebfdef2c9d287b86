//! Arrays from and for other programs: `.safetensors` and NumPy's `.npz` and `.npy`.
//!
//! Nothing in a file is trusted: sizes are capped, and shapes are compared with the bytes that are there. What
//! an array needs is known from its header, before it is unpacked: all together take at most 8 bytes a number, and
//! as much again for the largest stored by columns.

mod foreign;
mod literal;
pub(crate) mod npy;

use std::{
    io::{self, BufReader, Cursor, Read, Seek, Write},
    path::{Path, PathBuf},
};

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

use crate::{
    check::mistakes::{NamedArray, Precision},
    data::batch::Batch,
    files::model::{self, Model, NamedTensor},
    regular_file,
};

/// The most bytes that a file, or all its arrays after unpacking, may have.
const MAX_BYTES: u64 = 1 << 30;

/// The most elements that all arrays of a file may have: 1 GiB as f64.
const MAX_ELEMENTS: usize = 1 << 27;

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

/// What is in a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arrays {
    /// The arrays of numbers.
    pub arrays: Vec<NamedArray>,
    /// The names of the others, and why they are of no use.
    pub ignored: Vec<(String, String)>,
}

impl Arrays {
    /// An error if there is no array of numbers.
    fn some(self) -> Result<Self, String> {
        if !self.arrays.is_empty() {
            return Ok(self);
        }
        let why = match &self.ignored[..] {
            [] => "no arrays in it".to_owned(),
            [(name, why)] => format!("no array of numbers in it ({name}: {why})"),
            [(name, why), others @ ..] => format!(
                "no array of numbers in it ({name}: {why}; {} more)",
                others.len()
            ),
        };
        Err(format!(
            "{why}: save the gradients with `{}`",
            foreign::SAVEZ
        ))
    }

    fn add(&mut self, name: &str, array: Result<NamedArray, String>) {
        match array {
            Ok(array) => self.arrays.push(array),
            Err(why) => self.ignored.push((name.to_owned(), why)),
        }
    }
}

/// Reads the arrays of a file, whose format is recognised by its content and not by its name.
///
/// An array of an `.npy` file is named after the file.
pub fn read(path: &Path) -> Result<Arrays, ArrayError> {
    let io = |error| ArrayError::Io {
        path: path.to_path_buf(),
        error,
    };
    let fault = |fault| ArrayError::Fault {
        path: path.to_path_buf(),
        fault,
    };
    if path.is_dir() {
        return Err(fault(
            "a folder, expected a .safetensors, .npz or .npy file: name the file in it".to_owned(),
        ));
    }
    let mut file = regular_file::open(path).map_err(io)?;
    let meta = file.metadata().map_err(io)?;
    let too_large = || {
        let text = format!("more than {MAX_BYTES} bytes, expected the gradients of one batch");
        Err(fault(text))
    };
    if meta.len() > MAX_BYTES {
        return too_large();
    }
    let mut bytes = Vec::new();
    (&file).take(2).read_to_end(&mut bytes).map_err(io)?;
    if bytes == b"PK" {
        // An archive is unpacked as it is read.
        file.rewind().map_err(io)?;
        let read = from_npz(BufReader::new(file), &mut Left::default());
        return read.and_then(Arrays::some).map_err(fault);
    }
    file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > MAX_BYTES {
        return too_large();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    named(&bytes, &stem).map_err(fault)
}

/// The arrays in the bytes of a file; an error says what is wrong with it.
///
/// An array of an `.npy` file is named `arr_0`.
pub fn from_bytes(bytes: &[u8]) -> Result<Arrays, String> {
    named(bytes, "arr_0")
}

/// The same, with the name of an array that has none.
fn named(bytes: &[u8], name: &str) -> Result<Arrays, String> {
    let mut left = Left::default();
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return from_npz(Cursor::new(bytes), &mut left)?.some();
    }
    if bytes.starts_with(npy::MAGIC) {
        let mut read = Arrays::default();
        read.add(name, npy::read(bytes, name, &mut left)?);
        return read.some();
    }
    // Before all other kinds: any bytes can be the length of its header.
    match SafeTensors::deserialize(bytes) {
        Ok(file) => from_safetensors(&file, &mut left)?.some(),
        Err(error) => Err(foreign::fault(bytes, &error)),
    }
}

/// What a file may still unpack.
struct Left {
    bytes: u64,
    elements: usize,
}

impl Default for Left {
    fn default() -> Self {
        Self {
            bytes: MAX_BYTES,
            elements: MAX_ELEMENTS,
        }
    }
}

impl Left {
    fn take_elements(&mut self, elements: usize) -> Result<(), String> {
        let left = self.elements.checked_sub(elements);
        self.elements = left.ok_or(format!(
            "more than {MAX_ELEMENTS} numbers in the file, expected the gradients of one batch"
        ))?;
        Ok(())
    }

    fn take_bytes(&mut self, bytes: u64) -> Result<(), String> {
        let left = self.bytes.checked_sub(bytes);
        self.bytes = left.ok_or(format!(
            "more than {MAX_BYTES} bytes when unpacked, expected the gradients of one batch"
        ))?;
        Ok(())
    }
}

/// The types of numbers that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F16,
    Bf16,
    F32,
    F64,
}

impl Number {
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::Bool | Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 | Self::F16 | Self::Bf16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }

    fn precision(self) -> Precision {
        match self {
            Self::F16 => Precision::F16,
            Self::Bf16 => Precision::Bf16,
            Self::F32 => Precision::F32,
            Self::F64 => Precision::F64,
            _ => Precision::Integer,
        }
    }

    /// Adds the numbers in these bytes.
    fn values(self, bytes: &[u8], big_endian: bool, all: &mut Vec<f64>) {
        let mut one = |value: fn(u8) -> f64| all.extend(bytes.iter().map(|&v| value(v)));
        match self {
            Self::Bool => one(|v| f64::from(u8::from(v != 0))),
            Self::I8 => one(|v| i8::from_le_bytes([v]).into()),
            Self::U8 => one(f64::from),
            Self::I16 => each(bytes, big_endian, all, |v| i16::from_le_bytes(v).into()),
            Self::U16 => each(bytes, big_endian, all, |v| u16::from_le_bytes(v).into()),
            Self::F16 => each(bytes, big_endian, all, |v| f16::from_le_bytes(v).into()),
            Self::Bf16 => each(bytes, big_endian, all, |v| bf16::from_le_bytes(v).into()),
            Self::I32 => each(bytes, big_endian, all, |v| i32::from_le_bytes(v).into()),
            Self::U32 => each(bytes, big_endian, all, |v| u32::from_le_bytes(v).into()),
            Self::F32 => each(bytes, big_endian, all, |v| f32::from_le_bytes(v).into()),
            Self::I64 => each(bytes, big_endian, all, |v| i64::from_le_bytes(v) as f64),
            Self::U64 => each(bytes, big_endian, all, |v| u64::from_le_bytes(v) as f64),
            Self::F64 => each(bytes, big_endian, all, f64::from_le_bytes),
        }
    }
}

/// Adds the numbers of N bytes each.
fn each<const N: usize>(
    bytes: &[u8],
    big_endian: bool,
    all: &mut Vec<f64>,
    value: fn([u8; N]) -> f64,
) {
    let numbers = bytes.as_chunks::<N>().0.iter();
    let numbers = numbers.map(|&(mut number)| {
        if big_endian {
            number.reverse();
        }
        value(number)
    });
    all.extend(numbers);
}

fn from_safetensors(file: &SafeTensors, left: &mut Left) -> Result<Arrays, String> {
    let mut read = Arrays::default();
    for (name, tensor) in file.iter() {
        let number = match tensor.dtype() {
            Dtype::BOOL => Number::Bool,
            Dtype::I8 => Number::I8,
            Dtype::I16 => Number::I16,
            Dtype::I32 => Number::I32,
            Dtype::I64 => Number::I64,
            Dtype::U8 => Number::U8,
            Dtype::U16 => Number::U16,
            Dtype::U32 => Number::U32,
            Dtype::U64 => Number::U64,
            Dtype::F16 => Number::F16,
            Dtype::BF16 => Number::Bf16,
            Dtype::F32 => Number::F32,
            Dtype::F64 => Number::F64,
            Dtype::C64 => {
                read.add(name, Err("it holds complex numbers".to_owned()));
                continue;
            }
            other => {
                let why = format!("its elements are of type {other}: convert it with .float()");
                read.add(name, Err(why));
                continue;
            }
        };
        left.take_elements(tensor.shape().iter().product())?;
        let mut values = Vec::new();
        number.values(tensor.data(), false, &mut values);
        let array = NamedArray {
            name: name.to_owned(),
            shape: tensor.shape().to_vec(),
            values,
            precision: number.precision(),
        };
        read.add(name, Ok(array));
    }
    Ok(read)
}

fn from_npz(file: impl Read + Seek, left: &mut Left) -> Result<Arrays, String> {
    let broken = |error: &dyn std::fmt::Display| format!("broken .npz file: {error}");
    let mut archive = ZipArchive::new(file).map_err(|error| broken(&error))?;
    let names: Vec<_> = archive.file_names().filter_map(Result::ok).collect();
    if let Some(fault) = foreign::zip(names.iter().map(|name| &name[..])) {
        return Err(fault);
    }
    let mut read = Arrays::default();
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(|error| broken(&error))?;
        let entry = file.name().map_err(|error| broken(&error))?.into_owned();
        let name = match entry.strip_suffix(".npy") {
            // macOS adds files of its own to a zip.
            Some(name) if !entry.starts_with("__MACOSX/") => name,
            _ => {
                if !file.is_dir() {
                    read.add(&entry, Err("it is not an array of NumPy".to_owned()));
                }
                continue;
            }
        };
        let array = npy::read(file, name, left);
        read.add(name, array.map_err(|fault| format!("{name}: {fault}"))?);
    }
    Ok(read)
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

    /// An array of NumPy.
    fn array(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header =
            format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}");
        npy(&header, data)
    }

    fn npy(header: &str, data: &[u8]) -> Vec<u8> {
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
    }

    /// A zip of these entries.
    fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut file = ZipWriter::new(Cursor::new(Vec::new()));
        let packed = SimpleFileOptions::default();
        for (name, bytes) in entries {
            file.start_file(*name, packed).unwrap();
            file.write_all(bytes).unwrap();
        }
        file.finish().unwrap().into_inner()
    }

    fn only(bytes: &[u8]) -> NamedArray {
        let read = from_bytes(bytes).unwrap();
        assert_eq!(read.ignored, []);
        let [array] = <[_; 1]>::try_from(read.arrays).unwrap();
        array
    }

    #[test]
    fn what_is_written_is_read() {
        let arrays = from_bytes(&two()).unwrap().arrays;
        assert_eq!(arrays[0].shape, [2, 3]);
        assert_eq!(arrays[0].values, [1., 2., 3., 4., 5., 6.]);
        assert_eq!(arrays[0].precision, Precision::F32);
        assert_eq!(
            (&arrays[1].name[..], &arrays[1].shape[..]),
            ("0.bias", &[2][..])
        );
    }

    #[test]
    fn every_type_of_number_is_read_in_either_order_of_bytes() {
        let cases: [(&str, &[u8], f64, Precision); 14] = [
            ("f2", &[0xc0, 0x3e], 1.6875, Precision::F16),
            ("f2", &[0x01, 0x80], -(2.0_f64.powi(-24)), Precision::F16),
            ("f4", &(-2.5_f32).to_le_bytes(), -2.5, Precision::F32),
            ("f8", &0.1_f64.to_le_bytes(), 0.1, Precision::F64),
            ("i1", &[0xfe], -2.0, Precision::Integer),
            ("i2", &(-300_i16).to_le_bytes(), -300.0, Precision::Integer),
            (
                "i4",
                &(-70_000_i32).to_le_bytes(),
                -70_000.0,
                Precision::Integer,
            ),
            ("i8", &(-5_i64).to_le_bytes(), -5.0, Precision::Integer),
            ("u1", &[0xfe], 254.0, Precision::Integer),
            (
                "u2",
                &60_000_u16.to_le_bytes(),
                60_000.0,
                Precision::Integer,
            ),
            (
                "u4",
                &(1_u32 << 31).to_le_bytes(),
                2_147_483_648.0,
                Precision::Integer,
            ),
            (
                "u8",
                &(1_u64 << 63).to_le_bytes(),
                2.0_f64.powi(63),
                Precision::Integer,
            ),
            ("b1", &[1], 1.0, Precision::Integer),
            ("b1", &[0], 0.0, Precision::Integer),
        ];
        for (kind, little, value, precision) in cases {
            let big: Vec<_> = little.iter().rev().copied().collect();
            for (order, data) in [
                ("<", little),
                ("=", little),
                ("|", little),
                ("", little),
                (">", &big),
            ] {
                let read = only(&array(&format!("'{order}{kind}'"), "False", "(1,)", data));
                assert_eq!(
                    (&read.values[..], read.precision, &read.name[..]),
                    (&[value][..], precision, "arr_0"),
                    "{order}{kind}"
                );
            }
        }
    }

    #[test]
    fn every_type_of_safetensors_is_read() {
        let cases: [(Dtype, &[u8], f64, Precision); 13] = [
            (Dtype::F16, &[0xc0, 0x3e], 1.6875, Precision::F16),
            (Dtype::BF16, &[0x20, 0xc0], -2.5, Precision::Bf16),
            (Dtype::F32, &(-2.5_f32).to_le_bytes(), -2.5, Precision::F32),
            (Dtype::F64, &0.1_f64.to_le_bytes(), 0.1, Precision::F64),
            (Dtype::I8, &[0xfe], -2.0, Precision::Integer),
            (
                Dtype::I16,
                &(-3_i16).to_le_bytes(),
                -3.0,
                Precision::Integer,
            ),
            (
                Dtype::I32,
                &(-4_i32).to_le_bytes(),
                -4.0,
                Precision::Integer,
            ),
            (
                Dtype::I64,
                &(-5_i64).to_le_bytes(),
                -5.0,
                Precision::Integer,
            ),
            (Dtype::U8, &[0xfe], 254.0, Precision::Integer),
            (Dtype::U16, &6_u16.to_le_bytes(), 6.0, Precision::Integer),
            (Dtype::U32, &7_u32.to_le_bytes(), 7.0, Precision::Integer),
            (Dtype::U64, &8_u64.to_le_bytes(), 8.0, Precision::Integer),
            (Dtype::BOOL, &[1], 1.0, Precision::Integer),
        ];
        for (dtype, data, value, precision) in cases {
            let tensor = ("a".to_owned(), vec![1, 1], dtype, data.to_vec());
            let read = only(&model::container(vec![tensor], "test", String::new()));
            assert_eq!(
                (&read.values[..], read.precision, &read.shape[..]),
                (&[value][..], precision, &[1, 1][..]),
                "{dtype}"
            );
        }
    }

    #[test]
    fn a_scalar_and_an_empty_array_are_read() {
        let scalar = only(&array("'<f8'", "False", "()", &2.0_f64.to_le_bytes()));
        assert_eq!(
            (&scalar.shape[..], &scalar.values[..]),
            (&[][..], &[2.0][..])
        );
        let empty = only(&array("'<f8'", "True", "(0, 5)", &[]));
        assert_eq!(
            (&empty.shape[..], &empty.values[..]),
            (&[0, 5][..], &[][..])
        );
    }

    #[test]
    fn an_npy_file_is_named_after_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dw1.npy");
        let bytes = array("'<f8'", "False", "(1,)", &2.0_f64.to_le_bytes());
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(read(&path).unwrap().arrays[0].name, "dw1");
        let error = read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("a folder, expected"), "{error}");
    }

    #[test]
    fn what_holds_no_numbers_is_ignored_with_the_reason() {
        let number = array("'<f4'", "False", "(1,)", &[0; 4]);
        let entries = [
            ("names", array("'<U3'", "False", "(1,)", &[0; 12])),
            ("bytes", array("'|S3'", "False", "(1,)", &[0; 3])),
            (
                "objects",
                array("'|O'", "False", "(2,)", b"\x80\x04pickled"),
            ),
            ("complex", array("'<c8'", "False", "(1,)", &[0; 8])),
            ("dates", array("'<M8[ns]'", "False", "(1,)", &[0; 8])),
            ("raw", array("'|V2'", "False", "(1,)", &[0; 2])),
            ("long", array("'<f16'", "False", "(1,)", &[0; 16])),
            (
                "records",
                array("[('a', '<f4'), (\"b\", '<i4')]", "False", "(1,)", &[0; 8]),
            ),
        ];
        let reasons = [
            "it holds text",
            "it holds text",
            "it holds Python objects",
            "it holds complex numbers",
            "it holds dates",
            "its elements are of type \"|V2\": convert it with .astype(\"float32\")",
            "its elements are of type \"<f16\": convert it with .astype(\"float32\")",
            "it holds records of several fields",
        ];
        let files: Vec<_> = entries
            .iter()
            .map(|(name, _)| format!("{name}.npy"))
            .collect();
        let mut zip: Vec<_> = files
            .iter()
            .map(|name| &name[..])
            .zip(entries.iter().map(|(_, bytes)| &bytes[..]))
            .collect();
        let error = from_bytes(&zip_of(&zip)).unwrap_err();
        assert_eq!(
            error,
            format!(
                "no array of numbers in it (names: it holds text; 7 more): save the gradients with `{}`",
                foreign::SAVEZ
            )
        );
        zip.push(("0.bias.npy", &number));
        zip.push(("__MACOSX/._0.bias.npy", b"\x00\x05\x16\x07"));
        zip.push(("notes.txt", b"mine"));
        let read = from_bytes(&zip_of(&zip)).unwrap();
        assert_eq!(read.arrays.len(), 1);
        for ((found, (name, _)), why) in read.ignored.iter().zip(&entries).zip(reasons) {
            assert_eq!((&found.0[..], &found.1[..]), (*name, why));
        }
        let others = &read.ignored[entries.len()..];
        assert!(
            others
                .iter()
                .all(|(_, why)| why == "it is not an array of NumPy"),
            "{others:?}"
        );
        assert_eq!(others.len(), 2);

        let objects = from_bytes(&entries[2].1).unwrap_err();
        assert!(objects.contains("(arr_0: it holds Python objects): save the gradients with `np.savez(\"grads.npz\", **{\"0.weight\": dw1,"), "{objects}");
    }

    #[test]
    fn files_of_other_kinds_are_named_and_the_line_to_save_them_is_given() {
        let torch = zip_of(&[("archive/data.pkl", b"\x80\x02"), ("archive/data/0", b"")]);
        let word = zip_of(&[("[Content_Types].xml", b"<xml/>")]);
        let keras = zip_of(&[("metadata.json", b"{}"), ("model.weights.h5", b"")]);
        let photos = zip_of(&[("holiday.jpg", b"")]);
        let old = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e\x80\x02M";
        let ordered = b"\x80\x02ccollections\nOrderedDict\nq\x00ctorch._utils\n_rebuild";
        let cases: [(&[u8], &str, &str); 18] = [
            (
                &torch,
                "a file of torch.save",
                "p.grad.contiguous() for name, p in",
            ),
            (old, "a file of torch.save", "p.grad.numpy() for name, p in"),
            (
                ordered,
                "a file of torch.save",
                "safetensors.torch.save_file(",
            ),
            (
                b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00}",
                "a Python pickle (protocol 4)",
                "np.savez(",
            ),
            (b"\x89HDF\r\n\x1a\n\x00\x00", "an HDF5 file", "np.savez("),
            (
                b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
                "packed with gzip",
                "gunzip",
            ),
            (
                b"MATLAB 5.0 MAT-file, Platform: GLNXA64",
                "a file of MATLAB",
                "np.savez(",
            ),
            (b"0.1, 0.2, 0.3\n", "text", "np.savez("),
            (b"{\"w1\": [[0.1, 0.2]]}", "text", "np.savez("),
            (b"\xef\xbb\xbfw1;w2\r\n1,0;2,0\r\n", "text", "np.savez("),
            (b"", "an empty file", "np.savez("),
            (&word, "a document of Word", "np.savez("),
            (&keras, "a model of Keras", "np.savez("),
            (
                &photos,
                "the first of which is \"holiday.jpg\"",
                "np.savez(",
            ),
            (&zip_of(&[]), "an empty .npz file", "np.savez("),
            (&[0; 64], "neither a .safetensors file nor", "np.savez("),
            (
                b"\x80\x02\x00\x00\x00\x00\x00\x00{\"",
                "neither a .safetensors file nor",
                "np.savez(",
            ),
            (
                &model::container(vec![], "test", String::new()),
                "no arrays in it",
                "np.savez(",
            ),
        ];
        for (bytes, what, line) in cases {
            let fault = from_bytes(bytes).unwrap_err();
            assert!(
                fault.contains(what) && fault.contains(line),
                "{what}: {fault}"
            );
        }
    }

    #[test]
    fn all_arrays_together_may_only_be_so_large() {
        let four = array("'|b1'", "False", "(4,)", &[0; 4]);
        let mut left = Left {
            bytes: 14,
            elements: 5,
        };
        assert!(npy::read(&four[..], "a", &mut left).is_ok());
        let error = npy::read(&four[..], "b", &mut left).unwrap_err();
        assert!(error.contains("numbers in the file"), "{error}");
        left.elements = 50;
        assert!(npy::read(&four[..], "b", &mut left).is_ok());
        let error = npy::read(&four[..], "c", &mut left).unwrap_err();
        assert!(error.contains("when unpacked"), "{error}");
        // The header alone is enough to know.
        let header = array("'<f8'", "False", "(134217729,)", &[]);
        let error = npy::read(&header[..], "a", &mut Left::default()).unwrap_err();
        assert!(error.contains("when unpacked"), "{error}");
        // A bool has one byte here and eight afterwards.
        let many = MAX_ELEMENTS / 2 + 1;
        let half = array("'|b1'", "False", &format!("({many},)"), &vec![0; many]);
        let mut left = Left::default();
        left.take_elements(MAX_ELEMENTS / 2).unwrap();
        assert!(npy::read(&half[..], "a", &mut left).is_err());
    }

    #[test]
    fn arrays_by_columns_are_turned() {
        let values = [1.0_f64, 4., 2., 5., 3., 6.];
        let data: Vec<_> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let values = |shape: &str| only(&array("'<f8'", "True", shape, &data)).values;
        assert_eq!(values("(2, 3)"), [1., 2., 3., 4., 5., 6.]);
        assert_eq!(values("(3,1,2)"), [1., 5., 4., 3., 2., 6.]);
    }

    #[test]
    fn headers_that_are_wrong_are_errors() {
        let good = "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }";
        assert!(from_bytes(&npy(good, &[0; 48])).is_ok());
        for (from, to) in [
            ("(2, 3)", "(9, 9)"),
            ("(2, 3)", "(-2,3)"),
            ("(2, 3)", "(2, 3"),
            ("(2, 3)", "6"),
            ("(2, 3)", "(4294967296, 4294967296, 4294967296)"),
            ("<f8", "<i4"),
            ("'<f8'", "8"),
            ("'shape'", "'shap_'"),
            ("'descr'", "'desc'"),
            ("True", "1"),
            ("}", ""),
        ] {
            let header = good.replace(from, to);
            assert!(from_bytes(&npy(&header, &[0; 48])).is_err(), "{to}");
        }
        let mut version = npy(good, &[0; 48]);
        version[6] = 9;
        assert!(from_bytes(&version).unwrap_err().contains("version 9"));
    }

    #[test]
    fn a_file_cut_off_anywhere_is_an_error() {
        let single = array("'<f8'", "False", "(2,)", &[0; 16]);
        let tensors = vec![tensor("a", &[2], &[1., 2.])];
        for bytes in [
            two(),
            single,
            model::container(tensors, "test", String::new()),
        ] {
            assert!(from_bytes(&bytes).is_ok());
            for length in 0..bytes.len() {
                assert!(from_bytes(&bytes[..length]).is_err(), "{length} bytes");
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(at in 0_usize..600, byte: u8) {
            let mut bytes = two();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = from_bytes(&bytes);
            let _ = npy::read(&bytes[at..], "a", &mut Left::default());
            let mut single = array("'>f8'", "True", "(2, 3)", &[0; 48]);
            let at = at % single.len();
            single[at] = byte;
            let _ = from_bytes(&single);
        }
    }
}
