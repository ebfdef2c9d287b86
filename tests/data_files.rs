//! Whatever lies in the data folder: it loads correctly, or the error names the file, the fault and the mend.

#[path = "support/mnist_files.rs"]
mod mnist_files;

use std::{
    fs::{self, File},
    io::Read,
    path::Path,
};

use FileKind::{TestImages, TestLabels, TrainImages, TrainLabels};
use mlp::data::{DataError, Fault, FileKind, idx, load, source};
use mnist_files::{black_images, gzip, header, labels, official_archive, write_sparse};
use proptest::prelude::*;

/// What is said of a file of that kind and content, under its official unpacked name.
fn fault_of(kind: FileKind, content: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(kind.name()), content).unwrap();
    fault_in(folder.path(), kind)
}

/// The same for a sparse file of `len` bytes that begins with `start`.
fn fault_of_sparse(kind: FileKind, start: &[u8], len: u64) -> String {
    let folder = tempfile::tempdir().unwrap();
    write_sparse(&folder.path().join(kind.name()), start, len);
    fault_in(folder.path(), kind)
}

fn fault_in(dir: &Path, kind: FileKind) -> String {
    let source = source::Source::find(dir, kind)
        .unwrap()
        .expect("the file is there");
    let fault = source.check::<Fault>(|_| Ok(())).expect_err("a fault");
    DataError::File {
        path: kind.name().into(),
        fault,
    }
    .to_string()
}

#[track_caller]
fn assert_says(message: &str, expected: &str) {
    assert!(
        message.contains(expected),
        "{message:?}\nlacks {expected:?}"
    );
}

#[test]
fn one_image_too_many_is_named_by_header_and_by_length() {
    let bytes = TrainImages.content_bytes();
    let counted = fault_of_sparse(TrainImages, &header(TrainImages, 60_001), bytes + 784);
    assert_says(
        &counted,
        "train-images-idx3-ubyte: header counts 60001 images, expected 60000",
    );
    let uncounted = fault_of_sparse(TrainImages, &header(TrainImages, 60_000), bytes + 784);
    assert_says(&uncounted, "784 trailing bytes after byte 47040016");
}

#[test]
fn ten_missing_images_are_named_by_header_and_by_length() {
    let bytes = TrainImages.content_bytes() - 7840;
    let counted = fault_of_sparse(TrainImages, &header(TrainImages, 59_990), bytes);
    assert_says(&counted, "header counts 59990 images, expected 60000");
    let uncounted = fault_of_sparse(TrainImages, &header(TrainImages, 60_000), bytes);
    assert_says(
        &uncounted,
        "truncated at byte 47032176 of 47040016 (59990 of 60000 images)",
    );
    assert_says(&uncounted, "delete it and run `mlp data --download");
}

#[test]
fn labels_short_by_one_are_named() {
    let all = labels(TestLabels);
    let short = fault_of(TestLabels, &all[..all.len() - 1]);
    assert_says(
        &short,
        "truncated at byte 10007 of 10008 (9999 of 10000 labels)",
    );
    let mut counted = header(TestLabels, 9_999);
    counted.extend(&all[8..all.len() - 1]);
    assert_says(
        &fault_of(TestLabels, &counted),
        "header counts 9999 labels, expected 10000",
    );
}

#[test]
fn a_label_above_9_is_named_with_index_and_value_raw_and_packed() {
    let mut content = labels(TestLabels);
    content[8 + 1234] = 10;
    let expected = "label 1234 is 10, expected 0 to 9 (byte 1242 of the content)";
    assert_says(&fault_of(TestLabels, &content), expected);
    assert_says(&fault_of(TestLabels, &gzip(&content, 6)), expected);
}

#[test]
fn images_and_labels_swapped_are_told_apart() {
    let message = fault_of_sparse(TestImages, &labels(TestLabels), TestImages.content_bytes());
    assert_says(
        &message,
        "magic 0x00000801 is a label file, expected images (0x00000803)",
    );
    assert_says(&message, "were two files swapped?");
    let message = fault_of(TestLabels, &header(TestImages, 10_000));
    assert_says(
        &message,
        "magic 0x00000803 is an image file, expected labels (0x00000801)",
    );
}

