//! `mlp augment-preview` and `mlp train --augment` as a user runs them.

#[path = "support/mnist_files.rs"]
mod mnist_files;
#[path = "support/program.rs"]
mod program;

use std::{fs, path::Path};

use mlp::{
    data::{COLS, augment::Preset, deslant},
    files::model,
};
use mnist_files::assert_says;
use program::{json, json_lines, run};
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
    assert_says(
        &stderr,
        "notes: there is a file already, and it is not a PNG",
    );
    assert_eq!(fs::read(folder.path().join("notes")).unwrap(), b"mine");
}

#[test]
fn training_says_and_keeps_how_it_augments() {
    let folder = tempdir().unwrap();
    let line = "train --hidden 8 --epochs 1 --valid 58000 --augment ciresan2010 --rotation 5";
    let (stdout, _) = run(folder.path(), line, 0);
    // Lines are wrapped between words.
    let flat: Vec<_> = stdout.split_whitespace().collect();
    assert_says(
        &flat.join(" "),
        "augment rotation 5° or shear 15° (half for 1 and 7), scale 17.5 %, elastic sigma 5 alpha 37",
    );
    let bytes = fs::read(folder.path().join("model.bin")).unwrap();
    let model = model::from_bytes::<f32>(&bytes).unwrap();
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

#[test]
fn a_network_of_upright_images_sees_them_upright_ever_after() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let train = "train --hidden 8 --epochs 1 --valid 50000";
    let (stdout, _) = run(folder, &format!("{train} --deslant --out up.bin"), 0);
    assert_says(&stdout, "inputs    deslanted");
    run(folder, &format!("{train} --out as-it-is.bin"), 0);
    let model = |name| model::load::<f32>(&folder.join(name)).unwrap();
    assert!(model("up.bin").metadata.deslant && !model("as-it-is.bin").metadata.deslant);

    // What training has measured on the validation images is what any later command measures.
    let (stdout, _) = run(
        folder,
        &format!("{train} --deslant --out again.bin --json"),
        0,
    );
    let lines = json_lines(&stdout);
    let trained = &lines.iter().find(|line| line["event"] == "epoch").unwrap()["valid_loss"];
    let line = "eval up.bin as-it-is.bin --split valid --json";
    let both = json(folder, line, 0);
    assert_eq!(&both["members"][0]["loss"], trained);
    assert_ne!(&both["members"][1]["loss"], trained);

    // Test image 8 leans.
    let explained = json(folder, "explain up.bin --index 8 --json", 0);
    let images = mlp::data::load(&mnist_files::official_dir())
        .unwrap()
        .test
        .images;
    let mut x = images.row(8).mapv(|grey| f64::from(grey) / 255.0).to_vec();
    let leaning = x.clone();
    deslant::deslant(&mut x, COLS, 0.0);
    assert_ne!(x, leaning);
    let seen = explained["modules"][0]["x"].as_array().unwrap();
    for (seen, x) in seen.iter().zip(&x) {
        assert!(
            (seen.as_f64().unwrap() - x).abs() < 1e-12,
            "{seen}, not {x}"
        );
    }

    let preview = "augment-preview --images 2 --epochs 1 --out";
    run(folder, &format!("{preview} leaning.png"), 0);
    let (_, stderr) = run(folder, &format!("{preview} upright.png --deslant"), 0);
    assert_says(&stderr, "--augment ciresan2010 --deslant");
    let picture = |name| read_png(&folder.join(name)).0;
    assert_ne!(picture("leaning.png"), picture("upright.png"));
}
