//! Whatever lies in the data folder as a whole: it loads correctly, the next time too, or the error says why not.

use std::{
    fs::{self, File},
    path::Path,
};

use FileKind::{TestImages, TestLabels, TrainImages, TrainLabels};
use mlp::data::{FileKind, load};

use crate::support::mnist_files::{
    assert_says, black_images, gzip, labels, official_archive, official_copy,
};

#[test]
fn the_official_files_load_the_same_packed_cached_and_raw() {
    let folder = official_copy();
    let packed = load(folder.path()).unwrap();
    assert!(
        packed.official && packed.notes.is_empty(),
        "{:?}",
        packed.notes
    );
    assert_eq!(
        (packed.train.images.dim(), packed.train.len()),
        ((60_000, 784), 60_000)
    );
    assert_eq!(
        (packed.test.images.dim(), packed.test.len()),
        ((10_000, 784), 10_000)
    );
    // Known of MNIST: the first labels, and the mean grey value of the training images, 0.1307.
    assert_eq!(packed.train.labels[..5], [5, 0, 4, 1, 9]);
    assert_eq!(packed.test.labels[..5], [7, 2, 1, 0, 4]);
    let sum: u64 = packed
        .train
        .images
        .iter()
        .map(|&grey| u64::from(grey))
        .sum();
    let mean = sum as f64 / (60_000.0 * 784.0 * 255.0);
    assert!((mean - 0.1307).abs() < 1e-4, "{mean}");

    let cached = load(folder.path()).unwrap();
    assert!(cached.train == packed.train && cached.test == packed.test);
    assert_eq!(cached.checksum, packed.checksum);

    let unpacked = load(&folder.path().join("unpacked")).unwrap();
    assert!(unpacked.official && unpacked.test == packed.test);
    assert_eq!(unpacked.checksum, packed.checksum);
}

#[test]
fn a_file_of_the_same_shape_is_accepted_with_a_note_and_another_checksum() {
    let folder = black_images();
    let all = load(folder.path()).unwrap();
    assert_eq!((all.official, all.notes.len()), (false, 1));
    assert_says(&all.notes[0], "not the official MNIST files");

    fs::remove_file(folder.path().join(TestLabels.name())).unwrap();
    let archive = folder.path().join(TestLabels.archive_name());
    fs::write(archive, official_archive(TestLabels)).unwrap();
    let mixed = load(folder.path()).unwrap();
    assert_says(&mixed.notes[0], "is this one data set?");
    assert_ne!(mixed.checksum, all.checksum);
}

#[test]
fn a_stale_unpacked_copy_is_never_used() {
    let folder = black_images();
    fs::remove_file(folder.path().join(TestLabels.name())).unwrap();
    let archive = folder.path().join(TestLabels.archive_name());
    let mut content = labels(TestLabels);
    fs::write(&archive, gzip(&content, 0)).unwrap();
    let time = fs::metadata(&archive).unwrap().modified().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(150)); // from then on its times are trusted
    let before = load(folder.path()).unwrap();
    assert_eq!(before.test.labels[0], 0);

    // The hardest case: same name, same size, same modification time.
    content[8] = 7;
    fs::write(&archive, gzip(&content, 0)).unwrap();
    File::options()
        .write(true)
        .open(&archive)
        .unwrap()
        .set_modified(time)
        .unwrap();
    let after = load(folder.path()).unwrap();
    if cfg!(unix) {
        assert_eq!(after.test.labels[0], 7);
        assert_ne!(after.checksum, before.checksum);
    }

    // A copy that someone else changed is not used either.
    let copy = folder.path().join("unpacked").join(TestLabels.name());
    content[8] = 3;
    fs::write(&copy, &content).unwrap();
    assert_eq!(
        load(folder.path()).unwrap().test.labels[0],
        after.test.labels[0]
    );
}

