//! Files of other programs: what they are, and the one line that converts them.

use std::path::{Path, PathBuf};

use super::{
    roles::{Split, role},
    source::{Start, zip_names},
};

/// What only other programs read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Foreign {
    Pickle,
    Torch,
    /// A file of MATLAB; `new` are those that are HDF5 inside.
    Matlab {
        new: bool,
    },
    Parquet,
    Hdf5,
    TfRecord,
    Arrow,
    Tar,
    Zip,
    /// Packed with another program than gzip, which unpacks it.
    Packed(&'static str),
    /// CIFAR, in colour.
    Cifar,
    /// Something that is no data at all, such as a web page.
    Page(&'static str),
}

/// What a file is, if it is one of these.
pub(super) fn recognise(path: &Path, start: &Start) -> Option<Foreign> {
    let name = file_name(path).to_lowercase();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    let bytes = &start.bytes[..];
    let ends = |endings: &[&str]| endings.iter().any(|ending| plain.ends_with(ending));
    let pickled = matches!(bytes, [0x80, 2..=5, ..]);
    let in_folder = |start: &str| {
        path.parent()
            .and_then(Path::file_name)
            .is_some_and(|folder| folder.to_string_lossy().starts_with(start))
    };
    if name.starts_with("cifar")
        || (pickled || name.ends_with(".bin"))
            && (name.starts_with("data_batch_") || in_folder("cifar"))
    {
        return Some(Foreign::Cifar);
    }
    Some(if bytes.starts_with(b"\x89HDF\r\n\x1a\n") {
        match ends(&[".mat"]) {
            true => Foreign::Matlab { new: true },
            false => Foreign::Hdf5,
        }
    } else if bytes.starts_with(b"MATLAB 7.3") {
        Foreign::Matlab { new: true }
    } else if bytes.starts_with(b"MATLAB ") {
        Foreign::Matlab { new: false }
    } else if bytes.starts_with(b"PAR1") {
        Foreign::Parquet
    } else if bytes.starts_with(b"ARROW1") || ends(&[".arrow", ".feather"]) {
        Foreign::Arrow
    } else if plain.contains(".tfrecord") {
        Foreign::TfRecord
    } else if bytes.get(257..262) == Some(b"ustar") || ends(&[".tar", ".tgz"]) {
        Foreign::Tar
    } else if bytes.starts_with(b"PK\x03\x04") {
        let names = zip_names(path);
        let torch = |name: &String| name == "data.pkl" || name.ends_with("/data.pkl");
        match names.iter().any(torch) {
            true => Foreign::Torch,
            false => Foreign::Zip,
        }
    } else if pickled || ends(&[".pkl", ".pickle", ".pck"]) {
        let torch = ends(&[".pt", ".pth"])
            || bytes
                .get(2..)
                .is_some_and(|rest| rest.starts_with(b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"));
        match torch {
            true => Foreign::Torch,
            false => Foreign::Pickle,
        }
    } else if ends(&[".pt", ".pth"]) {
        Foreign::Torch
    } else if bytes.starts_with(b"\xfd7zXZ\0") {
        Foreign::Packed("unxz -k")
    } else if bytes.starts_with(b"BZh") {
        Foreign::Packed("bunzip2 -k")
    } else if bytes.starts_with(b"\x28\xb5\x2f\xfd") {
        Foreign::Packed("unzstd")
    } else if bytes.starts_with(b"7z\xbc\xaf\x27\x1c") {
        Foreign::Packed("7z x")
    } else if bytes.starts_with(b"<!DOCTYPE")
        || bytes.starts_with(b"<html")
        || bytes.starts_with(b"<!doctype")
    {
        Foreign::Page("a web page, not the data: the download gave an error or a page in its place")
    } else if bytes.starts_with(b"version https://git-lfs") {
        Foreign::Page("a pointer of git-lfs, not the data: `git lfs pull` gets the data")
    } else {
        return None;
    })
}

impl Foreign {
    /// What it is, in words.
    pub(super) fn what(&self) -> &'static str {
        match self {
            Self::Pickle => "a Python pickle, which only Python can read",
            Self::Torch => "a file of torch.save, which only PyTorch can read",
            Self::Matlab { .. } => "a file of MATLAB",
            Self::Parquet => "a Parquet file, as Hugging Face has them",
            Self::Hdf5 => "an HDF5 file",
            Self::TfRecord => "a TFRecord file, as TensorFlow has them",
            Self::Arrow => "an Arrow file, as Hugging Face's datasets keeps them",
            Self::Tar => "a tar archive",
            Self::Zip => "a zip archive",
            Self::Packed(_) => "a packed file",
            Self::Cifar => "CIFAR",
            Self::Page(what) => what,
        }
    }

    /// The line for a shell that makes a data set of the file; none if nothing does.
    pub(super) fn convert(&self, path: &Path) -> Option<String> {
        let name = file_name(path).to_lowercase();
        let stem = stem(path);
        let npz = python(&stem.with_extension_added("npz"));
        let file = python(path);
        let split = match role(&name).split {
            Some(Split::Test) => "test",
            Some(Split::Valid) => "val",
            _ => "train",
        };
        let (x, y) = (format!("x_{split}"), format!("y_{split}"));
        let code = match self {
            // MNIST of deeplearning.net: three pairs, of which the second are the last 10,000 training images.
            Self::Pickle if name.starts_with("mnist.pkl") => format!(
                "import gzip,pickle,numpy as np; (a,b),(c,d),(e,f)=pickle.load({},encoding=\"latin1\"); \
                 np.savez_compressed({npz},x_train=np.r_[a,c],y_train=np.r_[b,d],x_test=e,y_test=f)",
                opener(&name, &file)
            ),
            Self::Pickle => format!(
                "import gzip,pickle,numpy as np; d=pickle.load({},encoding=\"latin1\"); \
                 d=[d] if not isinstance(d,dict) and np.ndim(d[1])==1 else d; \
                 n=[\"x_train\",\"y_train\"]+[\"x_val\",\"y_val\"]*(len(d)==3)+[\"x_test\",\"y_test\"]; \
                 np.savez_compressed({npz},**(d if isinstance(d,dict) else dict(zip(n,[a for p in d for a in p]))))",
                opener(&name, &file)
            ),
            Self::Torch => format!(
                "import torch,numpy as np; d=torch.load({file}); \
                 np.savez_compressed({npz},**({{k:v.numpy() for k,v in d.items()}} if isinstance(d,dict) \
                 else {{\"{x}\":d[0].numpy(),\"{y}\":d[1].numpy()}}))"
            ),
            Self::Matlab { new: false } if name.starts_with("emnist") => format!(
                "import scipy.io,numpy as np; d=scipy.io.loadmat({file},simplify_cells=True)[\"dataset\"]; \
                 u=lambda s:d[s][\"images\"].reshape(-1,28,28).transpose(0,2,1); \
                 np.savez_compressed({npz},x_train=u(\"train\"),y_train=d[\"train\"][\"labels\"],\
                 x_test=u(\"test\"),y_test=d[\"test\"][\"labels\"])"
            ),
            Self::Matlab { new: false } => format!(
                "import scipy.io,numpy as np; np.savez_compressed({npz},\
                 **{{k:np.squeeze(v) for k,v in scipy.io.loadmat({file}).items() if k[0]!=\"_\"}})"
            ),
            // MATLAB stores the first axis as the fastest one, so h5py sees every array transposed.
            Self::Matlab { new: true } => format!(
                "import h5py,numpy as np; f=h5py.File({file}); np.savez_compressed({npz},\
                 **{{k:np.squeeze(v[()].T) for k,v in f.items() if isinstance(v,h5py.Dataset)}})"
            ),
            Self::Hdf5 => format!(
                "import h5py,numpy as np; z={{}}; h5py.File({file}).visititems(lambda k,v: \
                 z.update({{k.replace(\"/\",\"_\"):v[()]}}) if isinstance(v,h5py.Dataset) else None); \
                 np.savez_compressed({npz},**z)"
            ),
            Self::Parquet => format!(
                "import io,pandas as pd,numpy as np; from PIL import Image; d=pd.read_parquet({file}); \
                 np.savez_compressed({npz},{x}=np.stack([np.array(Image.open(io.BytesIO(i[\"bytes\"])).convert(\"L\")) \
                 for i in d[\"image\"]]),{y}=d[\"label\"].to_numpy())"
            ),
            Self::Arrow => format!(
                "import datasets,numpy as np; d=datasets.Dataset.from_file({file}); \
                 np.savez_compressed({npz},{x}=np.stack([np.array(i.convert(\"L\")) for i in d[\"image\"]]),\
                 {y}=np.array(d[\"label\"]))"
            ),
            Self::TfRecord => format!(
                "import tensorflow as tf,numpy as np; \
                 r=[tf.train.Example.FromString(e.numpy()).features.feature for e in tf.data.TFRecordDataset({file})]; \
                 np.savez_compressed({npz},{x}=np.stack([tf.io.decode_image(v[\"image\"].bytes_list.value[0],channels=1)\
                 .numpy()[:,:,0] for v in r]),{y}=np.array([v[\"label\"].int64_list.value[0] for v in r]))"
            ),
            Self::Tar => {
                let folder = quoted(&stem.display().to_string());
                return Some(format!(
                    "mkdir -p {folder} && tar -xf {} -C {folder}",
                    quoted(&path.display().to_string())
                ));
            }
            Self::Zip => {
                return Some(format!(
                    "unzip {} -d {}",
                    quoted(&path.display().to_string()),
                    quoted(&stem.display().to_string())
                ));
            }
            Self::Packed(program) => {
                return Some(format!("{program} {}", quoted(&path.display().to_string())));
            }
            Self::Cifar | Self::Page(_) => return None,
        };
        Some(format!("python3 -c {}", quoted(&code)))
    }
}

/// What opens a pickle.
fn opener(name: &str, file: &str) -> String {
    match name.ends_with(".gz") {
        true => format!("gzip.open({file})"),
        false => format!("open({file},\"rb\")"),
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// The path without the endings that say how the file is stored.
fn stem(path: &Path) -> PathBuf {
    let mut name = file_name(path);
    for ending in [
        ".gz", ".xz", ".bz2", ".tgz", ".tar", ".zip", ".pkl", ".pickle", ".pck", ".pt", ".pth",
        ".mat", ".h5", ".hdf5", ".parquet", ".arrow", ".feather",
    ] {
        if name.len() > ending.len() && name.to_lowercase().ends_with(ending) {
            name.truncate(name.len() - ending.len());
        }
    }
    // An archive without an ending is not unpacked into itself.
    if name == file_name(path) {
        name.push_str("-unpacked");
    }
    path.with_file_name(name)
}

trait AddExtension {
    fn with_extension_added(&self, extension: &str) -> PathBuf;
}

impl AddExtension for Path {
    fn with_extension_added(&self, extension: &str) -> PathBuf {
        let mut path = self.as_os_str().to_owned();
        path.push(".");
        path.push(extension);
        path.into()
    }
}

/// A path as a string of Python.
fn python(path: &Path) -> String {
    let text = path.display().to_string();
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A text as one word for a shell.
pub(super) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