#[test]
fn training_and_test_files_swapped_are_told_apart_by_their_counts() {
    assert_says(
        &fault_of(TrainLabels, &labels(TestLabels)),
        "header counts 10000 labels",
    );
}

#[test]
fn a_magic_of_neither_kind_is_shown() {
    let mut floats = header(TestImages, 10_000);
    floats[2] = 0x0d;
    let message = fault_of(TestImages, &floats);
    assert_says(
        &message,
        "starts with 0x00000d03, expected magic 0x00000803",
    );
    let little_endian: Vec<_> = header(TestImages, 10_000)
        .chunks(4)
        .flat_map(|field| field.iter().rev().copied())
        .collect();
    assert_says(
        &fault_of(TestImages, &little_endian),
        "starts with 0x03080000",
    );
}

#[test]
fn images_of_28x27_are_refused() {
    let mut start = header(TestImages, 10_000);
    start[15] = 27;
    let message = fault_of_sparse(TestImages, &start, 16 + 10_000 * 28 * 27);
    assert_says(&message, "images of 28x27, expected 28x28");
}

#[test]
fn an_empty_file_and_half_a_header_are_named() {
    assert_says(&fault_of(TestImages, &[]), "empty, expected 7840016 bytes");
    let half = &header(TestImages, 10_000)[..7];
    assert_says(
        &fault_of(TestImages, half),
        "truncated at byte 7 of 7840016, inside the header",
    );
    assert_says(&fault_of(TestImages, &half[..2]), "truncated at byte 2");
    assert_says(
        &fault_of(TestImages, &gzip(&[], 6)),
        "empty, expected 7840016 bytes",
    );
}

#[test]
fn a_web_page_saved_as_gz_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t10k-labels-idx1-ubyte.gz");
    for page in [
        "<!DOCTYPE html>",
        "\n <html>",
        "\u{feff}<?xml version='1.0'?><Error/>",
        "<a>",
    ] {
        fs::write(&path, page).unwrap();
        assert_says(
            &fault_in(folder.path(), TestLabels),
            "starts with an HTML or XML page",
        );
    }
}

#[test]
fn other_common_files_are_named() {
    let twice = gzip(&gzip(&labels(TestLabels), 0), 0);
    assert_says(&fault_of(TestLabels, &twice), "gzip inside gzip");
    assert_says(
        &fault_of(TestLabels, b"PK\x03\x04\x14\0\0\0\0\0"),
        "a ZIP archive",
    );
    assert_says(
        &fault_of(TestLabels, b"version https://git-lfs"),
        "a git-lfs pointer",
    );
}

#[test]
fn a_truncated_archive_is_named_wherever_it_ends() {
    let archive = official_archive(TestLabels);
    for len in [
        2,
        9,
        11,
        100,
        archive.len() - 9,
        archive.len() - 8,
        archive.len() - 1,
    ] {
        let message = fault_of(TestLabels, &archive[..len]);
        assert_says(
            &message,
            &format!("gzip stream truncated at byte {len}: delete it"),
        );
    }
}

#[test]
fn a_flipped_bit_in_an_archive_is_found() {
    let mut archive = official_archive(TestLabels);
    let last = archive.len() - 6; // in the CRC-32
    archive[last] ^= 1;
    assert_says(&fault_of(TestLabels, &archive), "gzip stream damaged");
    archive[2000] ^= 0x40;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(TestLabels.name()), &archive).unwrap();
    fault_in(folder.path(), TestLabels);
}

#[test]
fn bytes_after_the_gzip_stream_are_named_also_if_they_are_gzip() {
    let archive = official_archive(TestLabels);
    for rest in [vec![0; 3], official_archive(TestLabels)] {
        let both = [archive.clone(), rest.clone()].concat();
        let expected = format!(
            "{} bytes after the gzip stream, which ends at byte 4542",
            rest.len()
        );
        assert_says(&fault_of(TestLabels, &both), &expected);
    }
}