#[test]
fn a_damaged_manifest_only_costs_time() {
    let folder = black_images();
    fs::remove_file(folder.path().join(TestLabels.name())).unwrap();
    let archive = gzip(&labels(TestLabels), 6);
    fs::write(folder.path().join(TestLabels.archive_name()), archive).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(150));
    let checksum = load(folder.path()).unwrap().checksum;
    let manifest = folder.path().join("unpacked/manifest.json");
    let good = fs::read_to_string(&manifest).unwrap();
    assert!(
        good.contains("t10k-labels-idx1-ubyte.gz") && good.contains("train-images"),
        "{good}"
    );
    for bad in [
        "",
        "{\"version\":1",
        "null",
        &good.replace("\"bytes\": 1", "\"bytes\": -1"),
    ] {
        fs::write(&manifest, bad).unwrap();
        assert_eq!(load(folder.path()).unwrap().checksum, checksum, "{bad}");
        assert_eq!(
            fs::read_to_string(&manifest).unwrap().len(),
            good.len(),
            "written anew"
        );
    }
}

#[test]
fn a_manifest_from_another_machine_is_not_believed() {
    let folder = black_images();
    std::thread::sleep(std::time::Duration::from_millis(150));
    assert!(!load(folder.path()).unwrap().official);
    let path = folder.path().join("unpacked/manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    let mut manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    manifest["machine"] = "another".into();
    for kind in FileKind::ALL {
        manifest["files"][kind.name()]["content_sha256"] = kind.official().content_sha256.into();
    }
    fs::write(&path, manifest.to_string()).unwrap();
    assert!(!load(folder.path()).unwrap().official);
    assert_eq!(fs::read_to_string(&path).unwrap(), text, "written anew");
}

#[test]
fn names_and_packing_may_differ_as_browsers_and_old_pages_make_them() {
    let folder = black_images();
    let rename = |from: FileKind, to: &str| {
        fs::rename(folder.path().join(from.name()), folder.path().join(to)).unwrap();
    };
    rename(TrainImages, "train-images-idx3-ubyte.gz"); // unpacked by the browser
    rename(TrainLabels, "train-labels.idx1-ubyte");
    rename(TestImages, "t10k-images.idx3-ubyte.gz");
    fs::remove_file(folder.path().join(TestLabels.name())).unwrap();
    let packed = gzip(&labels(TestLabels), 6);
    fs::write(folder.path().join(TestLabels.name()), packed).unwrap(); // packed under the raw name
    let mnist = load(folder.path()).unwrap();
    assert_eq!(mnist.test.labels[..3], [0, 1, 2]);
}

#[test]
fn a_folder_that_cannot_keep_copies_still_loads() {
    let folder = black_images();
    fs::remove_file(folder.path().join(TestLabels.name())).unwrap();
    let archive = gzip(&labels(TestLabels), 6);
    fs::write(folder.path().join(TestLabels.archive_name()), archive).unwrap();
    // A file in the place of the cache stops root too, which a read-only folder does not.
    fs::write(folder.path().join("unpacked"), "in the way").unwrap();
    let mnist = load(folder.path()).unwrap();
    assert_eq!(mnist.test.labels[..3], [0, 1, 2]);
    assert_says(&mnist.notes.join("\n"), "unpacked into a temporary folder");
    assert_eq!(
        fs::read(folder.path().join("unpacked")).unwrap(),
        b"in the way"
    );
}

#[test]
fn missing_files_are_all_named() {
    let folder = black_images();
    for kind in [TrainLabels, TestImages] {
        fs::remove_file(folder.path().join(kind.name())).unwrap();
    }
    let error = load(folder.path()).err().unwrap().to_string();
    assert_says(
        &error,
        "train-labels-idx1-ubyte(.gz), t10k-images-idx3-ubyte(.gz) not found",
    );
    let error = load(Path::new("no such folder")).err().unwrap().to_string();
    assert_says(&error, "none of the four MNIST files is here");
}

#[cfg(unix)]
mod unix {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn symbolic_links_are_followed_and_one_to_nowhere_is_named() {
        let (real, folder) = (black_images(), tempfile::tempdir().unwrap());
        for kind in FileKind::ALL {
            symlink(
                real.path().join(kind.name()),
                folder.path().join(kind.name()),
            )
            .unwrap();
        }
        assert_eq!(load(folder.path()).unwrap().test.labels[..3], [0, 1, 2]);
        fs::remove_file(real.path().join(TestImages.name())).unwrap();
        let error = load(folder.path()).err().unwrap().to_string();
        assert_says(
            &error,
            "t10k-images-idx3-ubyte: is a symbolic link to nowhere",
        );
    }

    /// A folder with packed test labels, and a file that is none of its business.
    fn packed_labels() -> (tempfile::TempDir, tempfile::TempDir) {
        let (folder, other) = (black_images(), tempfile::tempdir().unwrap());
        fs::remove_file(folder.path().join(TestLabels.name())).unwrap();
        let archive = gzip(&labels(TestLabels), 6);
        fs::write(folder.path().join(TestLabels.archive_name()), archive).unwrap();
        fs::write(other.path().join("mine"), "mine").unwrap();
        (folder, other)
    }

    #[test]
    fn a_link_in_the_cache_is_replaced_and_what_it_points_to_is_not() {
        let labels = TestLabels.name();
        for (name, target) in [
            (labels, "mine"),
            ("manifest.json", "mine"),
            (labels, "gone"),
        ] {
            let (folder, other) = packed_labels();
            let cache = folder.path().join("unpacked");
            fs::create_dir(&cache).unwrap();
            symlink(other.path().join(target), cache.join(name)).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(150)); // the manifest is kept from then on
            assert_eq!(load(folder.path()).unwrap().test.labels[..3], [0, 1, 2]);
            assert!(fs::symlink_metadata(cache.join(name)).unwrap().is_file());
            assert_eq!(fs::read(other.path().join("mine")).unwrap(), b"mine");
            assert!(!other.path().join("gone").exists());
        }
    }

    #[test]
    fn a_cache_that_is_itself_a_link_is_neither_read_nor_written() {
        let (folder, other) = packed_labels();
        let copy = other.path().join(TestLabels.name());
        fs::write(&copy, "mine").unwrap();
        symlink(other.path(), folder.path().join("unpacked")).unwrap();
        let mnist = load(folder.path()).unwrap();
        assert_eq!(mnist.test.labels[..3], [0, 1, 2]);
        assert_says(
            &mnist.notes.join("\n"),
            "a symbolic link, expected a folder): unpacked into a temporary folder",
        );
        assert_eq!(fs::read(&copy).unwrap(), b"mine");
        assert_eq!(fs::read_dir(other.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_pipe_in_the_cache_is_not_waited_for() {
        let (folder, _other) = packed_labels();
        let cache = folder.path().join("unpacked");
        fs::create_dir(&cache).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(150));
        load(folder.path()).unwrap();
        for name in [TestLabels.name(), "manifest.json"] {
            fs::remove_file(cache.join(name)).unwrap();
            let made = std::process::Command::new("mkfifo")
                .arg(cache.join(name))
                .status();
            assert!(made.unwrap().success());
            assert_eq!(load(folder.path()).unwrap().test.labels[..3], [0, 1, 2]);
        }
    }

    #[test]
    fn a_path_that_is_not_utf8_loads_all_the_same() {
        let folder = black_images();
        let odd = folder.path().join(OsStr::from_bytes(b"odd-\xff"));
        fs::create_dir(&odd).unwrap();
        for kind in FileKind::ALL {
            fs::rename(folder.path().join(kind.name()), odd.join(kind.name())).unwrap();
        }
        assert_eq!(load(&odd).unwrap().test.labels[..3], [0, 1, 2]);
    }

    #[test]
    fn two_processes_at_once_do_not_break_each_other() {
        let folder = black_images();
        fs::remove_file(folder.path().join(TestLabels.name())).unwrap();
        let archive = gzip(&labels(TestLabels), 6);
        fs::write(folder.path().join(TestLabels.archive_name()), archive).unwrap();
        std::thread::scope(|scope| {
            let loads: Vec<_> = (0..3)
                .map(|_| scope.spawn(|| load(folder.path())))
                .collect();
            for result in loads {
                assert_eq!(result.join().unwrap().unwrap().test.labels[..3], [0, 1, 2]);
            }
        });
    }
}
