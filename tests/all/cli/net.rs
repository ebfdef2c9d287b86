//! `--net`: networks of one's own, as a user explains, checks and exports them.

use std::{fs, path::Path};

use serde_json::Value;

use crate::support::program::{json, run};

fn example(name: &str) -> String {
    format!("{}/examples/nets/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_gradients_of_the_examples_are_right() {
    let folder = tempfile::tempdir().unwrap();
    for (name, elements) in [("mazur.json", 12), ("lesson-4-4-1.json", 25)] {
        let net = example(name);
        let (text, stderr) = run(folder.path(), &format!("gradcheck --net {net}"), 0);
        let expected = format!("all 4 gradients are right: {elements} elements");
        assert!(text.contains(&expected), "{text}");
        assert!(stderr.contains("mlp explain --net"), "{stderr}");
        let report = json(folder.path(), &format!("gradcheck --net {net} --json"), 0);
        assert_eq!(report["passed"], true);
        assert_eq!(report["groups"][0]["tensors"][0]["name"], "0.weight");
    }
    // A tolerance that nothing can keep.
    let line = format!("gradcheck --net {} --tol 1e-30", example("mazur.json"));
    let (text, _) = run(folder.path(), &line, 1);
    assert!(text.contains("gradients are wrong"), "{text}");
}

#[test]
fn the_published_example_is_explained_to_every_digit() {
    let folder = tempfile::tempdir().unwrap();
    let net = example("mazur.json");
    let (text, _) = run(
        folder.path(),
        &format!("explain --net {net} --precision 9"),
        0,
    );
    for expected in [
        "2-2-2, Sigmoid, Sigmoid, mse, reduction sum/2; 1 row",
        "y = [0.593269992, 0.596884378]",
        "y = [0.751365070, 0.772928465]",
        "= 1.105905967",
        "0.274811083", // the error of the first output
        "0.0235600256",
        "L = ½·Σ (y − t)² = 0.298371109; dy = y − t",
        "dw[0] = [0.0821670406, -0.0226025405]",
        "dw[0] = [0.000438567734, 0.000497712735]",
        "of the weights; the biases are kept: w ← w − lr·dw, lr = 0.5",
        "0.149780716133",
        "0.199561432266",
        "0.249751143632",
        "0.299502287265",
        "0.358916479718",
        "0.408666186076",
        "0.511301270239",
        "0.561370121108",
        "L = 0.298371108760 before, 0.291027773694 after",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let all = json(folder.path(), &format!("explain --net {net} --json"), 0);
    let number = |value: &Value| value.as_f64().unwrap();
    assert!((number(&all["loss"]) - 0.298371109).abs() < 5e-10);
    assert!((number(&all["modules"][2]["dw"][0][0]) - 0.082167041).abs() < 5e-10);
    assert!((number(&all["after_step"]["params"]["2.w"][0][0]) - 0.35891648).abs() < 5e-10);
    assert!((number(&all["after_step"]["loss"]) - 0.291027774).abs() < 5e-10);
    let line = format!("explain --net {net} --json --lr 0.25");
    assert_eq!(json(folder.path(), &line, 0)["learning_rate"], 0.25);
}

#[test]
fn every_row_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let net = r#"{"x": [[1, 2], [3, 4]], "t": [2, 0], "loss": "ce",
        "layers": [{"w": [[1, 0], [0, 1], [1, 1]], "b": 0.5}]}"#;
    fs::write(folder.path().join("net.json"), net).unwrap();
    let (text, _) = run(folder.path(), "explain --net net.json", 0);
    for expected in [
        "2-3, cross-entropy; 2 rows",
        "x[1] = [3.0000, 4.0000]",
        "y[1] = [3.5000, 4.5000, 7.5000]",
        "softmax p",
        "L = −Σ t·ln p / N",
        "N = 2, C = 3",
        "0 w[1][2]",
        "0 b[2]",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn a_net_is_drawn_and_written_as_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let net = example("mazur.json");
    let line = format!("explain --net {net} --svg net.svg --html page.html --precision 9");
    let (text, stderr) = run(folder.path(), &line, 0);
    assert!(text.contains("saved page.html"), "{text}");
    assert!(!text.contains("forward"), "the page has it: {text}");
    assert!(
        stderr.contains("saved net.svg") && stderr.contains("page.html"),
        "{stderr}"
    );
    let (svg, page) = (read("net.svg"), read("page.html"));
    for number in ["0.593269992", "0.0821670406", "0.298371109", "0.751365070"] {
        let number = format!(">{number}</text>");
        assert!(svg.contains(&number) && page.contains(&number), "{number}");
    }
    // Files of ours are replaced, others are not.
    run(folder.path(), &line, 0);
    fs::write(folder.path().join("net.svg"), "mine").unwrap();
    let (_, stderr) = run(folder.path(), &line, 1);
    assert!(stderr.contains("--force"), "{stderr}");
    assert_eq!(read("net.svg"), "mine");
    run(folder.path(), &format!("{line} --force"), 0);
    assert_eq!(read("net.svg"), svg);
    // Beside the numbers as JSON.
    let all = json(
        folder.path(),
        &format!("explain --net {net} --json --svg net.svg"),
        0,
    );
    assert_eq!(all["learning_rate"], 0.5);
}

#[test]
fn a_row_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let net = r#"{"x": [[1, 2], [3, 4.5]], "t": [2, 0], "loss": "ce",
        "layers": [{"w": [[1, 0], [0, 1], [1, 1]], "b": 0.5}]}"#;
    fs::write(folder.path().join("net.json"), net).unwrap();
    for (row, x) in [("", "2.0000"), (" --row 1", "4.5000")] {
        run(
            folder.path(),
            &format!("explain --net net.json --svg a.svg{row}"),
            0,
        );
        let svg = fs::read_to_string(folder.path().join("a.svg")).unwrap();
        assert!(svg.contains(&format!("data-number=\"x:1\">{x}<")), "{svg}");
        assert!(svg.contains("all 2 rows, as a step uses them"));
    }
}

