//! Pictures, wherever they come from.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, bail, ensure};
use mlp::{
    data::{
        Spec,
        photo::{self, Frame, Gray, Prepared},
    },
    files::dataset::{self, Loose},
    regular_file,
};

use crate::cli::terminal::output::{note, thousands};

/// A picture, ready for a network.
pub struct Input {
    /// What it is called.
    pub name: String,
    /// The file that is this picture.
    pub path: Option<PathBuf>,
    /// Grey values of the size that the network takes, row by row.
    pub pixels: Vec<u8>,
    /// How they came about, unless they were taken as they are.
    pub prepared: Option<Prepared>,
    /// The label that came with it.
    pub label: Option<u8>,
}

/// How pictures are read.
#[derive(Clone, Copy)]
pub struct How {
    /// The label that a network tells from all others, if it tells but one.
    pub positive: Option<u8>,
    /// Whether they are taken as they are.
    pub raw: bool,
    /// Whether the picture after each step of the preparation is kept.
    pub keep_steps: bool,
}

/// Where pictures may be.
pub enum Source {
    /// `-`
    Standard,
    File(PathBuf),
}

/// Whether a file begins like a model: the length of a header, then the header.
pub fn is_model(path: &Path) -> bool {
    let mut start = [0; 9];
    let read = regular_file::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start[8] == b'{' && start[4..8] == [0; 4]
}

/// Every file, and those in folders in the order of their names; what is no picture by its name is left out there.
pub fn list(paths: &[PathBuf]) -> Vec<anyhow::Result<Source>> {
    let mut found = Vec::new();
    for path in paths {
        if path == Path::new("-") {
            found.push(Ok(Source::Standard));
        } else if path.is_dir() {
            match folder(path) {
                Ok(files) => found.extend(files.into_iter().map(|file| Ok(Source::File(file)))),
                Err(error) => found.push(Err(error)),
            }
        } else {
            found.push(Ok(Source::File(path.clone())));
        }
    }
    found
}

/// The pictures of a folder and of those in it.
fn folder(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let (mut pictures, mut others, mut open) = (Vec::new(), 0, vec![path.to_owned()]);
    while let Some(dir) = open.pop() {
        let entries = fs::read_dir(&dir).with_context(|| dir.display().to_string())?;
        for entry in entries {
            let path = entry.with_context(|| dir.display().to_string())?.path();
            let hidden = path
                .file_name()
                .is_some_and(|n| n.to_string_lossy().starts_with('.'));
            match () {
                _ if hidden => {}
                // A link may lead back up.
                _ if path.is_dir() && !path.is_symlink() => open.push(path),
                _ if is_picture(&path) => pictures.push(path),
                _ => others += 1,
            }
        }
    }
    ensure!(
        !pictures.is_empty(),
        "{}: no pictures in this folder, by their names",
        path.display()
    );
    if others > 0 {
        note(format_args!(
            "{}: {} files are no pictures by their names, and left out",
            path.display(),
            thousands(others)
        ));
    }
    pictures.sort_by_cached_key(|path| natural(path));
    Ok(pictures)
}

/// A name by which 2.png comes before 10.png.
fn natural(path: &Path) -> Vec<(u64, String)> {
    let text = path.to_string_lossy();
    let mut parts = Vec::new();
    let mut rest = &text[..];
    while !rest.is_empty() {
        let words = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let digits = rest[words..].find(|c: char| !c.is_ascii_digit());
        let end = digits.map_or(rest.len(), |digits| words + digits);
        let number = rest[words..end].parse().unwrap_or(0);
        // What stands before a number counts first.
        parts.push((0, rest[..words].to_owned()));
        parts.push((number, rest[words..end].to_owned()));
        rest = &rest[end..];
    }
    parts
}

pub fn is_picture(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    photo::is_picture_name(&name.to_string_lossy())
}

impl Source {
    /// The pictures in it. An error names it.
    pub fn read(&self, spec: &Spec, how: How) -> anyhow::Result<Vec<Input>> {
        let name = match self {
            Self::Standard => "standard input".to_owned(),
            Self::File(path) => path.display().to_string(),
        };
        let path = match self {
            Self::Standard => None,
            Self::File(path) => Some(path.clone()),
        };
        if let Some(path) = &path
            && let Some(loose) = dataset::loose(path).map_err(|error| anyhow!("{error}"))?
        {
            return many(&name, loose, spec, how);
        }
        let bytes = match &path {
            None => read(io::stdin().lock()),
            Some(path) => read_file(path),
        };
        let bytes = bytes.with_context(|| name.clone())?;
        let grey = photo::decode(&bytes).with_context(|| name.clone())?;
        Ok(vec![one(name, path, grey, None, spec, how)?])
    }
}

fn read_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let kind = fs::metadata(path)?;
    ensure!(
        kind.is_file(),
        "neither a file nor a folder: give - and the picture on standard input"
    );
    read(regular_file::open(path)?)
}

/// All of a stream, if it is no longer than a picture may be.
fn read(stream: impl Read) -> anyhow::Result<Vec<u8>> {
    let most = photo::MAX_BYTES as u64;
    let mut bytes = Vec::new();
    stream.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        bail!(
            "more than {} bytes, expected a picture of at most that",
            thousands(most)
        );
    }
    Ok(bytes)
}

/// The images of a file that holds many.
fn many(name: &str, loose: Loose, spec: &Spec, how: How) -> anyhow::Result<Vec<Input>> {
    let Loose {
        images,
        labels,
        rows,
        cols,
    } = loose;
    ensure!(!images.is_empty(), "{name}: no images in it");
    let mut inputs = Vec::new();
    for (n, image) in images.rows().into_iter().enumerate() {
        let grey = Gray::new(rows, cols, image.to_vec());
        // As they are if they have the size: not even the border is looked at.
        let raw = how.raw || (rows, cols) == (spec.rows, spec.cols);
        let how = How { raw, ..how };
        let label = labels.as_ref().map(|labels| match how.positive {
            Some(positive) => u8::from(labels[n] == positive),
            None => labels[n],
        });
        inputs.push(one(format!("{name}[{n}]"), None, grey, label, spec, how)?);
    }
    Ok(inputs)
}

fn one(
    name: String,
    path: Option<PathBuf>,
    grey: Gray,
    label: Option<u8>,
    spec: &Spec,
    how: How,
) -> anyhow::Result<Input> {
    if !how.raw {
        let mut prepared = photo::prepare(
            &grey,
            Frame {
                rows: spec.rows,
                cols: spec.cols,
            },
        );
        if !how.keep_steps {
            // A folder of photographs would not fit the memory.
            for step in &mut prepared.steps {
                step.picture = Gray::default();
            }
        }
        return Ok(Input {
            name,
            path,
            pixels: prepared.pixels.clone(),
            prepared: Some(prepared),
            label,
        });
    }
    ensure!(
        (grey.rows, grey.cols) == (spec.rows, spec.cols),
        "{name}: {}x{} pixels, and --raw takes pictures of the model's size, {}x{}: leave out --raw",
        grey.cols,
        grey.rows,
        spec.cols,
        spec.rows
    );
    Ok(Input {
        name,
        path,
        pixels: grey.pixels,
        prepared: None,
        label,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_the_order_of_their_numbers() {
        let mut names = ["10.png", "2.png", "a2b10.png", "a2b9.png", "1.png"].map(PathBuf::from);
        names.sort_by_cached_key(|path| natural(path));
        let expected = ["1.png", "2.png", "10.png", "a2b9.png", "a2b10.png"];
        assert_eq!(names, expected.map(PathBuf::from));
    }
}
