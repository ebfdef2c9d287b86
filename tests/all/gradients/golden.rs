//! Every output, loss, gradient and step against PyTorch's autograd, in both precisions.
//!
//! The reference values are in tests/golden, made by scripts/golden.py.

use mlp::{
    explain::{Trace, judge},
    linalg::{Float, team::Team},
    loss::{Loss, LossKind, Weighted},
    nn::{Activation, Architecture, Linear, Mlp, in_training},
    rng::Noise,
    train::{Trainer, optim::Sgd},
};
use ndarray::{Array1, Array2, ArrayRef2, Axis, s};

use crate::support::golden::Golden;

/// A file of tests/golden, and what its network was trained for and consists of.
struct Case {
    name: String,
    loss: LossKind,
    activation: Activation,
    dropout: Vec<f64>,
}

/// Every network in tests/golden; what it is stands in the note of its file.
fn cases() -> Vec<Case> {
    let case = |name: String| {
        let note = Golden::open(&name).made_by();
        let (_, of) = note.split_once(", loss ")?;
        let words: Vec<_> = of.split([',', ' ']).collect();
        let loss = match words[0] {
            "ce" => LossKind::Ce,
            "smoothed-ce" => LossKind::SmoothedCe(0.1),
            "mse-onehot" => LossKind::MseOnehot,
            "mse-digit" => LossKind::MseDigit,
            "bce" => LossKind::Bce,
            other => panic!("{name}: loss {other}"),
        };
        let mut activations = Activation::ALL.into_iter();
        let activation = activations.find(|activation| words.contains(&activation.flag()));
        let dropout = match of.split_once('(') {
            Some((_, rates)) => rates.trim_end_matches(')').split(", "),
            None => "".split(", "),
        };
        Some(Case {
            loss,
            activation: activation.unwrap_or_default(),
            dropout: dropout.filter_map(|rate| rate.parse().ok()).collect(),
            name,
        })
    };
    Golden::names().into_iter().filter_map(case).collect()
}

#[test]
fn every_activation_and_loss_and_dropout_have_golden_values() {
    let cases = cases();
    for activation in Activation::ALL {
        let with = |case: &Case| case.activation == activation && case.dropout.is_empty();
        assert!(cases.iter().any(with), "{activation:?}");
    }
    for kind in [
        LossKind::Ce,
        LossKind::MseOnehot,
        LossKind::MseDigit,
        LossKind::Bce,
    ] {
        // None to three hidden layers.
        let with = cases.iter().filter(|case| case.loss == kind);
        assert!(with.count() >= 4, "{kind}");
    }
    let smoothed = |case: &Case| case.loss == LossKind::SmoothedCe(0.1);
    assert!(cases.iter().any(smoothed));
    let dropout = |case: &Case| case.dropout == [0.2, 0.5, 0.4];
    assert!(cases.iter().any(dropout));
}

/// The largest allowed |ours − PyTorch's|, relative to the largest element of the tensor or 1.
fn close<F: Float>(what: &str, ours: &ArrayRef2<F>, torch: &Array2<f64>, tolerance: f64) {
    assert_eq!(ours.dim(), torch.dim(), "{what}: shape");
    let scale = torch.fold(1.0_f64, |scale, v| scale.max(v.abs()));
    for ((index, ours), torch) in ours.indexed_iter().zip(torch) {
        let error = (ours.to_f64().unwrap() - torch).abs() / scale;
        assert!(
            error <= tolerance,
            "{what}{index:?}: {ours} against {torch}, error {error:e}"
        );
    }
}

/// The network of a case before training.
fn network<F: Float>(golden: &Golden, case: &Case) -> Mlp<F> {
    let linears = (0..20).filter_map(|m| {
        let w = golden.get(&format!("init.{m}.weight"))?;
        let b = golden.get(&format!("init.{m}.bias"))?;
        let (w, b) = (cast(&w.t()), cast(&b));
        let w = w.as_standard_layout().into_owned();
        Some(Linear::new(w, b.row(0).to_owned()))
    });
    let linears: Vec<_> = linears.collect();
    let outputs = linears.iter().map(|linear| linear.w.value.ncols());
    let architecture = Architecture {
        layers: std::iter::once(12).chain(outputs).collect(),
        activation: case.activation,
        dropout: case.dropout.clone(),
    };
    architecture.network(linears)
}

fn cast<F: Float>(a: &ArrayRef2<f64>) -> Array2<F> {
    a.mapv(|v| F::from(v).unwrap())
}

