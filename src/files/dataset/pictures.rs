//! A folder with one folder of pictures for each class.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    thread,
};

use super::{
    DatasetError, Labels,
    assemble::Images,
    error::unreadable,
    foreign::quoted,
    numbers::{ImageShape, MAX_BYTES, Numbers},
    roles::{self, Split},
};
use crate::{
    data::{
        MAX_CLASSES, MAX_SIDE,
        photo::{self, Gray},
    },
    files::arrays::Number,
    regular_file,
};

/// The most files of a data set.
const MAX_FILES: usize = 2_000_000;
/// The most bytes of a picture's file.
const MAX_PICTURE: u64 = 64 << 20;

/// The folders of one part of a data set, a class each, sorted by their names.
#[derive(Clone, Debug)]
pub(super) struct Folders {
    pub(super) split: Option<Split>,
    pub(super) dir: PathBuf,
    pub(super) classes: Vec<PathBuf>,
}

/// The folders of pictures in `dir`: classes, or classes in folders such as `train` and `test`.
pub(super) fn find(dir: &Path) -> Result<Vec<Folders>, DatasetError> {
    let mut parts = Vec::new();
    for folder in subfolders(dir)? {
        let Some(split) = roles::folder(&name(&folder)) else {
            continue;
        };
        let classes = classes(&folder)?;
        if !classes.is_empty() {
            parts.push(Folders {
                split: Some(split),
                dir: folder,
                classes,
            });
        }
    }
    if !parts.is_empty() {
        parts.sort_by_key(|part| part.split);
        return Ok(parts);
    }
    let classes = classes(dir)?;
    if !classes.is_empty() {
        parts.push(Folders {
            split: None,
            dir: dir.to_owned(),
            classes,
        });
    }
    Ok(parts)
}

/// The folders with pictures in them.
fn classes(dir: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let mut classes = subfolders(dir)?;
    classes.retain(|folder| has_picture(folder));
    Ok(classes)
}

fn has_picture(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    entries
        .take(1000)
        .flatten()
        .any(|entry| photo::is_picture_name(&entry.file_name().to_string_lossy()))
}

/// The folders in a folder, without hidden ones, numbers sorted as numbers.
fn subfolders(dir: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(dir).map_err(unreadable(dir))?.take(MAX_FILES) {
        let path = entry.map_err(unreadable(dir))?.path();
        if !name(&path).starts_with('.') && path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort_by_cached_key(|path| sort_key(&name(path)));
    Ok(folders)
}

/// Numbers come first, in their order, then words, as in torchvision's `ImageFolder` where all numbers have as many
/// digits.
pub(super) fn sort_key(name: &str) -> (u64, String) {
    let number = name.parse().unwrap_or(u64::MAX);
    (number, name.to_owned())
}

/// The name of a file or folder.
pub(super) fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// The part in words, for a report.
pub(super) fn describe(part: &Folders) -> String {
    let names: Vec<_> = part.classes.iter().map(|class| name(class)).collect();
    let more = if names.len() > 5 { ", …" } else { "" };
    format!(
        "pictures: {} folders, a class each: {}{more}",
        names.len(),
        names[..names.len().min(5)].join(", ")
    )
}

/// Reads all pictures of a part.
pub(super) fn read(
    part: &Folders,
    notes: &mut Vec<String>,
) -> Result<(Images, Labels), DatasetError> {
    if part.classes.len() > MAX_CLASSES {
        return Err(DatasetError::fault(
            &part.dir,
            format!(
                "{} folders, expected at most {MAX_CLASSES} classes",
                part.classes.len()
            ),
        ));
    }
    let mut files = Vec::new();
    let mut indices = Vec::new();
    let mut skipped = Vec::new();
    for (class, folder) in part.classes.iter().enumerate() {
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(unreadable(folder))? {
            let path = entry.map_err(unreadable(folder))?.path();
            let file = name(&path);
            if file.starts_with('.') {
                continue;
            }
            if !photo::is_picture_name(&file) || path.is_dir() {
                skipped.push(path);
                continue;
            }
            paths.push(path);
            if files.len() + paths.len() > MAX_FILES {
                return Err(DatasetError::fault(
                    &part.dir,
                    format!("more than {MAX_FILES} pictures, expected at most so many"),
                ));
            }
        }
        paths.sort();
        indices.resize(indices.len() + paths.len(), class as u16);
        files.append(&mut paths);
    }
    if let Some(first) = skipped.first() {
        notes.push(format!(
            "{}: {} that are no pictures skipped, such as {}",
            part.dir.display(),
            skipped.len(),
            first.display()
        ));
    }
    let Some(first) = files.first() else {
        return Err(DatasetError::fault(&part.dir, "no pictures in its folders"));
    };
    let (first_size, _) = picture(first)?;
    let (rows, cols) = first_size;
    if (files.len() * rows * cols) as u64 > MAX_BYTES {
        return Err(DatasetError::fault(
            &part.dir,
            format!(
                "{} pictures of {rows}x{cols}, expected at most {} GiB of pixels",
                files.len(),
                MAX_BYTES >> 30
            ),
        ));
    }
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let chunk = files.len().div_ceil(threads);
    let results: Vec<_> = thread::scope(|scope| {
        let read = |files| pictures(files, first, first_size, &part.dir);
        let begin = |files| match thread::Builder::new().spawn_scoped(scope, move || read(files)) {
            Ok(running) => Running::Elsewhere(running),
            // The system allows no more threads.
            Err(_) => Running::Done(read(files)),
        };
        let running: Vec<_> = files.chunks(chunk).map(begin).collect();
        running.into_iter().map(Running::join).collect()
    });
    let mut pixels = Vec::new();
    for result in results {
        let chunk = result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        match pixels.is_empty() {
            true => pixels = chunk,
            false => pixels.extend_from_slice(&chunk),
        }
    }
    let images = Images {
        path: part.dir.clone(),
        shape: ImageShape {
            count: files.len(),
            rows,
            cols,
        },
        numbers: Numbers {
            shape: vec![files.len(), rows, cols],
            kind: Number::U8,
            big_endian: false,
            bytes: pixels,
        },
        are_levels: true,
    };
    let names = part.classes.iter().map(|class| name(class)).collect();
    Ok((images, Labels::Named { names, indices }))
}

/// Work that another thread does, or that is done.
enum Running<'scope, T> {
    Elsewhere(thread::ScopedJoinHandle<'scope, T>),
    Done(T),
}

impl<T> Running<'_, T> {
    fn join(self) -> thread::Result<T> {
        match self {
            Self::Elsewhere(thread) => thread.join(),
            Self::Done(result) => Ok(result),
        }
    }
}

