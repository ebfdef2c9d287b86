//! Commands to type next.

use std::path::{Path, PathBuf};

use mlp::data::{catalogue::Named, is_hidden};

/// A path as one word of a shell: in quotes, if it has blanks or the like.
pub fn shell_quote(path: &Path) -> String {
    let Some(text) = path.to_str() else {
        return dollar_quote(path.as_os_str().as_encoded_bytes());
    };
    // What begins with a dash would be taken for a flag.
    let text = match text.starts_with('-') {
        true => format!("./{text}"),
        false => text.to_owned(),
    };
    let plain = |c: char| c.is_alphanumeric() || "/._-+,:=@%".contains(c);
    if text.contains(is_hidden) {
        return dollar_quote(text.as_bytes());
    }
    match text.chars().all(plain) && !text.is_empty() {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// What a terminal would act on, and what is no text, as bash and zsh read it: `$'a\x1bb'`.
fn dollar_quote(bytes: &[u8]) -> String {
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("\\x{byte:02x}"))
            .collect::<String>()
    };
    let mut quoted = "$'".to_owned();
    if bytes.starts_with(b"-") {
        quoted += "./";
    }
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\'' | '\\' => quoted.extend(['\\', c]),
                c if is_hidden(c) => quoted += &hex(c.encode_utf8(&mut [0; 4]).as_bytes()),
                c => quoted.push(c),
            }
        }
        quoted += &hex(chunk.invalid());
    }
    quoted + "'"
}

/// The command that fetches missing files into `dir`.
pub fn download_command(dir: &Path) -> String {
    let cached = |named: &Named| named.cache().is_some_and(|cache| cache == dir);
    if dir == Path::new("data") {
        "mlp data --download".into()
    } else if let Some(named) = Named::ALL.into_iter().find(cached) {
        match named {
            Named::Mnist => "mlp data --download".into(),
            named => format!("mlp data --download --data {}", named.name()),
        }
    } else if dir.as_os_str().is_empty() {
        "mlp data --download --data-dir .".into()
    } else {
        format!("mlp data --download --data-dir {}", shell_quote(dir))
    }
}

/// `mlp train` with these flags, each after a blank; with a name for the model if the usual one is taken, so
/// that nobody who types it loses a model.
pub fn train_command(flags: &str) -> String {
    match free_name(Path::new(MODEL)) {
        path if path == Path::new(MODEL) => format!("mlp train{flags}"),
        path => format!("mlp train{flags} --out {}", shell_quote(&path)),
    }
}

/// Where `mlp train` saves, if nothing else is said.
pub const MODEL: &str = "model.bin";

/// This name, or the first like it that nothing bears: `model-2.bin`.
pub fn free_name(name: &Path) -> PathBuf {
    let (stem, extension) = (name.file_stem(), name.extension());
    let stem = stem.unwrap_or_default().to_string_lossy();
    let extension = extension.map_or(String::new(), |e| format!(".{}", e.to_string_lossy()));
    let others = (2..).map(|n| name.with_file_name(format!("{stem}-{n}{extension}")));
    let taken = |path: &PathBuf| path.symlink_metadata().is_ok();
    let mut names = std::iter::once(name.to_owned()).chain(others);
    names.find(|path| !taken(path)).expect("one is free")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        for (path, word) in [
            ("model.bin", "model.bin"),
            ("my model.bin", "'my model.bin'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
            ("~/mnist", "'~/mnist'"),
            ("größe.bin", "größe.bin"),
            ("a\u{1b}[31m'b", r"$'a\x1b[31m\'b'"),
            ("two\nlines", r"$'two\x0alines'"),
            ("-dash.bin", "./-dash.bin"),
        ] {
            assert_eq!(shell_quote(Path::new(path)), word);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_no_text_is_its_bytes() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
        let name = OsStr::from_bytes(b"a\xff'.bin");
        assert_eq!(shell_quote(name.as_ref()), r"$'a\xff\'.bin'");
    }

    #[test]
    fn a_free_name_is_that_of_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (taken, free) in [
            ("other", "model.bin"),
            ("model.bin", "model-2.bin"),
            ("model-2.bin", "model-3.bin"),
        ] {
            std::fs::write(at(taken), "").unwrap();
            assert_eq!(free_name(&at("model.bin")), at(free));
        }
    }
}
