//! The outputs beside the target, the loss, and the gradient of the outputs.

use super::{canvas::Drawing, layout::Outputs, shade};
use crate::{
    loss::LossKind,
    picture::{
        names::of_layer,
        palette::full_strength,
        svg::{Px, Svg},
    },
};

impl Drawing<'_> {
    /// The outputs beside the target, and the loss.
    pub(super) fn outputs(&mut self) {
        let trace = self.trace;
        let (outputs, top) = (self.layout.outputs.clone(), self.top);
        let last = self.layout.layers[self.layout.layers.len() - 1];
        let (z, p, t) = (
            trace.outputs(),
            &trace.predictions,
            targets(self.options.kind, trace.target, outputs.count),
        );
        let z_n = of_layer("z", last.number);
        let probabilities = self.options.kind.probabilities();
        let softmax = probabilities && self.options.kind != LossKind::Bce;
        let columns = Columns::new(&outputs);
        let head = top + outputs.row(0) - outputs.pitch() / 2.0 - 6.0;
        self.svg.label((columns.z, head), "end", &z_n);
        let name = if softmax {
            format!("p = softmax({z_n})")
        } else if probabilities {
            format!("p = σ({z_n})")
        } else {
            format!("y = {z_n}")
        };
        self.svg.label((columns.bar, head), "", &name);
        self.svg.label(
            (columns.target, head),
            "end",
            if softmax { "target q" } else { "target t" },
        );
        self.svg.label(
            (columns.z, head - 16.0),
            "num dim end",
            &format!("1×{}", outputs.count),
        );
        let most = full_strength(z.iter().copied());
        let (low, high) = if probabilities {
            (0.0, 1.0)
        } else {
            range(p.iter().chain(&t))
        };
        let at = |v: f64| columns.bar + outputs.bar * (v - low) / (high - low);
        self.svg.open(
            "g",
            &[("data-part", &"outputs"), ("data-layer", &last.linear)],
        );
        for (place, &c) in outputs.shown.iter().enumerate() {
            let y = top + outputs.row(place);
            let h = (outputs.pitch() * 0.56).min(15.0);
            let bold = if t[c] > 0.5 { " bold" } else { "" };
            let unit = format!("{}:{c}", last.linear);
            self.svg.open("g", &[("data-class", &c)]);
            let r = Px((outputs.pitch() * 0.4).min(9.0));
            let circle: [(&str, &dyn std::fmt::Display); 3] =
                [("cx", &Px(outputs.x + 9.0)), ("cy", &Px(y)), ("r", &r)];
            self.svg
                .leaf("circle", &[&circle[..], &[("class", &"base")]].concat());
            let class = shade::class(z[c], most);
            let title = format!(
                "{}: z = {}, p = {}",
                self.output(c),
                self.text(z[c]),
                self.text(p[c])
            );
            self.svg.titled(
                "circle",
                &[&circle[..], &[("class", &class), ("data-unit", &unit)]].concat(),
                &title,
            );
            if outputs.count > 1 {
                self.svg.label(
                    (columns.class, y + 4.5),
                    &format!("head mid{bold}"),
                    &outputs.names[place],
                );
            }
            let texts = [self.text(z[c]), self.text(p[c]), target_text(t[c])];
            self.svg.label((columns.z, y + 4.0), "num end", &texts[0]);
            bar(&mut self.svg, (at(0.0), at(p[c])), (y, h), p[c]);
            self.svg
                .label((columns.p, y + 4.0), &format!("num end{bold}"), &texts[1]);
            self.svg.label(
                (columns.target, y + 4.0),
                &format!("num end{bold}"),
                &texts[2],
            );
            let path = format!(
                "M{} {}v{}",
                Px(at(t[c])),
                Px(y - h / 2.0 - 2.0),
                Px(h + 4.0)
            );
            if t[c] != 0.0 {
                self.svg.leaf("path", &[("class", &"tick"), ("d", &path)]);
            }
            self.svg.close();
        }
        let path = format!(
            "M{} {}V{}",
            Px(at(0.0)),
            Px(top + outputs.row(0) - outputs.pitch() / 2.0),
            Px(top + outputs.row(outputs.shown.len() - 1) + outputs.pitch() / 2.0)
        );
        self.svg.leaf("path", &[("class", &"rule"), ("d", &path)]);
        self.svg.close();
        let words = format!("{} = {}", self.loss_formula(), self.text(trace.loss));
        self.svg.open("g", &[("data-part", &"loss")]);
        let y = top + outputs.row(outputs.shown.len() - 1) + outputs.pitch() / 2.0 + 20.0;
        self.svg.label((columns.target, y), "head end", &words);
        let more = outputs.count - outputs.shown.len();
        if more > 0 {
            let words = format!("{more} smaller ones");
            self.svg.label((outputs.x, y), "dim", &words);
        }
        self.svg.close();
    }

    /// An output by its number, and the name of its class if it has another.
    fn output(&self, c: usize) -> String {
        let class = self.options.class(c);
        match self.layout.outputs.count > 1 && class != c.to_string() {
            true => format!("output {c} ({class})"),
            false => format!("output {c}"),
        }
    }

    fn loss_formula(&self) -> String {
        let c = self.layout.outputs.count;
        match self.options.kind {
            LossKind::Ce => format!("L = −ln p[{}]", self.trace.target),
            LossKind::SmoothedCe(_) => "L = −Σ q·ln p".to_owned(),
            LossKind::MseOnehot => format!("L = Σ(y − t)²/{c}"),
            LossKind::MseDigit => "L = (y − t)²".to_owned(),
            LossKind::Bce if self.trace.target == 1 => "L = −ln p".to_owned(),
            LossKind::Bce => "L = −ln(1 − p)".to_owned(),
        }
    }

    /// ∂L/∂outputs as signed bars.
    pub(super) fn doutputs(&mut self) {
        let (outputs, top) = (self.layout.outputs.clone(), self.top);
        let dz = self.trace.doutputs();
        let last = self.layout.layers[self.layout.layers.len() - 1];
        let dz_n = of_layer("dz", last.number);
        let formula = match self.options.kind {
            LossKind::Ce | LossKind::SmoothedCe(_) => format!("{dz_n} = p − q"),
            LossKind::MseOnehot => format!("{dz_n} = 2(y − t)/{}", outputs.count),
            LossKind::MseDigit => format!("{dz_n} = 2(y − t)"),
            LossKind::Bce => format!("{dz_n} = p − t"),
        };
        let columns = Columns::new(&outputs);
        let (left, width) = (
            outputs.x + 26.0 + outputs.class,
            outputs.bar + outputs.number + 44.0,
        );
        let middle = left + width / 2.0;
        let head = top + outputs.row(0) - outputs.pitch() / 2.0 - 6.0;
        self.svg.label((middle, head), "mid", &formula);
        self.svg.label(
            (columns.target, head),
            "num dim end",
            &format!("1×{}", outputs.count),
        );
        let most = dz
            .iter()
            .fold(f64::MIN_POSITIVE, |most, v| most.max(v.abs()));
        self.svg.open(
            "g",
            &[("data-part", &"outputs"), ("data-layer", &last.linear)],
        );
        for (place, &c) in outputs.shown.iter().enumerate() {
            let (y, value) = (top + outputs.row(place), dz[c]);
            let h = (outputs.pitch() * 0.56).min(15.0);
            let class = if c == usize::from(self.trace.target) && outputs.count > 1 {
                " bold"
            } else {
                ""
            };
            self.svg.open(
                "g",
                &[
                    ("data-class", &c),
                    ("data-unit", &format_args!("{}:{c}", last.linear)),
                ],
            );
            if outputs.count > 1 {
                self.svg.label(
                    (columns.class, y + 4.5),
                    &format!("head mid{class}"),
                    &outputs.names[place],
                );
            }
            bar(
                &mut self.svg,
                (middle, middle + 0.5 * width * value / most),
                (y, h),
                value,
            );
            let number = self.text(value);
            self.svg.label(
                (columns.target, y + 4.0),
                &format!("num end{class}"),
                &number,
            );
            self.svg.close();
        }
        let path = format!(
            "M{} {}V{}",
            Px(middle),
            Px(top + outputs.row(0) - outputs.pitch() / 2.0),
            Px(top + outputs.row(outputs.shown.len() - 1) + outputs.pitch() / 2.0)
        );
        self.svg.leaf("path", &[("class", &"rule"), ("d", &path)]);
        self.svg.close();
    }
}

