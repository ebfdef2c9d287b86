//! `mlp augment-preview` and `mlp train --augment` as a user runs them.

#[path = "support/mnist_files.rs"]
mod mnist_files;
#[path = "support/program.rs"]
mod program;

use std::{fs, path::Path};

use mlp::{augment::Preset, model_file};
use mnist_files::assert_says;
use program::run;
use tempfile::tempdir;

/// Grey values of a PNG, row by row, and its width.
fn read_png(path: &Path) -> (Vec<u8>, usize) {
    let file = std::io::BufReader::new(fs::File::open(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!(info.color_type, png::ColorType::Grayscale);
    (pixels, info.width as usize)
}

#[test]
fn the_preview_shows_the_images_beside_what_becomes_of_them() {
    let folder = tempdir().unwrap();
    let picture = |flags: &str| {
        let line = format!("augment-preview --images 2 --epochs 3 --out grid.png {flags}");
        let (stdout, stderr) = run(folder.path(), &line, 0);
        assert_says(&stdout, "saved grid.png");
        assert_says(&stderr, "next: mlp train --");
        read_png(&folder.path().join("grid.png"))
    };
    // Three pixels for one, and gaps of 4 around; one more beside the originals.
    let side = 3 * 28;
    let (still, width) = picture("--rotation 0");
    assert_eq!(width, 4 * (side + 4) + 8);
    assert_eq!(still.len(), width * (2 * (side + 4) + 4));
    let column = |pixels: &[u8], first: usize| {
        let rows = pixels
            .chunks(width)
            .flat_map(|row| &row[first..first + side]);
        rows.copied().collect::<Vec<_>>()
    };
    let original = column(&still, 4);
    assert!(original.contains(&255), "digits are white on black");
    assert_eq!(
        column(&still, side + 12),
        original,
        "no strength, no change"
    );
    let (moving, _) = picture("");
    assert_eq!(column(&moving, 4), original);
    assert_ne!(column(&moving, side + 12), original);
    assert_eq!(picture("--augment ciresan2010").0, moving, "what is usual");
    assert_ne!(picture("--seed 2").0, moving);
}

#[test]
fn a_file_that_is_no_picture_is_not_overwritten() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("notes"), "mine").unwrap();
    let (_, stderr) = run(folder.path(), "augment-preview --out notes", 1);
    assert_says(&stderr, "notes: there is something else than a PNG");
    assert_eq!(fs::read(folder.path().join("notes")).unwrap(), b"mine");
}

#[test]
fn training_says_and_keeps_how_it_augments() {
    let folder = tempdir().unwrap();
    let line = "train --hidden 8 --epochs 1 --valid 58000 --augment ciresan2010 --rotation 5";
    let (stdout, _) = run(folder.path(), line, 0);
    assert_says(
        &stdout,
        "augment   rotation 5° or shear 15° (half for 1 and 7), scale 17.5 %, elastic sigma 5 alpha 37",
    );
    let bytes = fs::read(folder.path().join("model.bin")).unwrap();
    let model = model_file::from_bytes::<f32>(&bytes).unwrap();
    let mut expected = Preset::Ciresan2010.augmentation();
    expected.rotation = 5.0;
    assert_eq!(model.metadata.training.augmentation, Some(expected));
    run(
        folder.path(),
        &format!("{line} --threads 3 --out other.bin"),
        0,
    );
    assert_eq!(fs::read(folder.path().join("other.bin")).unwrap(), bytes);
    run(folder.path(), "eval model.bin --split valid", 0);
}

#[test]
fn strengths_that_make_no_sense_are_wrong_usage() {
    let folder = tempdir().unwrap();
    for (flags, expected) in [
        ("--rotation -3", "rotation -3.0, expected 0 to 180 degrees"),
        ("--shear NaN", "shear NaN, expected 0 to 80 degrees"),
        ("--scale inf", "scale inf, expected 0 to 0.9"),
        ("--sigma 4", "give both"),
        (
            "--sigma 0 --alpha 34",
            "sigma 0.0, expected a number above 0",
        ),
        ("--augment lenet", "possible values: lecun1998, simard2003"),
    ] {
        for command in ["train", "augment-preview --out grid.png"] {
            let (_, stderr) = run(folder.path(), &format!("{command} {flags}"), 2);
            assert_says(&stderr, expected);
        }
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
