//! The lower half: the gradients, from the outputs back to the weights of the first layer.

use crate::nn::renamed;

use super::{
    layout::{AREA, Column, Gap, IMAGE},
    network::{Drawing, sub},
};

impl Drawing<'_> {
    pub(super) fn backward(&mut self) {
        self.svg.open("g", &[("data-pass", &"backward")]);
        self.doutputs();
        for column in self.layout.columns.clone().iter().rev() {
            self.dunits(column);
        }
        for gap in self.layout.gaps.clone().iter().rev() {
            self.dweights(gap);
        }
        if let Some((x, _)) = self.layout.left_out {
            self.svg.label((x, self.top + AREA / 2.0), "head mid", "⋯");
        }
        self.dpicture();
        self.svg.close();
    }

    /// ∂L/∂z of a hidden layer.
    fn dunits(&mut self, column: &Column) {
        let trace = self.trace;
        let layer = column.layer;
        let (n, x) = (sub(layer.number), column.middle());
        let [z, h, dh] = ["z", "h", "dh"].map(|name| format!("{name}{n}"));
        let formula = match layer.kind(trace) {
            Some(kind) => renamed(kind.formula().dx, &[("x", &z), ("y", &h), ("dy", &dh)]),
            None => dh,
        };
        let formula = format!("dz{n} = {formula}");
        self.svg.label((x, self.top - 26.0), "mid", &formula);
        self.svg.label(
            (x, self.top - 10.0),
            "num dim mid",
            &format!("1×{}", column.units),
        );
        let dz = &trace.modules[layer.linear].dy;
        let dh = &trace.modules[layer.activation.unwrap_or(layer.linear)].dy;
        let title = |drawing: &Self, u: usize| {
            // Of many, those of the upper half are enough: a file is to stay small.
            let text = |v| drawing.text(v);
            (dz.len() <= 128)
                .then(|| format!("unit {u}: dh = {}, dz = {}", text(dh[u]), text(dz[u])))
        };
        self.cells(column, "units", dz, &title);
        let (w, h) = column.size();
        let norm = format!("‖dz{n}‖ = {}", self.short(norm(dz)));
        self.svg.label(
            (x, self.top + column.corner.1 + h + 16.0),
            "num dim mid",
            &norm,
        );
        if column.circles() && self.room_for_numbers() {
            for (i, &u) in column.shown.iter().enumerate() {
                let (_, cy) = column.centre(i);
                let at = (column.corner.0 + w + 5.0, self.top + cy + 4.0);
                let number = self.text(dz[u]);
                self.svg.label(at, "num", &number);
            }
        }
    }

    /// ∂L/∂w of a layer, and the gradient that its input gets.
    fn dweights(&mut self, gap: &Gap) {
        let linear = gap.layer.linear;
        let Some([w, b]) = self.trace.network.modules()[linear].params() else {
            return;
        };
        let (i, o) = w.grad.dim();
        let (x, n) = (gap.middle(), sub(gap.layer.number));
        let input = match gap.layer.number {
            1 => "x".to_owned(),
            number => format!("h{}", sub(number - 1)),
        };
        let mut y = self.top - 42.0;
        if gap.layer.number > 1 {
            self.svg
                .label((x, y), "mid", &format!("d{input} = dz{n}·w{n}ᵀ"));
        }
        y = self.top + AREA / 2.0;
        let (names, product) = (
            [format!("dw{n}"), format!("db{n}")],
            format!("{input}ᵀ·dz{n}"),
        );
        let norms = [norm(&w.grad), norm(&b.grad)];
        let (above, below) = match self.is_narrow() {
            true => {
                let norms = names
                    .iter()
                    .zip(norms)
                    .flat_map(|(name, v)| [format!("‖{name}‖"), self.short(v)]);
                (vec![product, format!("{} =", names[0])], norms.collect())
            }
            false => {
                let norms = names
                    .iter()
                    .zip(norms)
                    .map(|(name, v)| format!("‖{name}‖ = {}", self.text(v)));
                (
                    vec![format!("{} = {product}", names[0])],
                    norms.collect::<Vec<_>>(),
                )
            }
        };
        let scale = (gap.width() / 84.0).min(1.6);
        let (top, bottom) = self.block((x, y - 10.0), scale, &w.grad, ("weights", linear));
        for (line, words) in above.iter().enumerate() {
            self.svg
                .label((x, top - 8.0 - 15.0 * line as f64), "mid", words);
        }
        let shape = format!("{i}×{o}");
        for (line, words) in std::iter::once(&shape).chain(&below).enumerate() {
            self.svg.label(
                (x, bottom + 16.0 + 15.0 * line as f64),
                "num dim mid",
                words,
            );
        }
    }

    /// ∂L/∂w of one unit of the first layer, as a picture.
    fn dpicture(&mut self) {
        let ((x0, y0), cell) = self.image();
        let (layer, unit) = self.pictured();
        let dw = &self.trace.network.param(layer.linear, 0).grad;
        self.svg.label((x0, y0 - 40.0), "head", "← backward");
        self.svg.label(
            (x0 + IMAGE / 2.0, y0 + 40.0),
            "mid",
            &format!("dw₁ of unit {unit}: x·dz₁"),
        );
        self.small_picture((x0, y0 + 52.0), cell, dw.column(unit));
    }
}

/// The length of a vector or matrix.
fn norm<D: ndarray::Dimension>(values: &ndarray::Array<f64, D>) -> f64 {
    values.iter().map(|v| v * v).sum::<f64>().sqrt()
}
