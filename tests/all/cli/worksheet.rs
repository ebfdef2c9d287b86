//! `mlp worksheet` as a teacher and a pupil run it.

use std::{fs, path::Path};

use serde_json::Value;

use crate::support::program::{json, run};

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

/// Fills in a form with what `answer` makes of each name and its right answer.
fn fill_in(folder: &Path, answer: impl Fn(&str, f64) -> String) {
    let right = json(
        folder,
        "worksheet --check answers.csv --show-answers --json",
        1,
    );
    let right = right["blanks"].as_array().unwrap().clone();
    let of = |name: &str| {
        let mark = right.iter().find(|mark| mark["name"] == name);
        mark.unwrap()["answer"].as_f64().unwrap()
    };
    let lines = read(folder, "answers.csv");
    let lines = lines.lines().map(|line| match line.strip_suffix(',') {
        Some(name) => format!("{name},{}", answer(name, of(name))),
        None => line.to_owned(),
    });
    let filled = lines.collect::<Vec<_>>().join("\n");
    fs::write(folder.join("filled.csv"), filled).unwrap();
}

fn mark<'a>(marks: &'a Value, name: &str) -> &'a Value {
    let blanks = marks["blanks"].as_array().unwrap();
    blanks.iter().find(|mark| mark["name"] == name).unwrap()
}

#[test]
fn the_answers_of_a_sheet_filled_in_are_all_right() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for flags in [
        "--seed 5",
        "--hidden 3,2 --rows 2 --loss mse --activation tanh --seed 1 --precision 5",
        "--hidden none --loss bce --rows 3 --blank z,1 --lr 0.5",
    ] {
        let _ = fs::remove_file(folder.join("answers.csv"));
        let line = format!("worksheet {flags} --answer-form answers.csv");
        let (text, stderr) = run(folder, &line, 0);
        assert!(text.contains("saved worksheet.html"), "{text}");
        assert!(
            stderr.contains("next: mlp worksheet --check answers.csv"),
            "{stderr}"
        );
        let (text, _) = run(folder, "worksheet --check answers.csv", 1);
        assert!(text.contains("empty") && text.contains("0 of"), "{text}");
        fill_in(folder, |_, right| format!("{right:.5}"));
        let (text, stderr) = run(folder, "worksheet --check filled.csv", 0);
        assert!(
            text.contains(" right\n") && !text.contains("WRONG"),
            "{text}"
        );
        assert!(stderr.contains("--seed"), "{stderr}");
    }
}

#[test]
fn a_mistake_is_wrong_once_and_named_and_the_answer_is_not_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run(folder, "worksheet --seed 5 --answer-form answers.csv", 0);
    fill_in(folder, |name, right| match name {
        "dz2[0][0]" => format!("{:.4}", -right),
        _ => format!("{right:.4}"),
    });
    let (text, _) = run(folder, "worksheet --check filled.csv", 1);
    assert!(text.contains("looks like sign:"), "{text}");
    assert!(text.contains("WRONG"), "{text}");
    let marks = json(folder, "worksheet --check filled.csv --json", 1);
    let total = marks["of"].as_u64().unwrap();
    assert_eq!(marks["right"], total - 1);
    let wrong = mark(&marks, "dz2[0][0]");
    assert_eq!(
        (&wrong["verdict"], wrong.get("answer")),
        (&"wrong".into(), None)
    );
    assert_eq!(wrong["slip"]["mistake"], "sign");
}

#[test]
fn a_table_that_a_spreadsheet_has_saved_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run(
        folder,
        "worksheet --seed 5 --blank z,p,loss --answer-form answers.csv",
        0,
    );
    fill_in(folder, |_, right| format!("{right:.4}"));
    let table = read(folder, "filled.csv");
    let comma = table.lines().map(|line| match line.starts_with('#') {
        true => line.replace(',', ";") + ";", // taken apart at its commas
        false => line.replace(',', ";").replace('.', ","),
    });
    let comma = comma.collect::<Vec<_>>().join("\r\n");
    fs::write(folder.join("comma.csv"), format!("\u{feff}{comma}\r\n")).unwrap();
    let (text, _) = run(folder, "worksheet --check comma.csv", 0);
    assert!(text.contains("7 of 7 right"), "{text}");
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_another_sheet() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for format in ["html", "md"] {
        let sheet = |name: &str, seed| {
            let name = format!("{name}.{format}");
            run(folder, &format!("worksheet --seed {seed} --out {name}"), 0);
            read(folder, &name)
        };
        let (one, again, other) = (sheet("one", 1), sheet("again", 1), sheet("other", 2));
        assert!(one == again && one != other);
        assert!(one.contains("Answers") && one.contains("z1"), "{one}");
        for outside in ["<script", "http://", "https://", "url(", "@import"] {
            let outside_text = one.replace("http://www.w3.org/2000/svg", "");
            assert!(!outside_text.contains(outside), "{outside}");
        }
        let line = format!("worksheet --seed 1 --no-answers --out one.{format}");
        run(folder, &line, 0);
        let without = read(folder, &format!("one.{format}"));
        assert!(!without.contains("Answers") && without.len() < one.len());
    }
}

