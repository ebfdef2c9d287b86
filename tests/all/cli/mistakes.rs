//! Mistakes on the command line: planted, named, and found in the gradients of others.

use std::{fs, path::Path};

use mlp::{
    check::mistakes::{Gradients, Mistake, right_gradients},
    data::batch::Batch,
    files::model,
};
use ndarray::Array2;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::support::program::{command, json, json_lines, run};

#[test]
fn every_listed_mistake_can_be_injected_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (list, _) = run(folder.path(), "gradcheck --list-mistakes --json", 0);
    let list = json_lines(&list);
    assert!(list.len() >= 48);
    for mistake in list {
        let name = mistake["name"].as_str().unwrap();
        if !mistake["inject"].as_bool().unwrap() {
            continue;
        }
        let line = format!("gradcheck --inject {name} --json --samples 10");
        let found = json(folder.path(), &line, 1);
        let named = found["groups"][0]["diagnosis"]["mistakes"]
            .as_array()
            .unwrap();
        assert!(
            named.iter().any(|found| found["name"] == name),
            "{name}: {named:?}"
        );
    }
}

#[test]
fn what_mends_a_mistake_is_the_formula_of_the_activation_at_its_place() {
    let folder = tempfile::tempdir().unwrap();
    for (flags, expected) in [
        (
            "leaky-relu --inject relu-mask-missing",
            "dx = dy where x > 0, else 0.01·dy",
        ),
        (
            "leaky-relu --inject upstream-ignored",
            "dx = dy where x > 0, else 0.01·dy",
        ),
        ("gelu --inject upstream-ignored", "dx = dy·((1 + t)/2"),
        ("gelu --inject slope-missing", "GELU: dx = dy·((1 + t)/2"),
        (
            "scaled-tanh --inject slope-from-x",
            "dx = dy·(2/3)/1.7159·(1.7159² − y²)",
        ),
        (
            "relu --inject relu-mask-missing",
            "dx = dy where x > 0, else 0\n",
        ),
    ] {
        let line = format!("gradcheck --hidden 12 --samples 10 --activation {flags}");
        let (report, _) = run(folder.path(), &line, 1);
        assert!(report.contains(expected), "{flags}: {report}");
    }
}

#[test]
fn the_report_has_the_name_and_what_mends_it() {
    let folder = tempfile::tempdir().unwrap();
    let line = "gradcheck --inject relu-mask-missing --hidden 20 --loss mse";
    let (report, _) = run(folder.path(), line, 1);
    assert!(
        report.contains("looks like relu-mask-missing in module 1"),
        "{report}"
    );
    assert!(report.contains("dx = dy where x > 0, else 0"), "{report}");
    let line = "gradcheck --inject mean-missing --hidden 20";
    let (report, _) = run(folder.path(), line, 1);
    let ratio = "what is wrong is 8.0000 times what it should be"; // batches of 8
    assert!(report.contains(ratio), "{report}");
}

#[test]
fn a_mistake_that_cannot_be_made_is_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    for (args, expected) in [
        (
            "gradcheck --inject relu-mask-missing --hidden none",
            "a hidden layer with ReLU",
        ),
        (
            "gradcheck --inject shared-relu --hidden 20",
            "two hidden layers of one width",
        ),
        ("gradcheck --inject two-missing --loss ce", "--loss mse"),
        ("gradcheck --inject two-missing --loss bce", "--loss mse"),
        (
            "gradcheck --inject sigmoid-slope-besides --loss ce",
            "--loss bce",
        ),
        (
            "gradcheck --inject relu-mask-of-another --hidden 20,20",
            "three hidden layers of one width",
        ),
        (
            "gradcheck --inject broadcast-n-by-n --loss ce",
            "--loss mse --target digit",
        ),
        (
            "gradcheck --inject weight-reshaped --hidden none",
            "another width above it",
        ),
        (
            "gradcheck --inject before-activation-in-dw --dropout 0.5",
            "without dropout",
        ),
        (
            "gradcheck --inject pixels-to-255",
            "its gradient is right for the network that it makes; mlp gradcheck --against names it",
        ),
        (
            "train --inject weight-decay --epochs 1",
            "it is what --weight-decay does",
        ),
        (
            "train --inject slope-from-x --epochs 1",
            "--activation tanh",
        ),
        ("train --inject nonsense", "invalid value 'nonsense'"),
        ("gradcheck --against grads.npz", "--model"),
    ] {
        let (_, stderr) = run(folder.path(), args, 2);
        assert!(stderr.contains(expected), "{args}: {stderr}");
    }
    assert!(
        fs::read_dir(folder.path()).unwrap().next().is_none(),
        "nothing is written"
    );
}

