//! Every small network is drawn, and what is drawn is what was computed.

use std::collections::HashMap;

use super::{SmallNet, TooLarge, check_size, small_net, text};
use crate::{
    check::Pass,
    explain::Numbers,
    files::net::{self, Net},
    picture::drawing::BEGIN,
};

const NUMBERS: Numbers = Numbers(4);

fn read(json: &str) -> (Net, Pass) {
    let net = net::from_bytes(json.as_bytes()).unwrap();
    let pass = Pass::new(&net.problem);
    (net, pass)
}

fn drawn((net, pass): &(Net, Pass), row: usize) -> String {
    let rate = net.learning_rate;
    small_net(&SmallNet {
        title: "a <net> & \"more\"",
        summary: "a small network",
        problem: &net.problem,
        pass,
        row,
        numbers: NUMBERS,
        learning_rate: rate,
        train_biases: net.train_biases,
        loss_after: pass.step(&net.problem, rate, net.train_biases).1,
    })
}

/// All numbers that have a name.
fn named(svg: &str) -> HashMap<&str, &str> {
    let texts = svg.split("data-number=\"").skip(1).map(|part| {
        let (name, rest) = part.split_once("\">").unwrap();
        (name, rest.split_once("</text>").unwrap().0)
    });
    texts.collect()
}

/// A network of layers of these widths, with numbers of some size.
fn layers(widths: &[usize], activation: &str, rest: &str) -> String {
    let number = |i: usize, size: f64| size * ((i * 7919 % 1000) as f64 / 500.0 - 1.0);
    let row = |n: usize, at: usize| -> Vec<f64> { (0..n).map(|i| number(i + at, 1.0)).collect() };
    let layers: Vec<_> = widths
        .windows(2)
        .map(|io| {
            let w: Vec<_> = (0..io[1]).map(|u| row(io[0], 31 * u + 3)).collect();
            format!(
                r#"{{"w": {w:?}, "b": {:?}, "activation": "{activation}"}}"#,
                row(io[1], 5)
            )
        })
        .collect();
    format!(
        r#"{{"x": [{:?}], "layers": [{}], "orientation": "outputs-inputs", {rest}}}"#,
        row(widths[0], 11),
        layers.join(", ")
    )
}

#[test]
fn the_published_example_is_drawn_with_its_numbers() {
    let net = read(include_str!("../../../../examples/nets/mazur.json"));
    let svg = drawn(&net, 0);
    assert!(svg.starts_with(BEGIN) && svg.contains("a &lt;net&gt; &amp;"));
    let numbers = named(&svg);
    for (name, number) in [
        ("x:0", "0.05000"),
        ("y:0:0", "0.3775"),
        ("y:1:0", "0.5933"),
        ("y:3:1", "0.7729"),
        ("w:2:1:0", "0.4500"),
        ("dw:2:0:0", "0.08217"),
        ("dw:0:1:1", "0.0009954"),
        ("dy:2:0", "0.1385"),
        ("dy:1:0", "0.03635"),
        ("b:2:1", "0.6000"),
        ("db:0:0", "0.008771"),
        ("t:1", "0.9900"),
        ("part:0", "0.2748"),
        ("loss", "0.2984"),
    ] {
        assert_eq!(numbers.get(name), Some(&number), "{name}");
    }
    for words in [
        "h₂ = 1 / (1 + e^−z₂)",
        "L = ½·Σ (h₂ − t)²",
        "dh₂ = h₂ − t",
        "dz₁ = dh₁·h₁·(1 − h₁)",
        "lr = 0.5: L = 0.298371 before, 0.291028 after; the biases are kept",
    ] {
        assert!(svg.contains(&format!("{words}<")), "{words}");
    }
    assert_eq!(svg, drawn(&net, 0), "the same bytes every time");
}