fn a_batch_and_ten_steps_match_pytorch<F: Float>(tolerance: f64) {
    for case in cases() {
        // Three threads share seven images: the shares differ, the sums may not.
        for threads in [1, 3] {
            let golden = Golden::open(&case.name);
            let loss = case.loss.build::<F>();
            let x: Array2<F> = cast(&golden.get("x").unwrap());
            let targets = golden.classes("targets");
            let n = targets.len();
            let network = network::<F>(&golden, &case);
            let case = format!("{} on {threads} threads: ", case.name);
            let modules = network.modules().len();
            let mut trainer = Trainer::new(network, &*loss, n, Team::new(threads));
            let noise = |step| Some(Noise::new(1, 1, step));

            trainer.tape.noise = noise(0);
            let result = trainer.gradients(&targets, |first, rows| {
                rows.assign(&x.slice(s![first..first + rows.nrows(), ..]));
            });
            let ours = Array1::from_vec(vec![result.loss]).insert_axis(Axis(0));
            close(
                &format!("{case}loss"),
                &ours,
                &golden.get("loss").unwrap(),
                tolerance,
            );
            let with_params = |m: &usize| trainer.network.modules()[*m].params().is_some();
            let first = (0..modules).find(with_params).unwrap();
            for m in 0..modules {
                let out = golden.get(&format!("out.{m}")).unwrap();
                close(
                    &format!("{case}out.{m}"),
                    &trainer.tape.y(m, n),
                    &out,
                    tolerance,
                );
                if m < first {
                    continue; // training needs no gradient there
                }
                let dout = golden.get(&format!("grad.out.{m}")).unwrap();
                close(
                    &format!("{case}grad.out.{m}"),
                    &trainer.tape.dy(m, n),
                    &dout,
                    tolerance,
                );
                for param in trainer.network.modules()[m].params().into_iter().flatten() {
                    let name = format!("grad.{m}.{}", param.name);
                    let grad = golden.get(&name).unwrap();
                    let grad = if param.name == "weight" {
                        grad.reversed_axes()
                    } else {
                        grad
                    };
                    close(&format!("{case}{name}"), &param.grad, &grad, tolerance);
                }
            }
            let mut dx = trainer.tape.dy(first, n).to_owned();
            for m in (0..=first).rev() {
                let dy = std::mem::replace(&mut dx, Array2::zeros(x.dim()));
                let noise = trainer.tape.rows_mut(n, n).next().unwrap().noise(m);
                let (x, y) = (trainer.tape.x(m, n), trainer.tape.y(m, n));
                in_training(&*trainer.network.modules()[m], noise, |module| {
                    module.backward_input(&x, &y, &dy, &mut dx);
                });
            }
            close(
                &format!("{case}grad.x"),
                &dx,
                &golden.get("grad.x").unwrap(),
                tolerance,
            );

            let learning_rate = F::from(golden.get("lr").unwrap()[[0, 0]]).unwrap();
            let losses = golden.get("losses").unwrap();
            let (xs, all_targets) = (
                golden.get("steps.x").unwrap(),
                golden.classes("steps.targets"),
            );
            for (step, targets) in all_targets.chunks(n).enumerate() {
                trainer.tape.noise = noise(step + 1);
                let x = cast::<F>(&xs.slice(s![step * n..(step + 1) * n, ..]));
                let gather = |first: usize, rows: &mut ArrayRef2<F>| {
                    rows.assign(&x.slice(s![first..first + rows.nrows(), ..]));
                };
                let result = trainer
                    .step(Sgd::new(learning_rate), targets, gather)
                    .unwrap();
                let torch = losses[[0, step]];
                let error = (result.loss - torch).abs() / torch.abs().max(1.0);
                assert!(
                    error <= tolerance,
                    "{case}step {step}: {} against {torch}",
                    result.loss
                );
            }
            for (m, module) in trainer.network.modules().iter().enumerate() {
                for param in module.params().into_iter().flatten() {
                    let name = format!("final.{m}.{}", param.name);
                    let weight = golden.get(&name).unwrap();
                    let weight = if param.name == "weight" {
                        weight.reversed_axes()
                    } else {
                        weight
                    };
                    close(&format!("{case}{name}"), &param.value, &weight, tolerance);
                }
            }
        }
    }
}

#[test]
fn in_f64_a_batch_and_ten_steps_match_pytorch() {
    a_batch_and_ten_steps_match_pytorch::<f64>(1e-13);
}

#[test]
fn in_f32_a_batch_and_ten_steps_match_pytorch() {
    a_batch_and_ten_steps_match_pytorch::<f32>(2e-5);
}

/// A balanced loss, against PyTorch's with weights and the mean over N.
#[test]
fn balanced_losses_match_pytorch() {
    let golden = Golden::open("weighted");
    for (case, kind, images) in [
        ("ce", LossKind::Ce, &[3, 1, 2][..]),
        ("bce", LossKind::Bce, &[3, 1]),
    ] {
        let loss = Weighted::balanced(kind.build::<f64>(), images);
        hand_made_outputs_match_pytorch(&golden, case, &loss, 1e-14);
    }
}

