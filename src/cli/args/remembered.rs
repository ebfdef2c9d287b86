//! Where data lay that a network was trained on: a model file has their checksum alone, so that it has the same bytes
//! wherever they lie.

use std::{
    env, fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use mlp::{atomic_file, data::catalogue::Named, regular_file};

/// A name that no data set has.
const FOLDER: &str = "places";
/// The longest path that is read back.
const LONGEST: u64 = 4096;

/// The file for these data in the user's cache. None for a user who has no home of their own, such as a service.
fn file(checksum: &str) -> Option<PathBuf> {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let known = is_set("HOME") || is_set("XDG_CACHE_HOME") || cfg!(windows);
    let is_checksum = checksum.len() == 64 && checksum.bytes().all(|b| b.is_ascii_hexdigit());
    let cache = Named::Mnist.cache().filter(|_| known && is_checksum)?;
    Some(cache.parent()?.join(FOLDER).join(checksum))
}

/// Keeps where data lie. What cannot be kept is looked for in vain, and no more.
pub fn remember(checksum: &str, dir: &Path) {
    let Some((file, dir)) = file(checksum).zip(std::path::absolute(dir).ok()) else {
        return;
    };
    let Some(text) = dir
        .to_str()
        .filter(|_| recall(checksum).as_ref() != Some(&dir))
    else {
        return;
    };
    let folder = file.parent().expect("it has a folder");
    if fs::create_dir_all(folder).is_ok() {
        let _ = atomic_file::write::<io::Error>(&file, |to| to.write_all(text.as_bytes()));
    }
}

/// Where data lay the last time, if anything is there still.
pub fn recall(checksum: &str) -> Option<PathBuf> {
    let file = file(checksum)?;
    let there = file.symlink_metadata().ok()?;
    if !there.is_file() || there.len() > LONGEST {
        return None;
    }
    let mut dir = String::new();
    let opened = regular_file::open_own(&file, fs::File::options().read(true)).ok()?;
    opened.take(LONGEST).read_to_string(&mut dir).ok()?;
    let dir = PathBuf::from(dir);
    (dir.is_absolute() && dir.exists()).then_some(dir)
}