/// The pixels of some pictures.
fn pictures(
    files: &[PathBuf],
    first: &Path,
    first_size: (usize, usize),
    dir: &Path,
) -> Result<Vec<u8>, DatasetError> {
    let mut all = Vec::new();
    for path in files {
        let (size, pixels) = picture(path)?;
        if size != first_size {
            let (rows, cols) = first_size;
            let copy = format!("{}-{cols}x{rows}", dir.display());
            let ending = path.extension().unwrap_or_default().to_string_lossy();
            return Err(DatasetError::Sizes {
                first: first.to_owned(),
                first_size,
                other: path.clone(),
                other_size: size,
                convert: format!(
                    "cp -r {} {copy} && find {copy} -name '*.{ending}' -exec mogrify -resize {cols}x{rows}! \
                     -colorspace Gray {{}} +",
                    quoted(&dir.display().to_string()),
                    copy = quoted(&copy),
                ),
            });
        }
        all.extend_from_slice(&pixels);
    }
    Ok(all)
}

/// The rows and columns of a picture, and its pixels.
pub(super) fn picture(path: &Path) -> Result<((usize, usize), Vec<u8>), DatasetError> {
    let mut bytes = Vec::new();
    regular_file::open(path)
        .and_then(|file| file.take(MAX_PICTURE + 1).read_to_end(&mut bytes))
        .map_err(unreadable(path))?;
    if bytes.len() as u64 > MAX_PICTURE {
        return Err(DatasetError::fault(
            path,
            "more than 64 MiB, expected a small picture",
        ));
    }
    let (rows, cols, pixels) = grey(&bytes).map_err(|fault| DatasetError::fault(path, fault))?;
    if ![rows, cols]
        .iter()
        .all(|side| (1..=MAX_SIDE).contains(side))
    {
        return Err(DatasetError::fault(
            path,
            format!("a picture of {rows}x{cols}, expected 1 to {MAX_SIDE} rows and columns"),
        ));
    }
    Ok(((rows, cols), pixels))
}

/// The rows, columns and grey values of a picture.
fn grey(bytes: &[u8]) -> Result<(usize, usize, Vec<u8>), String> {
    let Gray {
        rows, cols, pixels, ..
    } = photo::decode(bytes).map_err(|error| error.to_string())?;
    Ok((rows, cols, pixels))
}