/// Where the columns of the outputs' table stand.
struct Columns {
    class: f64,
    z: f64,
    bar: f64,
    p: f64,
    target: f64,
}

impl Columns {
    fn new(outputs: &Outputs) -> Self {
        let &Outputs {
            x,
            class: name,
            number,
            bar,
            ..
        } = outputs;
        let (class, z) = (x + 20.0 + name / 2.0, x + 30.0 + name + number);
        let left = z + 10.0;
        let p = left + bar + 12.0 + number;
        Self {
            class,
            z,
            bar: left,
            p,
            target: p + 42.0,
        }
    }
}

/// What the outputs shall be.
fn targets(kind: LossKind, target: u8, outputs: usize) -> Vec<f64> {
    let one_hot = |c: usize| f64::from(u8::from(c == usize::from(target)));
    let value = |c| match kind {
        LossKind::Ce | LossKind::MseOnehot => one_hot(c),
        LossKind::SmoothedCe(s) => (1.0 - s) * one_hot(c) + s / outputs as f64,
        LossKind::MseDigit | LossKind::Bce => target.into(),
    };
    (0..outputs).map(value).collect()
}

/// The shortest text of a target, to four digits.
fn target_text(t: f64) -> String {
    ((t * 1e4).round() / 1e4).to_string()
}

/// From the least to the largest, with 0 between them.
fn range<'a>(values: impl Iterator<Item = &'a f64>) -> (f64, f64) {
    let (low, high) = values.fold((0.0_f64, 0.0_f64), |(low, high), &v| {
        (low.min(v), high.max(v))
    });
    if high > low { (low, high) } else { (0.0, 1.0) }
}

/// A bar from one place to another, of the sign of `value`.
fn bar(svg: &mut Svg, (from, to): (f64, f64), (y, h): (f64, f64), value: f64) {
    let class = if value < 0.0 { "n" } else { "p" };
    svg.leaf(
        "rect",
        &[
            ("class", &class),
            ("x", &Px(from.min(to))),
            ("y", &Px(y - h / 2.0)),
            ("width", &Px((to - from).abs())),
            ("height", &Px(h)),
        ],
    );
}