#[test]
fn a_gzip_bomb_ends_one_byte_past_the_expected_content() {
    // 1 GB of zeros after a sound content, produced while it is read: nobody holds it.
    let mut content = labels(TestLabels);
    let limit = content.len() as u64;
    content.truncate(limit as usize);
    let endless = (&content[..]).chain(std::io::repeat(0).take(1 << 30));
    let mut bomb = flate2::read::GzEncoder::new(endless, flate2::Compression::fast());
    let mut passed = 0;
    let result = source::check_gzip::<Fault>(TestLabels, &mut bomb, |bytes| {
        passed += bytes.len() as u64;
        Ok(())
    });
    assert_says(
        &result.unwrap_err().to_string(),
        "trailing bytes after byte 10008",
    );
    assert_eq!(passed, limit);
    let read = bomb.into_inner().into_inner().1.limit();
    assert!(
        read > (1 << 30) - (1 << 27),
        "read the bomb down to {read} bytes"
    );
}

#[test]
fn the_official_files_load_the_same_packed_cached_and_raw() {
    let folder = mnist_files::official_copy();
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
    assert_says(&all.notes[0], "not MNIST's official files");

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
fn missing_files_are_all_named_with_the_command_that_fetches_them() {
    let folder = black_images();
    for kind in [TrainLabels, TestImages] {
        fs::remove_file(folder.path().join(kind.name())).unwrap();
    }
    let error = load(folder.path()).err().unwrap().to_string();
    assert_says(
        &error,
        "train-labels-idx1-ubyte(.gz), t10k-images-idx3-ubyte(.gz) not found",
    );
    let command = format!(
        "`mlp data --download --data-dir {}`",
        folder.path().display()
    );
    assert_says(&error, &command);
    let error = load(Path::new("no such folder")).err().unwrap().to_string();
    assert_says(&error, "none of the four MNIST files is here: run");
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

    #[test]
    fn a_folder_or_a_pipe_in_the_place_of_a_file_is_named_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(TestImages.name());
        fs::create_dir(&path).unwrap();
        let error = source::Source::find(folder.path(), TestImages)
            .unwrap_err()
            .to_string();
        assert_says(&error, "is a folder, expected a file");
        fs::remove_dir(&path).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        if made.is_ok_and(|status| status.success()) {
            let error = source::Source::find(folder.path(), TestImages)
                .unwrap_err()
                .to_string();
            assert_says(&error, "is a pipe or a device");
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

/// Soundness of a test label file, said in another way than the library does.
fn is_sound(bytes: &[u8]) -> bool {
    bytes.len() == 10_008
        && bytes[..8] == [0, 0, 8, 1, 0, 0, 0x27, 0x10]
        && bytes[8..].iter().all(|&label| label < 10)
}

fn check(bytes: &[u8]) -> Result<idx::Content, Fault> {
    idx::check::<Fault>(TestLabels, bytes, |_| Ok(()))
}

proptest! {
    #[test]
    fn random_bytes_never_panic_and_pass_only_if_sound(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        for kind in FileKind::ALL {
            prop_assert!(idx::check::<Fault>(kind, &bytes[..], |_| Ok(())).is_err());
            let archive = [&[0x1f, 0x8b, 8, 0][..], &bytes].concat();
            prop_assert!(source::check_gzip::<Fault>(kind, &archive[..], |_| Ok(())).is_err());
        }
    }

    #[test]
    fn a_changed_file_passes_only_if_it_is_still_sound(
        changes in prop::collection::vec((0..10_008usize, any::<u8>()), 0..3),
        header_change in prop::option::of((0..8usize, any::<u8>())),
        len in prop_oneof![3 => Just(10_008usize), 1 => 0..10_100usize],
    ) {
        let mut bytes = labels(TestLabels);
        for (at, value) in changes.into_iter().chain(header_change) {
            bytes[at] = value;
        }
        bytes.resize(len, 0);
        prop_assert_eq!(check(&bytes).is_ok(), is_sound(&bytes));
    }

    #[test]
    fn a_changed_archive_passes_only_with_the_content_unchanged(
        at in 0..4542usize, value in any::<u8>(),
    ) {
        let mut archive = official_archive(TestLabels);
        archive[at] = value;
        // Some bytes of a gzip header mean nothing, such as the time; the content is guarded by a CRC.
        if let Ok(checked) = source::check_gzip::<Fault>(TestLabels, &archive[..], |_| Ok(())) {
            prop_assert_eq!(checked.content.sha256, TestLabels.official().content_sha256);
        }
    }
}
