//! Reads the reference values in tests/golden.

use std::{fs, path::PathBuf};

use ndarray::Array2;
use safetensors::{Dtype, SafeTensors};

/// A file of reference values.
pub struct Golden(Vec<u8>);

impl Golden {
    /// `tests/golden/{name}.safetensors`
    pub fn open(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join(format!("tests/golden/{name}.safetensors"));
        Self(fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
    }

    /// The name of every file.
    pub fn names() -> Vec<String> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        let files = fs::read_dir(folder).expect("a folder of reference values");
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names
            .filter_map(|name| Some(name.strip_suffix(".safetensors")?.to_owned()))
            .collect();
        names.sort();
        names
    }

    /// Which script made it, and of what.
    pub fn made_by(&self) -> String {
        let (_, header) = SafeTensors::read_metadata(&self.0).expect("a safetensors file");
        let notes = header.metadata().as_ref().expect("a file with a note");
        notes["made_by"].clone()
    }

    fn numbers(&self, name: &str) -> Option<(Vec<usize>, Dtype, Vec<[u8; 8]>)> {
        let file = SafeTensors::deserialize(&self.0).expect("a safetensors file");
        let tensor = file.tensor(name).ok()?;
        let (elements, rest) = tensor.data().as_chunks::<8>();
        assert!(rest.is_empty(), "{name}: elements of 8 bytes");
        Some((tensor.shape().to_vec(), tensor.dtype(), elements.to_vec()))
    }

    /// A tensor as a matrix: a vector becomes one row, and leading axes become one.
    pub fn get(&self, name: &str) -> Option<Array2<f64>> {
        let (shape, dtype, elements) = self.numbers(name)?;
        assert_eq!(dtype, Dtype::F64, "{name}");
        let columns = *shape.last().expect("at least a vector");
        let elements: Vec<_> = elements.into_iter().map(f64::from_le_bytes).collect();
        Some(Array2::from_shape_vec((elements.len() / columns, columns), elements).unwrap())
    }

    /// A tensor of classes, flattened.
    pub fn classes(&self, name: &str) -> Vec<u8> {
        let (_, dtype, elements) = self
            .numbers(name)
            .unwrap_or_else(|| panic!("no tensor {name}"));
        assert_eq!(dtype, Dtype::I64, "{name}");
        elements
            .into_iter()
            .map(|e| u8::try_from(i64::from_le_bytes(e)).unwrap())
            .collect()
    }
}
