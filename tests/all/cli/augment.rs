//! `mlp augment-preview` and `mlp train --augment` as a user runs them.

use std::{fs, path::Path};

use mlp::{
    data::{COLS, augment::Preset, deslant},
    files::model,
};
use tempfile::tempdir;

use crate::support::{
    mnist_files::{assert_says, official_dir},
    program::{json, json_lines, run},
};

type Rgb = [u8; 3];

/// The pixels of a PNG, row by row.
fn read_png(path: &Path) -> Vec<Vec<Rgb>> {
    let file = std::io::BufReader::new(fs::File::open(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    assert_eq!(info.color_type, png::ColorType::Rgb);
    let (pixels, []) = bytes.as_chunks() else {
        panic!("{} bytes", bytes.len())
    };
    let rows = pixels.chunks(info.width as usize);
    rows.map(<[_]>::to_vec).collect()
}

/// The images of a preview in a row through `y`, each the pixels between its outlines.
fn images_at(picture: &[Vec<Rgb>], y: usize) -> Vec<Vec<&[Rgb]>> {
    const OUTLINE: Rgb = [0xb1, 0xb8, 0xc2];
    let row = &picture[y];
    let is_outline = |x: &usize| row[*x] == OUTLINE;
    let outlines: Vec<_> = (0..row.len()).filter(is_outline).collect();
    let edges = outlines.windows(2).filter(|w| w[1] > w[0] + 70);
    let image = |edge: &[usize]| {
        let rows = picture[y - 38..y + 38].iter();
        rows.map(|row| &row[edge[0] + 1..edge[1]]).collect()
    };
    edges.map(image).collect()
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
    // The middle of the first row of images.
    let y = 2 * 82 + 3 * 14;
    let still = picture("--rotation 0");
    let images = images_at(&still, y);
    assert_eq!(images.len(), 4, "the original and three epochs");
    let original = &images[0];
    let ink = original.iter().flat_map(|row| *row).min().unwrap();
    assert!(ink < &[0x20; 3], "digits are ink on paper, not {ink:?}");
    for image in &images {
        assert_eq!(image, original, "no strength, no change");
    }
    let moving = picture("");
    let images = images_at(&moving, y);
    assert_eq!(&images[0], original);
    assert_ne!(&images[1], original);
    assert_eq!(picture("--augment ciresan2010"), moving, "what is usual");
    assert_ne!(picture("--seed 2"), moving);
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
    assert_eq!(
        model.metadata.training.settings.augmentation,
        Some(expected)
    );
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
    assert!(
        model("up.bin").metadata.preprocessing.deslant
            && !model("as-it-is.bin").metadata.preprocessing.deslant
    );

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
    assert_eq!(&both["each"][0]["loss"], trained);
    assert_ne!(&both["each"][1]["loss"], trained);

    // Test image 8 leans.
    let explained = json(folder, "explain up.bin --index 8 --json", 0);
    let images = mlp::data::load(&official_dir()).unwrap().test.images;
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
    let picture = |name| read_png(&folder.join(name));
    assert_ne!(picture("leaning.png"), picture("upright.png"));
}