fn losses_on_hand_made_outputs_match_pytorch<F: Float>(tolerance: f64) {
    let golden = Golden::open("losses");
    for (case, kind) in [
        ("worked", LossKind::Ce),
        ("extreme", LossKind::Ce),
        ("smoothed", LossKind::SmoothedCe(0.1)),
        ("single-onehot", LossKind::MseOnehot),
        ("single-digit", LossKind::MseDigit),
        ("bce", LossKind::Bce),
        ("bce-extreme", LossKind::Bce),
        ("single-bce", LossKind::Bce),
    ] {
        hand_made_outputs_match_pytorch(&golden, case, &*kind.build::<F>(), tolerance);
    }
}

fn hand_made_outputs_match_pytorch<F: Float>(
    golden: &Golden,
    case: &str,
    loss: &dyn Loss<F>,
    tolerance: f64,
) {
    let get = |name: &str| golden.get(&format!("{case}.{name}")).unwrap();
    let outputs: Array2<F> = cast(&get("logits"));
    let targets = golden.classes(&format!("{case}.targets"));
    let (mut predictions, mut losses) =
        (Array2::zeros(outputs.dim()), Array1::zeros(targets.len()));
    loss.forward(&outputs, &targets, &mut predictions, &mut losses);
    let losses = losses.insert_axis(Axis(0));
    assert!(
        losses.iter().all(|loss| loss.is_finite()),
        "{case}: {losses}"
    );
    close(
        &format!("{case}.row_losses"),
        &losses,
        &get("row_losses"),
        tolerance,
    );
    let mut doutputs = Array2::zeros(outputs.dim());
    loss.backward(&predictions, &targets, targets.len(), &mut doutputs);
    close(
        &format!("{case}.dlogits"),
        &doutputs,
        &get("dlogits"),
        tolerance,
    );
}

#[test]
fn losses_match_pytorch_at_outputs_of_ten_thousand_and_at_a_batch_of_one() {
    losses_on_hand_made_outputs_match_pytorch::<f64>(1e-14);
    losses_on_hand_made_outputs_match_pytorch::<f32>(1e-6);
}

/// What `mlp explain` shows of each image of a batch: its rows, and its share of the mean gradients.
#[test]
fn every_explained_number_matches_pytorch() {
    for case in cases().into_iter().filter(|case| case.dropout.is_empty()) {
        let golden = Golden::open(&case.name);
        let loss = case.loss.build::<f64>();
        let x = golden.get("x").unwrap();
        let targets = golden.classes("targets");
        let n = targets.len() as f64;
        let traces = x.rows().into_iter().zip(&targets).map(|(x, &target)| {
            let x = x.insert_axis(Axis(0)).to_owned();
            Trace::new(network(&golden, &case), &*loss, &x, target)
        });
        let traces: Vec<_> = traces.collect();
        let mean = traces.iter().map(|trace| trace.loss).sum::<f64>() / n;
        assert!((mean - golden.get("loss").unwrap()[[0, 0]]).abs() < 1e-13);
        for m in 0..traces[0].modules.len() {
            let (y, dy) = (
                golden.get(&format!("out.{m}")).unwrap(),
                golden.get(&format!("grad.out.{m}")).unwrap() * n,
            );
            let mut sums: Vec<_> = traces[0].network.modules()[m]
                .params()
                .into_iter()
                .flatten()
                .map(|param| (param.name, Array2::zeros(param.grad.dim())))
                .collect();
            for (row, trace) in traces.iter().enumerate() {
                let what = format!("{}, image {row}, module {m}", case.name);
                let passed = &trace.modules[m];
                for (ours, torch) in [(&passed.y, &y), (&passed.dy, &dy)] {
                    let ours = ours.clone().insert_axis(Axis(0));
                    let torch = torch.slice(s![row..=row, ..]).to_owned();
                    close(&what, &ours, &torch, 1e-12);
                }
                for (sum, param) in sums
                    .iter_mut()
                    .zip(trace.network.modules()[m].params().into_iter().flatten())
                {
                    sum.1 += &(&param.grad / n);
                }
            }
            for (name, sum) in sums {
                let name = format!("grad.{m}.{name}");
                let mut torch = golden.get(&name).unwrap();
                if name.ends_with("weight") {
                    torch = torch.reversed_axes();
                }
                close(&format!("{}, {name}", case.name), &sum, &torch, 1e-13);
            }
        }
    }
    let golden = Golden::open("losses");
    let logits = golden.get("worked.logits").unwrap();
    let judged = judge(
        &*LossKind::Ce.build(),
        &logits.row(0).to_owned(),
        golden.classes("worked.targets")[0],
    );
    assert!((judged.loss - golden.get("worked.row_losses").unwrap()[[0, 0]]).abs() < 1e-13);
}
