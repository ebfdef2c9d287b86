//! The beginning of a safetensors file, which says what the rest must be: a file that cannot be used is refused
//! before it is read whole.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use safetensors::{SafeTensorError, SafeTensors, tensor::Metadata as Container};

use crate::regular_file;

use super::{
    Dtype, Fault, Float, KEY, MAX_BYTES, Metadata, Model, ModelError, from_bytes, metadata_from,
    shapes, without,
};

/// The longest header that is read: names and shapes of the most tensors take a tenth of it.
const MAX_HEADER: u64 = 16 << 20;
/// The length of the header comes before it, in so many bytes.
const LENGTH: u64 = 8;

/// A model file of which only the header has been read: all that is known of the network but its parameters.
pub struct Header {
    /// What is known about the network.
    pub metadata: Metadata,
    begun: Begun,
}

/// Reads the header of a model file, and checks that the rest of the file can be what it says.
pub fn header(path: &Path) -> Result<Header, ModelError> {
    let file = regular_file::open(path).map_err(io(path))?;
    let begun = Begun::read(file, path, MAX_BYTES)?;
    let metadata = begun.model().map_err(fault(path))?;
    Ok(Header { metadata, begun })
}

impl Header {
    /// Reads the parameters. Takes at most 4 times the bytes of the file as `f32`, 7 times as `f64`.
    pub fn load<F: Float>(self) -> Result<Model<F>, ModelError> {
        let path = self.begun.path.clone();
        let bytes = self.begun.rest()?;
        from_bytes(&bytes).map_err(fault(&path))
    }
}

/// A safetensors file of which only the header has been read.
pub(crate) struct Begun {
    path: PathBuf,
    file: File,
    /// What has been read.
    bytes: Vec<u8>,
    container: Container,
}

impl Begun {
    /// Reads the header of a file of at most `most` bytes, and checks that the file is as long as it says.
    pub(crate) fn read(file: File, path: &Path, most: u64) -> Result<Self, ModelError> {
        let fault = fault(path);
        let meta = file.metadata().map_err(io(path))?;
        // A pipe has no length.
        let length = meta.is_file().then_some(meta.len());
        if let Some(length) = length.filter(|&length| length > most) {
            return Err(fault(Fault::TooLarge { length, most }));
        }
        let mut bytes = Vec::new();
        let read = |bytes: &mut Vec<u8>, count| {
            let read = (&file).take(count).read_to_end(bytes);
            read.map_err(io(path))
        };
        read(&mut bytes, LENGTH)?;
        if bytes.is_empty() {
            return Err(fault(Fault::Empty));
        }
        let header = bytes[..].try_into().map_or(0, u64::from_le_bytes);
        if header <= MAX_HEADER {
            read(&mut bytes, header)?;
        }
        let container = container(&bytes, header).map_err(|e| fault(Fault::Container(e)))?;
        let expected = bytes.len() as u64 + container.data_len() as u64;
        if expected > most {
            let length = expected;
            return Err(fault(Fault::TooLarge { length, most }));
        }
        if length.is_some_and(|length| length != expected) {
            let error = SafeTensorError::MetadataIncompleteBuffer;
            return Err(fault(Fault::Container(error)));
        }
        Ok(Self {
            path: path.into(),
            file,
            bytes,
            container,
        })
    }

    /// The value of `key` in the metadata.
    pub(crate) fn json(&self, key: &'static str) -> Result<&str, Fault> {
        let metadata = self.container.metadata().as_ref();
        let json = metadata.and_then(|metadata| metadata.get(key));
        json.map(String::as_str)
            .ok_or_else(|| without(key, metadata))
    }

    /// The number of tensors.
    pub(crate) fn count(&self) -> usize {
        self.container.offset_keys().len()
    }

    /// The element type and the shape of a tensor.
    pub(crate) fn tensor(&self, name: &str) -> Result<(Dtype, &[usize]), Fault> {
        let info = self.container.info(name);
        let info = info.ok_or_else(|| Fault::Missing(name.to_owned()))?;
        Ok((info.dtype, &info.shape))
    }

    /// Checks that there is a tensor of this name and shape, of a type that parameters may have.
    pub(crate) fn check(&self, name: &str, expected: &[usize]) -> Result<(), Fault> {
        let (name, (dtype, found)) = (name.to_owned(), self.tensor(name)?);
        match dtype {
            Dtype::F32 | Dtype::F16 | Dtype::BF16 if found == expected => Ok(()),
            Dtype::F32 | Dtype::F16 | Dtype::BF16 => Err(Fault::Shape {
                name,
                found: found.to_vec(),
                expected: expected.to_vec(),
            }),
            found => Err(Fault::Dtype { name, found }),
        }
    }

    /// The metadata of a model, to which all tensors fit.
    fn model(&self) -> Result<Metadata, Fault> {
        let metadata = metadata_from(self.json(KEY)?)?;
        let layers = metadata.architecture.layers.len() - 1;
        let (found, expected) = (self.count(), 2 * layers);
        if found != expected {
            return Err(Fault::Count {
                found,
                expected,
                layers,
            });
        }
        for (name, shape) in shapes(&metadata.architecture) {
            self.check(&name, &shape)?;
        }
        Ok(metadata)
    }

    /// All bytes of the file. One that grows meanwhile is not read further.
    pub(crate) fn rest(self) -> Result<Vec<u8>, ModelError> {
        let Self {
            path,
            file,
            mut bytes,
            container,
        } = self;
        let length = container.data_len();
        // Room for the whole at once: doubling would take half as much again. One byte more shows what follows.
        let room = bytes.try_reserve_exact(length + 1);
        room.map_err(|_| io(&path)(io::ErrorKind::OutOfMemory.into()))?;
        let read = file.take(length as u64 + 1).read_to_end(&mut bytes);
        read.map_err(io(&path))?;
        Ok(bytes)
    }
}

/// The names and shapes in a header, which comes after its length in `bytes`.
fn container(bytes: &[u8], header: u64) -> Result<Container, SafeTensorError> {
    if header > MAX_HEADER {
        return Err(SafeTensorError::HeaderTooLarge);
    }
    match SafeTensors::read_metadata(bytes) {
        Ok((_, container)) => Ok(container),
        // As it must be: the tensors have not been read yet.
        Err(SafeTensorError::MetadataIncompleteBuffer) => {
            let header = serde_json::from_slice(&bytes[LENGTH as usize..]);
            header.map_err(SafeTensorError::InvalidHeaderDeserialization)
        }
        Err(error) => Err(error),
    }
}

fn io(path: &Path) -> impl Fn(io::Error) -> ModelError + '_ {
    |error| ModelError::Io {
        path: path.into(),
        error,
    }
}

fn fault(path: &Path) -> impl Fn(Fault) -> ModelError + '_ {
    |fault| ModelError::Fault {
        path: path.into(),
        fault,
    }
}
