//! Every output, loss, gradient and step against PyTorch's autograd, in both precisions.
//!
//! The reference values are in tests/golden, made by scripts/golden.py.

#[path = "support/golden.rs"]
mod golden;

use golden::Golden;
use mlp::{
    linalg::Float,
    model_file::LossKind,
    nn::{Linear, Mlp},
    optim::Sgd,
    team::Team,
    train::Trainer,
};
use ndarray::{Array1, Array2, ArrayRef2, Axis, s};

const CASES: [(LossKind, &str); 3] = [
    (LossKind::Ce, "ce"),
    (LossKind::MseOnehot, "mse-onehot"),
    (LossKind::MseDigit, "mse-digit"),
];
const HIDDEN: [&str; 4] = ["none", "5", "6x5", "7x6x5"];

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

fn network<F: Float>(golden: &Golden, prefix: &str) -> Mlp<F> {
    let linears = (0..).step_by(2).map_while(|m| {
        let w = golden.get(&format!("{prefix}.{m}.weight"))?;
        let b = golden.get(&format!("{prefix}.{m}.bias"))?;
        let (w, b) = (cast(&w.t()), cast(&b));
        Some(Linear::new(
            w.as_standard_layout().into_owned(),
            b.row(0).to_owned(),
        ))
    });
    Mlp::of_linears(linears)
}

fn cast<F: Float>(a: &ArrayRef2<f64>) -> Array2<F> {
    a.mapv(|v| F::from(v).unwrap())
}

fn a_batch_and_ten_steps_match_pytorch<F: Float>(tolerance: f64) {
    for (kind, loss_name) in CASES {
        for hidden in HIDDEN {
            // Three threads share seven images: the shares differ, the sums may not.
            for threads in [1, 3] {
                let golden = Golden::open(&format!("{loss_name}-{hidden}"));
                let case = format!("{loss_name}-{hidden} on {threads} threads: ");
                let loss = kind.build::<F>();
                let x: Array2<F> = cast(&golden.get("x").unwrap());
                let targets = golden.classes("targets");
                let n = targets.len();
                let network = network::<F>(&golden, "init");
                let modules = network.modules().len();
                let mut trainer = Trainer::new(network, &*loss, n, Team::new(threads));

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
                for m in 0..modules {
                    let out = golden.get(&format!("out.{m}")).unwrap();
                    close(
                        &format!("{case}out.{m}"),
                        &trainer.tape.y(m, n),
                        &out,
                        tolerance,
                    );
                    let dout = golden.get(&format!("grad.out.{m}")).unwrap();
                    close(
                        &format!("{case}grad.out.{m}"),
                        &trainer.tape.dy(m, n),
                        &dout,
                        tolerance,
                    );
                    for param in trainer.network.modules()[m].params() {
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
                let mut dx = Array2::zeros(x.dim());
                let (y, dy) = (trainer.tape.y(0, n), trainer.tape.dy(0, n));
                trainer.network.modules()[0].backward_input(&x, &y, &dy, &mut dx);
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
                    for param in module.params() {
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
}

#[test]
fn in_f64_a_batch_and_ten_steps_match_pytorch() {
    a_batch_and_ten_steps_match_pytorch::<f64>(1e-13);
}

#[test]
fn in_f32_a_batch_and_ten_steps_match_pytorch() {
    a_batch_and_ten_steps_match_pytorch::<f32>(2e-5);
}

fn losses_on_hand_made_outputs_match_pytorch<F: Float>(tolerance: f64) {
    let golden = Golden::open("losses");
    for (case, kind) in [
        ("worked", LossKind::Ce),
        ("extreme", LossKind::Ce),
        ("single-onehot", LossKind::MseOnehot),
        ("single-digit", LossKind::MseDigit),
    ] {
        let get = |name: &str| golden.get(&format!("{case}.{name}")).unwrap();
        let outputs: Array2<F> = cast(&get("logits"));
        let targets = golden.classes(&format!("{case}.targets"));
        let loss = kind.build::<F>();
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
}

#[test]
fn losses_match_pytorch_at_outputs_of_ten_thousand_and_at_a_batch_of_one() {
    losses_on_hand_made_outputs_match_pytorch::<f64>(1e-14);
    losses_on_hand_made_outputs_match_pytorch::<f32>(1e-6);
}