#[test]
fn units_are_those_of_a_row_and_gradients_of_weights_those_of_all() {
    let net = read(
        r#"{"x": [[1, 2], [3, 4]], "t": [2, 0], "loss": "ce",
            "layers": [{"w": [[1, 0], [0, 1], [1, 1]], "b": 0.5}]}"#,
    );
    let (problem, pass) = (&net.0.problem, &net.1);
    for row in 0..2 {
        let svg = drawn(&net, row);
        let numbers = named(&svg);
        let shown = |name: &str, value: f64| assert_eq!(numbers[name], text(NUMBERS, value));
        let p = pass.predictions(problem.objective);
        for u in 0..3 {
            shown(&format!("y:0:{u}"), pass.outputs()[[row, u]]);
            shown(&format!("dy:0:{u}"), pass.dx[1][[row, u]]);
            shown(&format!("p:{u}"), p[[row, u]]);
            shown(&format!("db:0:{u}"), pass.network.param(0, 1).grad[[0, u]]);
            let dw = pass.network.param(0, 0).grad[[1, u]];
            shown(&format!("dw:0:1:{u}"), dw);
            assert!(
                (dw - (0..2)
                    .map(|n| pass.x[0][[n, 1]] * pass.dx[1][[n, u]])
                    .sum::<f64>())
                .abs()
                    < 1e-12
            );
        }
        shown("loss", pass.loss);
        assert!(svg.contains(&format!("row {row} of 2")));
        assert!(svg.contains("all 2 rows, as a step uses them"));
    }
}

#[test]
fn every_activation_loss_and_size_is_drawn() {
    let losses = [
        r#""t": [[0.25, 0.75]], "loss": "ce", "reduction": "sum""#,
        r#""t": [[0.25, 0.75]], "loss": "mse""#,
        r#""t": [[-7, 1e6]], "loss": "mse", "reduction": "sum/2""#,
    ];
    for activation in [
        "none",
        "relu",
        "tanh",
        "scaled-tanh",
        "sigmoid",
        "leaky-relu",
        "gelu",
    ] {
        for (widths, loss) in [[1, 1, 2], [3, 17, 2], [64, 4, 2]].iter().zip(losses) {
            let net = read(&layers(widths, activation, loss));
            let svg = drawn(&net, 0);
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{activation}");
            let numbers = named(&svg);
            let units = widths[1] + widths[2];
            let has = |kind: &str| numbers.keys().filter(|name| name.starts_with(kind)).count();
            let (x, y) = (has("x:"), has("y:"));
            assert_eq!(
                (x, y >= units),
                (widths[0], true),
                "{activation} {widths:?}"
            );
            assert_eq!(svg.matches("data-unit=").count(), units);
            // Weights stand on their lines where there are few.
            assert_eq!(has("w:") > 0, widths[0] * widths[1] <= 24 || widths[1] <= 6);
        }
    }
    let bce = read(&layers(&[2, 2, 1], "none", r#""t": [0.5], "loss": "bce""#));
    assert!(drawn(&bce, 0).contains("p = σ(z₂)"));
}

#[test]
fn what_is_too_large_is_said() {
    let mse = r#""t": [[0]], "loss": "mse""#;
    let of = |json: &str| check_size(&read(json).1);
    assert_eq!(of(&layers(&[64, 64, 1], "relu", mse)), Ok(()));
    let error = of(&layers(&[2, 65, 1], "relu", mse)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "65 units in layer 1, expected at most 64 for a drawing"
    );
    let error = of(&layers(&[65, 1], "relu", mse)).unwrap_err();
    assert!(error.to_string().starts_with("65 inputs,"));
    assert_eq!(of(&layers(&[1; 10], "none", mse)), Err(TooLarge::Layers(9)));
    let large = r#"{"x": [1e300], "t": [0], "loss": "mse", "layers": [{"w": 1e300}]}"#;
    assert_eq!(of(large), Err(TooLarge::Numbers(f64::INFINITY)));
}

#[test]
fn a_large_number_takes_little_room() {
    assert_eq!(text(NUMBERS, 1e300), "1.000e300");
    assert_eq!(text(NUMBERS, -1e6), "-1000000.0000");
    assert_eq!(text(Numbers(1), 2e7), "2e7");
}
