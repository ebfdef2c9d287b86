//! Reports what is in a data folder, file by file. Reads everything, writes nothing.

use std::path::{Path, PathBuf};

use super::{
    DataError, Fault, FileKind,
    source::{Checked, Form, Source},
};

/// What is known about one of the four files.
#[derive(Debug)]
pub struct FileReport {
    /// Which one.
    pub kind: FileKind,
    /// Where it is; none if it is missing.
    pub path: Option<PathBuf>,
    /// How it is stored; none if it is missing or cannot be read.
    pub form: Option<Form>,
    /// Its size on disk.
    pub bytes: Option<u64>,
    /// What is in it, or what is wrong with it.
    pub verdict: Result<Checked, DataError>,
    /// Oddities that do no harm.
    pub notes: Vec<String>,
}

impl FileReport {
    /// Whether its content is the official one.
    pub fn is_official(&self) -> bool {
        let official = self.kind.official().content_sha256;
        self.verdict
            .as_ref()
            .is_ok_and(|checked| checked.content.sha256 == official)
    }

    fn count(&self) -> Option<u32> {
        match &self.verdict {
            Ok(checked) => Some(checked.content.header.count),
            Err(DataError::File {
                fault: Fault::Count { found, .. },
                ..
            }) => Some(*found),
            Err(_) => None,
        }
    }
}

/// Reads and checks all four files of `dir`, in the order of [`FileKind::ALL`].
pub fn inspect(dir: &Path) -> Vec<FileReport> {
    FileKind::ALL.map(|kind| inspect_file(dir, kind)).into()
}

/// Image and label files whose headers give different counts.
pub fn mismatches(files: &[FileReport]) -> Vec<DataError> {
    let mut found = Vec::new();
    for pair in files.chunks_exact(2) {
        let (images, labels) = (&pair[0], &pair[1]);
        if let (Some(image_count), Some(label_count)) = (images.count(), labels.count())
            && let (Some(images), Some(labels)) = (&images.path, &labels.path)
            && image_count != label_count
        {
            found.push(DataError::Mismatch {
                images: images.clone(),
                image_count,
                labels: labels.clone(),
                label_count,
            });
        }
    }
    found
}

fn inspect_file(dir: &Path, kind: FileKind) -> FileReport {
    let nothing = |verdict, path| FileReport {
        kind,
        path,
        form: None,
        bytes: None,
        verdict: Err(verdict),
        notes: Vec::new(),
    };
    let source = match Source::find(dir, kind) {
        Ok(Some(source)) => source,
        Ok(None) => {
            let missing = DataError::Missing {
                dir: dir.to_owned(),
                files: vec![kind],
            };
            return nothing(missing, None);
        }
        Err(error) => {
            let path = match &error {
                DataError::File { path, .. } => Some(path.clone()),
                _ => None,
            };
            return nothing(error, path);
        }
    };
    let form = source.open().ok().map(|(_, form)| form);
    let verdict = source.check(|_| Ok(())).map_err(|fault| DataError::File {
        path: source.path.clone(),
        fault,
    });

    let mut notes = Vec::new();
    let named_gz = source.path.extension().is_some_and(|e| e == "gz");
    match form {
        Some(Form::Raw) if named_gz && verdict.is_ok() => {
            notes.push("already unpacked despite its name (browsers do that): fine".to_owned());
        }
        Some(Form::Gzip) if !named_gz && verdict.is_ok() => {
            notes.push("gzip despite its name: fine".to_owned());
        }
        _ => {}
    }
    notes.extend(
        source
            .others
            .iter()
            .map(|p| format!("a second copy, not used: {}", p.display())),
    );
    FileReport {
        kind,
        form,
        bytes: std::fs::metadata(&source.path).ok().map(|meta| meta.len()),
        path: Some(source.path),
        verdict,
        notes,
    }
}
