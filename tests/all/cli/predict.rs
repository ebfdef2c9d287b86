//! `mlp predict` as a user runs it.

use std::{fs, path::Path, process::Stdio};

use mlp::data::{self, Dataset};

use crate::support::{
    mnist_files::official_dir,
    own_data::{idx, png},
    program::{command, json, json_lines, run, texts},
};

/// The first `n` test images of MNIST.
fn digits(n: usize) -> Dataset {
    let data = data::load(&official_dir()).unwrap();
    data.test.select(&Vec::from_iter(0..n))
}

fn train(dir: &Path) {
    run(dir, "train --quiet --hidden 20 --epochs 2", 0);
}

/// An image four times as large, dark on light, with paper around it.
fn large(pixels: &[u8]) -> Vec<u8> {
    let (zoom, margin) = (6, 40);
    let side = 28 * zoom + 2 * margin;
    let mut large = vec![235_u8; side * side];
    for row in 0..28 * zoom {
        for col in 0..28 * zoom {
            let grey = pixels[row / zoom * 28 + col / zoom];
            large[(row + margin) * side + col + margin] = 235 - (u16::from(grey) * 200 / 255) as u8;
        }
    }
    png(side, side, &large)
}

#[test]
fn a_picture_of_the_models_size_is_classified_as_eval_does() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    train(dir);
    let digits = digits(60);
    let mut line = "predict model.bin --json".to_owned();
    for (n, image) in digits.images.rows().into_iter().enumerate() {
        fs::write(dir.join(format!("{n}.png")), png(28, 28, &image.to_vec())).unwrap();
        line += &format!(" {n}.png");
    }
    let (stdout, _) = run(dir, &line, 0);
    let found = json_lines(&stdout);
    assert_eq!(found.len(), 60);
    for (found, image) in found.iter().zip(digits.images.rows()) {
        let pixels: Vec<u8> = serde_json::from_value(found["pixels"].clone()).unwrap();
        assert_eq!(pixels, image.to_vec(), "to the bit");
        let p: Vec<f64> = serde_json::from_value(found["probabilities"].clone()).unwrap();
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-5);
    }
    // The same images as an IDX file: the same classes, and how many are right.
    fs::write(dir.join("some-images-idx3-ubyte"), {
        let pixels: Vec<u8> = digits.images.iter().copied().collect();
        idx(&[60, 28, 28], &pixels)
    })
    .unwrap();
    fs::write(
        dir.join("some-labels-idx1-ubyte"),
        idx(&[60], &digits.labels),
    )
    .unwrap();
    let (stdout, _) = run(dir, "predict model.bin some-images-idx3-ubyte --json", 0);
    let many = json_lines(&stdout);
    for ((one, other), label) in found.iter().zip(&many).zip(&digits.labels) {
        assert_eq!(one["probabilities"], other["probabilities"]);
        assert_eq!(other["expected"], label.to_string());
    }
    let (stdout, _) = run(dir, "predict model.bin some-images-idx3-ubyte", 0);
    assert!(stdout.contains("of 60 with a label"), "{stdout}");
    let (stdout, _) = run(dir, "predict model.bin some-images-idx3-ubyte --csv", 0);
    let lines: Vec<_> = stdout.lines().collect();
    assert_eq!((lines[0], lines.len()), ("ImageId,Label", 61));
    assert!(lines[1].starts_with("1,"), "{stdout}");
}

