//! Every network is drawn, and what is drawn is what was computed.

use ndarray::Array2;

use super::{BEGIN, Options, network};
use crate::{
    explain::{Numbers, Trace},
    loss::LossKind,
    nn::{Activation, Architecture},
    rng::{Purpose, generator},
};

const NUMBERS: Numbers = Numbers(4);

fn traced(hidden: &[usize], activation: Activation, kind: LossKind) -> Trace {
    traced_of(10, hidden, activation, kind)
}

fn traced_of(classes: usize, hidden: &[usize], activation: Activation, kind: LossKind) -> Trace {
    let layers = [&[784], hidden, &[kind.outputs(classes)]].concat();
    let dropout = vec![0.1; layers.len() - 1];
    let architecture = Architecture {
        layers,
        activation,
        dropout,
    };
    let network = architecture.init(activation.about().init, &mut generator(1, Purpose::Init));
    // A ring, as a digit is mostly darkness.
    let x = Array2::from_shape_fn((1, 784), |(_, p)| {
        let (r, c) = ((p / 28) as f64 - 14.0, (p % 28) as f64 - 14.0);
        (1.0 - (r.hypot(c) - 8.0).abs() / 2.0).max(0.0)
    });
    let target = if kind.binary() { 1 } else { 3 };
    Trace::new(network, &*kind.build::<f64>(), &x, target)
}

fn drawn(trace: &Trace, kind: LossKind, units: &[(usize, usize)]) -> String {
    let classes: Vec<_> = (0..10).map(|class| class.to_string()).collect();
    drawn_with(&classes, trace, kind, units)
}

fn drawn_with(
    classes: &[String],
    trace: &Trace,
    kind: LossKind,
    units: &[(usize, usize)],
) -> String {
    let options = Options {
        title: "a <model> & \"image\"",
        kind,
        numbers: NUMBERS,
        pixels: (28, 28),
        classes,
        units,
    };
    network(trace, &options)
}

/// Panics unless all that is opened is closed, in order, and what is not markup is escaped.
fn assert_well_formed(xml: &str) {
    let mut open = Vec::new();
    let mut rest = xml;
    while let Some((text, after)) = rest.split_once('<') {
        assert!(!text.contains('>'), "{text}");
        for entity in text.split('&').skip(1) {
            let known = ["amp;", "lt;", "gt;", "quot;"];
            assert!(known.iter().any(|k| entity.starts_with(k)), "{entity}");
        }
        let (tag, after) = after.split_once('>').unwrap();
        assert!(tag.matches('"').count().is_multiple_of(2), "{tag}");
        let name = tag.split(' ').next().unwrap();
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if !tag.ends_with('/') => open.push(name),
            None => {}
        }
        for absent in ["NaN", "inf"] {
            assert!(!tag.contains(absent), "{tag}");
        }
        rest = after;
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?} {rest}");
}

#[test]
fn every_loss_activation_and_depth_is_drawn() {
    let kinds = [
        LossKind::Ce,
        LossKind::SmoothedCe(0.1),
        LossKind::MseOnehot,
        LossKind::MseDigit,
        LossKind::Bce,
    ];
    let shapes: [&[usize]; 6] = [&[], &[1], &[4], &[50, 17], &[30, 20, 20, 20, 10], &[3; 40]];
    for (activation, &kind) in Activation::ALL.into_iter().zip(kinds.iter().cycle()) {
        for hidden in shapes {
            let trace = traced(hidden, activation, kind);
            let svg = drawn(&trace, kind, &[]);
            assert_well_formed(&svg);
            assert!(svg.starts_with(BEGIN));
            assert_eq!(svg, drawn(&trace, kind, &[]), "the same bytes every time");
            assert_eq!(svg.contains(" more</text>"), hidden.len() > 5);
            assert!(svg.len() < 300_000, "{hidden:?}: {} bytes", svg.len());
        }
    }
}

#[test]
fn the_numbers_are_those_of_the_trace() {
    let trace = traced(&[6], Activation::Relu, LossKind::Ce);
    let svg = drawn(&trace, LossKind::Ce, &[]);
    let loss = NUMBERS.text(trace.loss);
    assert!(svg.contains(&format!("L = −ln p[3] = {loss}</text>")));
    let (forward, backward) = svg.split_once("data-pass=\"backward\"").unwrap();
    for (values, half) in [
        (trace.outputs(), forward),
        (&trace.predictions, forward),
        (&trace.modules[2].y, forward),
        (trace.doutputs(), backward),
    ] {
        for &value in values {
            let text = format!(">{}</text>", NUMBERS.text(value));
            assert!(half.contains(&text), "{text}");
        }
    }
    let norm = |values: &Array2<f64>| values.iter().map(|v| v * v).sum::<f64>().sqrt();
    let w = &trace.network.param(1, 0);
    assert!(backward.contains(&format!("‖dw₁‖ = {}<", NUMBERS.text(norm(&w.grad)))));
    assert!(svg.contains("784×6 + 1×6") && svg.contains("a &lt;model&gt; &amp;"));
}

#[test]
fn wide_networks_stay_small_and_show_the_unit_that_is_asked_for() {
    let trace = traced(&[512, 512], Activation::Relu, LossKind::Ce);
    let svg = drawn(&trace, LossKind::Ce, &[]);
    assert_well_formed(&svg);
    assert!(svg.len() < 300_000, "{} bytes", svg.len());
    assert_eq!(svg.matches("data-unit=\"1:").count(), 2 * 512);

    let trace = traced(&[2500], Activation::Tanh, LossKind::Ce);
    let y = &trace.modules[2].y;
    let least = (0..2500).min_by(|&a, &b| y[a].abs().total_cmp(&y[b].abs()));
    let least = least.unwrap();
    let name = format!("data-unit=\"1:{least}\"");
    assert!(!drawn(&trace, LossKind::Ce, &[]).contains(&name));
    let svg = drawn(&trace, LossKind::Ce, &[(2, least)]);
    assert!(svg.contains(&name) && svg.contains("640 largest shown"));
    assert!(svg.contains(&format!("dw₁ of unit {least}:")));
    assert!(svg.len() < 300_000, "{} bytes", svg.len());
}

#[test]
fn classes_have_names_and_many_are_cut_to_the_largest() {
    let mut classes: Vec<_> = (0..10)
        .map(|class| format!("Ankle <boot> {class}"))
        .collect();
    classes[3] = "a <name> as long as a sentence that does not end".into();
    for kind in [LossKind::Ce, LossKind::MseOnehot, LossKind::MseDigit] {
        let trace = traced(&[6, 5], Activation::Relu, kind);
        let svg = drawn_with(&classes, &trace, kind, &[]);
        assert_well_formed(&svg);
        assert!(svg.contains("target a &lt;name&gt;"));
        let rows = svg.matches(">a &lt;n").count();
        assert_eq!(rows, if kind == LossKind::MseDigit { 0 } else { 2 });
        assert_eq!(svg.matches(">Ankle &lt;").count(), 9 * rows);
    }

    let classes: Vec<_> = (0..47).map(|class| format!("c{class}")).collect();
    let trace = traced_of(47, &[8], Activation::Relu, LossKind::Ce);
    let svg = drawn_with(&classes, &trace, LossKind::Ce, &[]);
    assert_well_formed(&svg);
    assert_eq!(svg.matches("data-class=").count(), 2 * 20);
    assert_eq!(svg.matches(">c3</text>").count(), 2, "the target is there");
    assert!(svg.contains(">27 smaller ones</text>") && svg.contains("target c3, read as c"));
}
