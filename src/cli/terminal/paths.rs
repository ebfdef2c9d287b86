//! Paths as they are shown, and as a checkpoint keeps them.

use std::{
    env,
    path::{Component, Path, PathBuf},
};

/// A path as it is best shown: from the working folder if it is below, else from the root.
pub fn shown(path: &Path) -> PathBuf {
    let (Ok(whole), Ok(here)) = (std::path::absolute(path), env::current_dir()) else {
        return path.to_owned();
    };
    let is_folder = path
        .as_os_str()
        .to_string_lossy()
        .ends_with(std::path::is_separator);
    match whole.strip_prefix(&here) {
        _ if is_folder => path.to_owned(), // for it to be refused
        Ok(below) if !below.as_os_str().is_empty() => below.to_owned(),
        _ => whole,
    }
}

/// A relative path as it is seen from a folder, wherever both are moved to together; an absolute one as it is. None if
/// it is no text.
pub fn seen_from(folder: &Path, path: &Path) -> Option<String> {
    if path.is_absolute() {
        return path.to_str().map(str::to_owned);
    }
    let (folder, path) = (real(folder)?, real(path)?);
    let common = folder
        .components()
        .zip(path.components())
        .take_while(|(a, b)| a == b)
        .count();
    let up = folder
        .components()
        .skip(common)
        .map(|_| Component::ParentDir);
    let down = path.components().skip(common);
    let seen: PathBuf = up.chain(down).collect();
    seen.to_str().map(str::to_owned)
}

/// The path that [`seen_from`] was given.
pub fn from_there(folder: &Path, seen: &str) -> PathBuf {
    let Some(folder) = real(folder) else {
        return seen.into();
    };
    let mut path = folder;
    for part in Path::new(seen).components() {
        match part {
            Component::ParentDir => drop(path.pop()),
            part => path.push(part),
        }
    }
    shown(&path)
}

/// The path from the root without links, of what may not be there yet.
pub fn real(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    if let Ok(real) = path.canonicalize() {
        return Some(real);
    }
    let name = path.file_name()?.to_owned();
    Some(real(path.parent()?)?.join(name))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_path_seen_from_a_folder_leads_back_wherever_both_are_moved() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for place in ["a", "b"] {
            fs::create_dir_all(root.join(place).join("runs/first")).unwrap();
        }
        let folder = root.join("a/runs/first");
        let up = |path: &str| {
            let (from, to) = (root.join("a"), root.join(path));
            let below = to.strip_prefix(&from).unwrap();
            // As from the working folder, without a change of it.
            let seen = folder
                .components()
                .skip(from.components().count())
                .map(|_| "..");
            seen.chain(below.to_str()).collect::<Vec<_>>().join("/")
        };
        assert_eq!(
            from_there(&folder, &up("a/model.bin")),
            root.join("a/model.bin")
        );
        let moved = root.join("b/runs/first");
        assert_eq!(
            from_there(&moved, &up("a/model.bin")),
            root.join("b/model.bin")
        );
        let whole = root.join("a/model.bin");
        assert_eq!(seen_from(&folder, &whole).unwrap(), whole.to_str().unwrap());
        let here = seen_from(Path::new("src"), Path::new("Cargo.toml")).unwrap();
        assert_eq!(here, "../Cargo.toml");
        assert_eq!(from_there(Path::new("src"), &here), Path::new("Cargo.toml"));
        let below = seen_from(Path::new("no/such"), Path::new("no/such/model.bin"));
        assert_eq!(below.unwrap(), "model.bin");
    }
}
