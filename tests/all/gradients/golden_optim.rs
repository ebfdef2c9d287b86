//! Steps of SGD, Adam and AdamW with all that can be added to them, and every schedule, against PyTorch's.
//!
//! The reference values are in tests/golden, made by scripts/golden.py.

use mlp::{
    linalg::Float,
    nn::{Linear, Mlp},
    train::{
        optim::{Extras, Moments, Optimizer, clip_scale, limit_norms},
        schedule::{Schedule, Shape},
    },
};
use ndarray::{Array2, s};

use crate::support::golden::Golden;

const RATE: f64 = 0.05;
const STEPS: usize = 10;

fn cast<F: Float>(a: &Array2<f64>) -> Array2<F> {
    a.mapv(|v| F::from(v).unwrap())
}

/// Ten steps with given gradients, rows of a parameter at a time.
fn train<F: Float>(
    golden: &Golden,
    optimizer: Optimizer,
    extras: Extras,
    rows: usize,
) -> [Array2<F>; 2] {
    let get = |name: &str| golden.get(name).unwrap();
    let w = cast(&get("init.weight"))
        .t()
        .as_standard_layout()
        .to_owned();
    let linear = Linear::new(w, cast(&get("init.bias")).row(0).to_owned());
    let (inputs, outputs) = linear.w.value.dim();
    let mut network: Mlp<F> = Mlp::of_linears([linear]);
    match optimizer {
        Optimizer::Sgd => network.at_rest(),
        _ => network.start_moments(),
    }
    let (dw, db) = (get("grads.weight"), get("grads.bias"));
    for step in 0..STEPS {
        let mut rule = optimizer.at(F::from(RATE).unwrap(), extras, step + 1);
        let dw = cast::<F>(
            &dw.slice(s![step * outputs..(step + 1) * outputs, ..])
                .to_owned(),
        );
        network.param_mut(0, 0).grad.assign(&dw.t());
        let db = cast(&db);
        network
            .param_mut(0, 1)
            .grad
            .row_mut(0)
            .assign(&db.row(step));
        if let Some(most) = extras.clip_norm {
            let scale = clip_scale(network.gradient_norm(), most);
            rule = rule.scaled(F::from(scale).unwrap());
        }
        for (_, mut param) in network.pieces_mut(|_| rows) {
            assert!(rule.step(&mut param));
        }
        if let Some(most) = extras.max_norm {
            let w = &mut network.param_mut(0, 0).value;
            let norms = &mut vec![F::zero(); inputs.max(outputs)];
            limit_norms(w, F::from(most).unwrap(), norms);
        }
    }
    let (w, b) = (network.param(0, 0), network.param(0, 1));
    [w.value.t().to_owned(), b.value.clone()]
}

fn sgd_matches_pytorch<F: Float>(tolerance: f64) {
    let plain = Extras::default();
    let momentum = Extras {
        momentum: 0.9,
        ..plain
    };
    let cases = [
        ("plain", plain),
        ("momentum", momentum),
        (
            "nesterov",
            Extras {
                nesterov: true,
                ..momentum
            },
        ),
        (
            "decay",
            Extras {
                weight_decay: 0.1,
                ..plain
            },
        ),
        (
            "all",
            Extras {
                momentum: 0.8,
                nesterov: true,
                weight_decay: 0.01,
                clip_norm: Some(1.5),
                max_norm: Some(0.7),
            },
        ),
        (
            "clip",
            Extras {
                clip_norm: Some(1.5),
                ..plain
            },
        ),
        (
            "max-norm",
            Extras {
                momentum: 0.5,
                max_norm: Some(0.7),
                ..plain
            },
        ),
    ];
    let cases = cases.map(|(name, extras)| (name, Optimizer::Sgd, extras));
    match_pytorch::<F>("optim", &cases, tolerance);
}

fn adam_matches_pytorch<F: Float>(tolerance: f64) {
    let usual = Moments::default();
    let adam = |beta1, beta2, eps| Optimizer::Adam(Moments { beta1, beta2, eps });
    let plain = Extras::default();
    let decay = |weight_decay| Extras {
        weight_decay,
        ..plain
    };
    let limits = |clip_norm, max_norm| Extras {
        clip_norm,
        max_norm,
        ..plain
    };
    let last = Moments {
        beta1: 0.75,
        beta2: 0.875,
        eps: 0.0625,
    };
    let cases = [
        ("adam", Optimizer::Adam(usual), plain),
        ("betas", adam(0.5, 0.75, 0.125), plain),
        ("no-means", adam(0.0, 0.0, 1e-8), plain),
        ("l2", Optimizer::Adam(usual), decay(0.1)),
        ("adamw", Optimizer::AdamW(usual), plain),
        ("decay", Optimizer::AdamW(usual), decay(0.1)),
        ("clip", Optimizer::Adam(usual), limits(Some(1.5), None)),
        ("max-norm", Optimizer::Adam(usual), limits(None, Some(0.7))),
        (
            "all",
            Optimizer::AdamW(last),
            Extras {
                weight_decay: 0.5,
                ..limits(Some(1.5), Some(0.7))
            },
        ),
    ];
    match_pytorch::<F>("adam", &cases, tolerance);
}

fn match_pytorch<F: Float>(file: &str, cases: &[(&str, Optimizer, Extras)], tolerance: f64) {
    let golden = Golden::open(file);
    for &(name, optimizer, extras) in cases {
        for rows in [1, 2, 100] {
            let ours = train::<F>(&golden, optimizer, extras, rows);
            for (ours, param) in ours.iter().zip(["weight", "bias"]) {
                let torch = golden.get(&format!("{name}.final.{param}")).unwrap();
                assert_eq!(ours.dim(), torch.dim(), "{name}.{param}");
                for (ours, torch) in ours.iter().zip(&torch) {
                    let error = (ours.to_f64().unwrap() - torch).abs();
                    assert!(
                        error < tolerance,
                        "{name}.{param}, {rows} rows: {ours} against {torch}"
                    );
                }
            }
        }
    }
}

#[test]
fn steps_match_pytorch_in_f64_but_for_settings_that_are_f32() {
    sgd_matches_pytorch::<f64>(1e-6);
    adam_matches_pytorch::<f64>(1e-6);
}

#[test]
fn steps_match_pytorch_in_f32() {
    sgd_matches_pytorch::<f32>(2e-6);
    adam_matches_pytorch::<f32>(2e-6);
}

#[test]
fn schedules_match_pytorch() {
    let golden = Golden::open("optim");
    let rate = RATE as f32;
    for (name, shape) in [
        ("linear", Shape::Linear { end: rate * 0.1 }),
        ("exponential", Shape::Exponential { end: rate * 0.01 }),
        ("cosine", Shape::Cosine { end: 0.005 }),
        (
            "step",
            Shape::Step {
                every: 1.0,
                factor: 0.5,
            },
        ),
        ("one-cycle", Shape::OneCycle),
    ] {
        let torch = golden.get(&format!("rates.{name}")).unwrap();
        let schedule = Schedule {
            shape,
            warm_up: 0.0,
        };
        for (t, torch) in torch.iter().enumerate() {
            let ours = f64::from(schedule.rate(rate, t, 5, torch_len(&golden, name)));
            assert!(
                (ours - torch).abs() < 1e-8,
                "{name}, step {t}: {ours} against {torch}"
            );
        }
    }
}

fn torch_len(golden: &Golden, name: &str) -> usize {
    golden.get(&format!("rates.{name}")).unwrap().len()
}