#[test]
fn a_large_dark_digit_on_light_paper_says_what_was_done_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    train(dir);
    let digits = digits(20);
    let mut right = 0;
    for (n, image) in digits.images.rows().into_iter().enumerate() {
        fs::write(dir.join("big.png"), large(&image.to_vec())).unwrap();
        let found = json(dir, "predict model.bin big.png --json", 0);
        right += usize::from(found["label"] == digits.labels[n]);
    }
    assert!(right >= 17, "{right} of 20");
    let (stdout, stderr) = run(dir, "predict model.bin big.png --show steps.svg", 0);
    for words in ["inverted", "box", "centre", "%"] {
        assert!(stdout.contains(words), "{stdout}");
    }
    assert!(stderr.contains("saved steps.svg"), "{stderr}");
    assert!(
        stderr.contains("next: mlp explain model.bin --image big.png"),
        "{stderr}"
    );
    let svg = fs::read_to_string(dir.join("steps.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("what the network sees"));
    // From standard input the same.
    let mut piped = command(dir, "predict model.bin - --json");
    piped.stdin(Stdio::from(fs::File::open(dir.join("big.png")).unwrap()));
    let (stdout, _) = texts(&mut piped, 0);
    let from_file = json(dir, "predict model.bin big.png --json", 0);
    assert_eq!(
        json_lines(&stdout)[0]["probabilities"],
        from_file["probabilities"]
    );

    let (stdout, _) = run(dir, "explain model.bin --image big.png --target 3", 0);
    assert!(
        stdout.contains("big.png, a 3") && stdout.contains("target 3"),
        "{stdout}"
    );
    let (_, stderr) = run(dir, "explain model.bin --image big.png", 0);
    assert!(stderr.contains("takes it for"), "{stderr}");
}

#[test]
fn a_broken_picture_is_an_error_that_names_it_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    train(dir);
    let good = large(&digits(1).images.row(0).to_vec());
    fs::create_dir(dir.join("all")).unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(dir.join("all").join(name), bytes).unwrap();
    write("1.png", &good);
    write("2.png", &good[..good.len() / 2]);
    write("3.png", b"");
    write("4.png", b"<html>no picture</html>");
    write("10.png", &good);
    write("notes.txt", b"not looked at");
    let (stdout, stderr) = run(dir, "predict model.bin all --json", 1);
    let found = json_lines(&stdout);
    let names: Vec<_> = found
        .iter()
        .map(|f| f["picture"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["all/1.png", "all/10.png"]);
    for name in ["2.png", "3.png", "4.png"] {
        assert!(stderr.contains(name), "{stderr}");
    }
    assert!(
        stderr.contains("3 pictures could not be read, 2 could"),
        "{stderr}"
    );
    assert!(
        stderr.contains("no pictures by their names") || stderr.contains("left out"),
        "{stderr}"
    );

    let (_, stderr) = run(dir, "predict model.bin missing.png", 1);
    assert!(stderr.contains("missing.png"), "{stderr}");
    let (_, stderr) = run(dir, "predict model.bin all/1.png --raw", 1);
    assert!(stderr.contains("leave out --raw"), "{stderr}");
    let (_, stderr) = run(dir, "predict all/1.png all/10.png", 1);
    assert!(stderr.contains("all/1.png"), "{stderr}");
    let (_, stderr) = run(dir, "predict model.bin model.bin", 1);
    assert!(stderr.contains("name a picture"), "{stderr}");
}

#[test]
fn noise_and_a_blank_sheet_are_said_to_be_unlike_digits() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    train(dir);
    let noise: Vec<u8> = (0_u32..784)
        .map(|p| (p.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    fs::write(dir.join("noise.png"), png(28, 28, &noise)).unwrap();
    fs::write(dir.join("blank.png"), png(300, 300, &vec![240; 90_000])).unwrap();
    for name in ["noise.png", "blank.png"] {
        let found = json(dir, &format!("predict model.bin {name} --json"), 0);
        assert_eq!(found["unlike_training"], true, "{name}: {found}");
        let (stdout, _) = run(dir, &format!("predict model.bin {name}"), 0);
        assert!(stdout.contains("unlike the training images"), "{stdout}");
    }
    // What cannot be told is said to be so.
    run(
        dir,
        "train --quiet --hidden 8 --epochs 1 --valid 0 --out all.bin",
        0,
    );
    let (_, stderr) = run(dir, "predict all.bin noise.png", 0);
    assert!(stderr.contains("cannot be told"), "{stderr}");
}

#[test]
fn a_committee_averages_and_refuses_models_of_other_classes() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    train(dir);
    run(
        dir,
        "train --quiet --hidden 10 --epochs 1 --seed 2 --out b.bin",
        0,
    );
    run(
        dir,
        "train --quiet --hidden 10 --epochs 1 --positive 5 --out five.bin",
        0,
    );
    run(
        dir,
        "train --quiet --hidden 10 --epochs 1 --loss mse --target digit --out digit.bin",
        0,
    );
    fs::write(
        dir.join("x.png"),
        png(28, 28, &digits(1).images.row(0).to_vec()),
    )
    .unwrap();
    let p = |line: &str| -> Vec<f64> {
        serde_json::from_value(json(dir, line, 0)["probabilities"].clone()).unwrap()
    };
    let (a, b) = (
        p("predict model.bin x.png --json"),
        p("predict b.bin x.png --json"),
    );
    let both = p("predict model.bin b.bin x.png --json");
    for ((a, b), both) in a.iter().zip(&b).zip(&both) {
        assert!((f64::midpoint(*a, *b) - both).abs() < 1e-9);
    }
    let (_, stderr) = run(dir, "predict model.bin five.bin x.png", 1);
    assert!(stderr.contains("other classes"), "{stderr}");
    let five = json(dir, "predict five.bin x.png --json", 0);
    assert_eq!(five["class"], "not 5", "{five}");
    let (stdout, _) = run(dir, "predict digit.bin x.png", 0);
    assert!(stdout.contains("output"), "{stdout}");
}
