//! Whatever bytes lie in a data file: they are sound, or the error names the file and the fault.

use std::{fs, io::Read, path::Path};

use FileKind::{TestImages, TestLabels, TrainImages, TrainLabels};
use mlp::data::{DataError, Fault, FileKind, idx, source};
use proptest::prelude::*;

use crate::support::mnist_files::{
    assert_says, gzip, header, labels, official_archive, write_sparse,
};

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
        assert_says(&message, &format!("gzip stream truncated at byte {len}"));
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

#[cfg(unix)]
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