#[test]
fn training_with_a_mistake_says_so_keeps_it_in_the_file_and_repeats_itself() {
    let folder = tempfile::tempdir().unwrap();
    let train =
        "train --inject shared-relu --hidden 12,12 --epochs 1 --valid 55000 --batch-size 50";
    let (stdout, _) = run(folder.path(), &format!("{train} --out a.bin"), 0);
    assert!(
        stdout.contains("shared-relu, planted on purpose"),
        "{stdout}"
    );
    let line = format!("{train} --out b.bin --threads 3");
    run(folder.path(), &line, 0);
    let bytes = |name| fs::read(folder.path().join(name)).unwrap();
    assert_eq!(bytes("a.bin"), bytes("b.bin"));
    let model = model::load::<f32>(&folder.path().join("a.bin")).unwrap();
    let inject = model.metadata.training.inject.unwrap();
    assert_eq!(inject.name(), "shared-relu");
    let line = format!("{} --out c.bin", train.replace("--inject shared-relu", ""));
    run(folder.path(), &line, 0);
    let other = model::load::<f32>(&folder.path().join("c.bin")).unwrap();
    let same = model
        .network
        .values()
        .zip(other.network.values())
        .all(|(a, b)| a == b);
    assert!(!same, "the mistake has changed the training");

    // The file has weights alone: its gradients are right.
    let (_, stderr) = run(folder.path(), "gradcheck --model a.bin --samples 20", 0);
    assert!(
        stderr.contains("was trained with shared-relu injected"),
        "{stderr}"
    );
    let (_, stderr) = run(folder.path(), "gradcheck --model c.bin --samples 20", 0);
    assert!(!stderr.contains("injected"), "{stderr}");
}

#[test]
fn every_mistake_can_be_trained_with() {
    let folder = tempfile::tempdir().unwrap();
    let networks = [
        "--hidden 12,12",
        "--hidden 12,12 --loss mse --target digit --lr 0.01",
        "--hidden 12,12,12",
        "--hidden 12,12 --activation tanh",
        "--hidden 12 --dropout 0.5",
    ];
    // Training on the ten digits has no loss with a sigmoid.
    let of_ten = |mistake: &&Mistake| **mistake != Mistake::SigmoidSlopeBesides;
    let plantable = Mistake::ALL.iter().filter(|mistake| mistake.plantable());
    for mistake in plantable.filter(of_ten) {
        let train = format!("train --inject {mistake} --epochs 1 --valid 55000 --force");
        let ends = networks.iter().map(|network| {
            let mut command = command(folder.path(), &format!("{train} {network}"));
            let output = command.output().unwrap();
            let errors = String::from_utf8(output.stderr).unwrap();
            (output.status.code(), errors)
        });
        // In the first network that it fits.
        let mut trained = ends.filter(|(code, _)| *code != Some(2));
        let (code, errors) = trained.next().expect("a network that it fits");
        let diverged = code == Some(1) && errors.contains("did not converge");
        assert!(code == Some(0) || diverged, "{mistake}: {code:?}, {errors}");
    }
}

/// The right gradients of the batch in `batch.safetensors`.
fn right(folder: &Path) -> Gradients {
    let bytes = fs::read(folder.join("batch.safetensors")).unwrap();
    let batch = SafeTensors::deserialize(&bytes).unwrap();
    let (x, targets) = (batch.tensor("x").unwrap(), batch.tensor("targets").unwrap());
    let pixels = x
        .data()
        .as_chunks::<4>()
        .0
        .iter()
        .map(|v| f64::from(f32::from_le_bytes(*v)));
    let images = Batch {
        x: Array2::from_shape_vec((x.shape()[0], x.shape()[1]), pixels.collect()).unwrap(),
        targets: targets
            .data()
            .as_chunks::<8>()
            .0
            .iter()
            .map(|v| v[0])
            .collect(),
    };
    let model = model::load::<f64>(&folder.join("model.bin")).unwrap();
    right_gradients(&model.network, model.metadata.loss, &images, None)
}

/// Writes gradients as PyTorch has them.
fn write(folder: &Path, gradients: &Gradients) {
    let tensors = gradients.iter().map(|(name, gradient)| {
        let bytes: Vec<u8> = gradient
            .t()
            .iter()
            .flat_map(|&v| (v as f32).to_le_bytes())
            .collect();
        let (i, o) = gradient.dim();
        let shape = if name.ends_with("bias") && i == 1 {
            vec![o]
        } else {
            vec![o, i]
        };
        (name.clone(), shape, bytes)
    });
    let tensors: Vec<_> = tensors.collect();
    let views = tensors.iter().map(|(name, shape, bytes)| {
        (
            name.clone(),
            TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap(),
        )
    });
    fs::write(
        folder.join("grads.safetensors"),
        safetensors::serialize(views, None).unwrap(),
    )
    .unwrap();
}