#[test]
fn what_is_exported_is_explained_and_checked_as_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let net = example("lesson-4-4-1.json");
    let same = json(folder.path(), &format!("explain --net {net} --json"), 0);
    for out in ["batch.npz", "batch.safetensors"] {
        let line = format!("export-batch --net {net} --out {out}");
        let (text, _) = run(folder.path(), &line, 0);
        assert!(
            text.contains("x (1, 4), targets (1, 1) and 25 parameters"),
            "{text}"
        );
        assert_eq!(
            json(folder.path(), &format!("explain --net {out} --json"), 0),
            same
        );
        run(folder.path(), &format!("gradcheck --net {out}"), 0);
        let (_, stderr) = run(folder.path(), &line, 1);
        assert!(stderr.contains("--force"), "{stderr}");
    }
}

#[test]
fn what_cannot_be_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let net = example("mazur.json");
    for (args, code, expected) in [
        (
            "explain --net NET --svg a.svg --row 1",
            2,
            "--row 1: x has 1 row, counted from 0",
        ),
        ("explain --net NET --force", 2, "--force goes with --svg"),
        ("explain --row 1 --svg a.svg", 2, "--net"),
        ("explain --net NET --row 0", 2, "--row goes with --svg or"),
        (
            "explain --net NET --json --html a.html",
            2,
            "cannot be used",
        ),
        (
            "explain --net wide.json --svg a.svg",
            1,
            "wide.json: 65 inputs, expected at most 64 for a drawing: explain it without --svg and --html",
        ),
        ("explain --net wide.json --html a.svg", 1, "65 inputs"),
        (
            "explain --net large.json --svg a.svg",
            1,
            "the loss or a gradient is inf, expected finite numbers",
        ),
        (
            "explain --net long.json --html a.svg",
            1,
            "1001 rows of x, expected at most 1000",
        ),
        ("explain --net NET --index 3", 2, "cannot be used with"),
        ("explain --net NET --hidden 3", 2, "cannot be used with"),
        ("gradcheck --net NET --hidden 3", 2, "cannot be used with"),
        (
            "export-batch --net NET --batch-size 3",
            2,
            "cannot be used with",
        ),
        ("export-batch", 2, "required"),
        ("explain --net none.json", 1, "none.json: no such file"),
        (
            "gradcheck --net large.json",
            1,
            "the loss is inf, expected a finite number",
        ),
        ("gradcheck --net bad.json", 1, "bad.json: loss is missing"),
    ] {
        let large = r#"{"x": [1e300], "t": [0], "loss": "mse", "layers": [{"w": 1e300}]}"#;
        fs::write(folder.path().join("large.json"), large).unwrap();
        let bad = r#"{"x": [1], "t": [0], "layers": [{"w": 1}]}"#;
        fs::write(folder.path().join("bad.json"), bad).unwrap();
        let ones = |n: usize| vec!["1"; n].join(",");
        let wide = format!(
            r#"{{"x": [{0}], "t": [0], "loss": "mse", "layers": [{{"w": [[{0}]]}}]}}"#,
            ones(65)
        );
        fs::write(folder.path().join("wide.json"), wide).unwrap();
        let long = format!(
            r#"{{"x": [{0}], "t": [{0}], "loss": "mse", "layers": [{{"w": 1}}]}}"#,
            ones(1001)
        );
        fs::write(folder.path().join("long.json"), long).unwrap();
        let (_, stderr) = run(folder.path(), &args.replace("NET", &net), code);
        assert!(stderr.contains(expected), "{args}: {stderr}");
    }
    assert!(!Path::new(&folder.path().join("a.svg")).exists());
}

#[test]
fn square_weights_are_pointed_out() {
    let folder = tempfile::tempdir().unwrap();
    let net = |more: &str| {
        let net = format!(
            r#"{{"x": [1, 2], "t": [1, 2], "loss": "mse", "layers": [{{"w": [[1, 2], [3, 4]]}}]{more}}}"#
        );
        fs::write(folder.path().join("net.json"), net).unwrap();
        run(folder.path(), "explain --net net.json", 0)
    };
    let (text, stderr) = net("");
    assert!(stderr.contains("the weights are square"), "{stderr}");
    assert!(text.contains("y = [5.0000, 11.0000]"), "{text}");
    let (text, stderr) = net(r#", "orientation": "inputs-outputs""#);
    assert!(!stderr.contains("square"), "{stderr}");
    assert!(text.contains("y = [7.0000, 10.0000]"), "{text}");
}