#[test]
fn a_network_of_ones_own_makes_a_sheet_that_knows_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let nets = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/nets");
    fs::copy(format!("{nets}/mazur.json"), folder.join("net.json")).unwrap();
    run(
        folder,
        "worksheet --net net.json --precision 6 --answer-form answers.csv",
        0,
    );
    let page = read(folder, "worksheet.html");
    assert!(page.contains("h1[0][0] = <b>0.593270</b>"), "{page}");
    assert!(!page.contains("b1_new"), "he keeps the biases");
    fill_in(folder, |_, right| format!("{right:.6}"));
    run(folder, "worksheet --check filled.csv", 0);
    // Beside the answers, if not in the working folder.
    fs::create_dir(folder.join("elsewhere")).unwrap();
    run(
        &folder.join("elsewhere"),
        "worksheet --check ../filled.csv",
        0,
    );
    fs::rename(folder.join("net.json"), folder.join("moved.json")).unwrap();
    let (_, stderr) = run(folder, "worksheet --check filled.csv", 1);
    assert!(stderr.contains("--net"), "{stderr}");
    run(folder, "worksheet --check filled.csv --net moved.json", 0);
    fs::copy(format!("{nets}/lesson-4-4-1.json"), folder.join("net.json")).unwrap();
    let (_, stderr) = run(folder, "worksheet --check filled.csv", 1);
    assert!(
        stderr.contains("another file than the sheet was made of"),
        "{stderr}"
    );
}

#[test]
fn answers_of_a_pupil_are_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let line = "worksheet --answer-form answers.csv";
    run(folder, line, 0);
    run(folder, line, 0); // still empty
    let filled = read(folder, "answers.csv").replace("L,", "L,0.5");
    fs::write(folder.join("answers.csv"), &filled).unwrap();
    let (_, stderr) = run(folder, line, 1);
    assert!(
        stderr.contains("still empty") && stderr.contains("--force"),
        "{stderr}"
    );
    assert_eq!(read(folder, "answers.csv"), filled);
    fs::write(folder.join("worksheet.html"), "my own").unwrap();
    let (_, stderr) = run(folder, "worksheet", 1);
    assert!(stderr.contains("not a worksheet of mlp"), "{stderr}");
    run(folder, &format!("{line} --force"), 0);
}

#[test]
fn what_makes_no_sheet_or_is_no_table_of_answers_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (flags, code, why) in [
        ("--hidden 5", 1, "fits a page"),
        ("--hidden 2,2,2", 1, "fits a page"),
        ("--outputs 1", 1, "--outputs 2"),
        ("--rows 4", 2, "from 1 to 3"),
        ("--blank dx", 2, "expected some of z, h"),
        ("--out sheet.pdf", 2, ".html or .md"),
        ("--net net.json --seed 1", 2, "cannot be used with"),
        ("--check a.csv --seed 1", 2, "cannot be used with"),
        ("--check a.csv --out b.html", 2, "cannot be used with"),
        ("--net gone.json", 1, "no such file"),
        ("--check gone.csv", 1, "gone.csv"),
        ("--check .", 1, "not a regular file"),
    ] {
        let (_, stderr) = run(folder, &format!("worksheet {flags}"), code);
        assert!(stderr.contains(why), "{flags}: {stderr}");
    }
    for (table, why) in [
        ("", "empty"),
        ("label,1,2\n", "name,answer"),
        ("name,answer\nL,1\n", "copy it from the top"),
        (
            "# mlp worksheet --seed 1 --out x.html\nname,answer\n",
            "top of the sheet",
        ),
        ("# mlp worksheet --hidden 9\nname,answer\n", "fits a page"),
        ("# mlp worksheet --net gone.json\nname,answer\n", "--net"),
        ("# mlp worksheet --help\nname,answer\n", "top of the sheet"),
    ] {
        fs::write(folder.join("a.csv"), table).unwrap();
        let (stdout, stderr) = run(folder, "worksheet --check a.csv", 1);
        assert!(
            stderr.contains(why) && stdout.is_empty(),
            "{table}: {stderr}"
        );
    }
    assert!(!folder.join("x.html").exists());
    // Nothing was asked: nothing is right.
    fs::write(
        folder.join("a.csv"),
        "# mlp worksheet --blank none\nname,answer\n",
    )
    .unwrap();
    let (text, _) = run(folder, "worksheet --check a.csv", 1);
    assert!(text.contains("0 of 0 right"), "{text}");
}

#[test]
fn a_form_does_not_replace_the_sheet_and_has_something_to_fill_in() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (_, error) = run(folder, "worksheet --out s.html --answer-form s.html", 2);
    assert!(error.contains("the same file"), "{error}");
    let (_, error) = run(folder, "worksheet --out s.html --answer-form ./s.html", 2);
    assert!(error.contains("the same file"), "{error}");
    let (_, error) = run(folder, "worksheet --blank none --answer-form a.csv", 2);
    assert!(error.contains("nothing is left blank"), "{error}");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
}