#[test]
fn the_gradients_of_others_are_judged_and_their_mistake_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let train = "train --epochs 1 --hidden 20 --valid 55000 --quiet";
    run(folder, train, 0);
    let export = "export-batch model.bin --out batch.safetensors";
    run(folder, export, 0);
    let (_, stderr) = run(folder, export, 1);
    assert!(stderr.contains("--force"), "{stderr}");
    let against = "gradcheck --model model.bin --against grads.safetensors";

    write(folder, &right(folder));
    let (stdout, _) = run(folder, against, 0);
    assert!(stdout.contains("all 4 gradients are right"), "{stdout}");

    let n = 8.0;
    type Change = fn(&mut Gradients, f64);
    let changes: [(Change, &str); 4] = [
        (|g, n| g[1].1 /= n, "looks like bias-averaged in module 0"),
        (
            |g, n| g.iter_mut().for_each(|g| g.1 *= n),
            "looks like mean-missing",
        ),
        (|g, _| g[2].1 *= 3.0, "3.0000 times the right one"),
        (|g, _| g[2].1[[1, 1]] += 1.0, "no known mistake fits"),
    ];
    for (change, expected) in changes {
        let mut gradients = right(folder);
        change(&mut gradients, n);
        write(folder, &gradients);
        let (stdout, _) = run(folder, against, 1);
        assert!(stdout.contains(expected), "{expected}: {stdout}");
    }
    let rights: [(Change, &str); 2] = [
        (|g, _| g[2].1 = g[2].1.t().to_owned(), "ok, transposed"),
        (|g, _| drop(g.remove(3)), "3 right, 1 not in the file"),
    ];
    for (change, expected) in rights {
        let mut gradients = right(folder);
        change(&mut gradients, n);
        write(folder, &gradients);
        let (stdout, _) = run(folder, against, 0);
        assert!(stdout.contains(expected), "{expected}: {stdout}");
    }
    fs::write(folder.join("grads.safetensors"), "no tensors").unwrap();
    let (_, stderr) = run(folder, against, 1);
    assert!(stderr.contains("np.savez"), "{stderr}");
}

/// Writes arrays (O, I) in `f32` under their names.
fn write_arrays(path: &Path, arrays: &[(&str, [usize; 2], &[f32])]) {
    let bytes: Vec<Vec<u8>> = arrays
        .iter()
        .map(|(_, _, values)| values.iter().flat_map(|v| v.to_le_bytes()).collect())
        .collect();
    let views = arrays.iter().zip(&bytes).map(|((name, shape, _), bytes)| {
        let view = TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap();
        (*name, view)
    });
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

#[test]
fn what_cannot_be_judged_at_all_has_an_exit_code_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // p − 1 = −3.1e-7: in float32 a tenth more of it is rounding, or is not.
    let net = r#"{"x": [[1, 0.5]], "t": [1], "layers": [{"w": [[15, 0]], "b": [0]}], "loss": "bce",
                  "orientation": "outputs-inputs"}"#;
    fs::write(folder.join("net.json"), net).unwrap();
    let q = (-1.1 / (1.0 + 15_f64.exp())) as f32;
    let grads = folder.join("grads.safetensors");
    let against = "gradcheck --net net.json --against grads.safetensors";
    let sure: [(&str, [usize; 2], &[f32]); 2] = [
        ("0.weight", [1, 2], &[q, q / 2.0]),
        ("0.bias", [1, 1], &[q]),
    ];
    write_arrays(&grads, &sure);
    let (stdout, _) = run(folder, against, 3);
    let said = "nothing in the file could be judged: 2 cannot be told from wrong ones";
    assert!(stdout.contains(said), "{stdout}");
    let found = json(folder, &format!("{against} --json"), 3);
    assert_eq!(found["passed"], false, "{found}");

    // One that is wrong is enough to judge.
    write_arrays(&grads, &[sure[0], ("0.bias", [1, 1], &[1.0])]);
    run(folder, against, 1);
    // Nothing that is a gradient of this network.
    write_arrays(&grads, &[("epochs", [1, 3], &[1.0, 2.0, 3.0])]);
    let (stdout, stderr) = run(folder, against, 3);
    assert!(stdout.contains("nothing in the file"), "{stdout}{stderr}");
}

#[test]
fn whoever_uses_a_model_is_told_of_the_mistake_planted_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let few = "--hidden 4 --valid 59900 --epochs 1 --quiet";
    let plant = format!("train {few} --inject relu-mask-missing --out broken.bin");
    run(folder, &plant, 0);
    run(folder, &format!("train {few}"), 0);
    let said = "note: broken.bin: trained with a planted mistake, relu-mask-missing\n";
    for line in [
        "eval broken.bin",
        "explain broken.bin",
        "export broken.bin --to c",
        "compare model.bin broken.bin",
        "plot broken.bin --out plots",
        "gradcheck --model broken.bin --samples 5",
        "train --from broken.bin --valid 59900 --epochs 1 --out more.bin",
    ] {
        let (_, stderr) = run(folder, line, 0);
        assert!(stderr.contains(said), "{line}: {stderr}");
    }
    let (_, stderr) = run(folder, "eval model.bin", 0);
    assert!(!stderr.contains("planted"), "{stderr}");
}
