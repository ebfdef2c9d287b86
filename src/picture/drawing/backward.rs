//! The lower half: the gradients, from the outputs back to the weights of the first layer.

use super::{
    canvas::{Drawing, Pass},
    layout::{AREA, Column, Gap, IMAGE},
};
use crate::picture::names::{input_of_layer, of_layer};

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
        let x = column.middle();
        let (formula, _) = self.formula(column, Pass::Backward);
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
        let (_, h) = column.size();
        let name = of_layer("dz", layer.number);
        let norm = format!("‖{name}‖ = {}", self.short(norm(dz)));
        self.svg.label(
            (x, self.top + column.corner.1 + h + 16.0),
            "num dim mid",
            &norm,
        );
        self.numbers(column, dz);
    }

    /// ∂L/∂w of a layer, and the gradient that its input gets.
    fn dweights(&mut self, gap: &Gap) {
        let linear = gap.layer.linear;
        let Some([w, b]) = self.trace.network.modules()[linear].params() else {
            return;
        };
        let (i, o) = w.grad.dim();
        let (x, number) = (gap.middle(), gap.layer.number);
        let [w_n, dw, db, dz] = ["w", "dw", "db", "dz"].map(|letter| of_layer(letter, number));
        let input = input_of_layer(number);
        let mut y = self.top - 42.0;
        if number > 1 {
            self.svg
                .label((x, y), "mid", &format!("d{input} = {dz}·{w_n}ᵀ"));
        }
        y = self.top + AREA / 2.0;
        let (names, product) = ([dw, db], format!("{input}ᵀ·{dz}"));
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
