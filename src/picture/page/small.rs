//! The page of a small network from a file: its drawing, every formula with its numbers, and inputs to change.

use ndarray::Array2;
use serde_json::{Value, json};

use super::{BEGINNING, embedded, formulas, letters};
use crate::{
    check::mistakes::Problem,
    files::net::objective_names,
    picture::{
        drawing::{SmallNet, small_net},
        palette,
    },
};

const SCRIPTS: [&str; 5] = [
    include_str!("engine.js"),
    include_str!("small/engine.js"),
    include_str!("small/words.js"),
    include_str!("small/steps.js"),
    include_str!("small/view.js"),
];

/// What the page of a small network is made of: the network and its numbers.
pub struct SmallPage<'a>(pub &'a SmallNet<'a>);

impl SmallPage<'_> {
    /// The most rows of a batch that a page holds.
    pub const MOST_ROWS: usize = 1000;

    /// The page. Panics if the network is too large to be drawn, or if it has too many rows.
    pub fn html(&self) -> String {
        let net = self.0;
        assert!(net.problem.x.nrows() <= Self::MOST_ROWS);
        let modules = net.pass.network.modules().iter();
        let table = formulas(modules.map(|module| module.kind()));
        let page = include_str!("small/page.html")
            .replace("{{palette}}", &palette::css())
            .replace("{{style}}", include_str!("page.css"))
            .replace("{{more}}", include_str!("small/small.css"))
            .replace("{{script}}", &(table + &SCRIPTS.join("\n")));
        // Last and at once, so that nothing in them is taken for a place to fill.
        let (before, rest) = page.split_once("{{drawing}}").expect("a place to draw");
        let (between, after) = rest.split_once("{{data}}").expect("a place for data");
        let (drawing, data) = (small_net(net), embedded(&self.data()));
        format!("{BEGINNING}{before}{drawing}{between}{data}{after}")
    }

    fn data(&self) -> Value {
        let net = self.0;
        let Problem {
            x, t, objective, ..
        } = net.problem;
        let (loss, reduction) = objective_names(*objective);
        let (n, c) = t.dim();
        let (l, dz) = objective.formulas(n, c);
        let network = &net.pass.network;
        let modules = network.modules().iter().zip(letters(network));
        let modules = modules.map(|(module, (letters, layer))| {
            let mut fields = json!({ "name": module.name(), "letters": letters, "layer": layer });
            if let Some([w, b]) = module.params() {
                fields["w"] = rows(&w.value);
                fields["b"] = json!(b.value.row(0).to_vec());
            }
            fields
        });
        json!({
            "title": net.title, "summary": net.summary, "x": rows(x), "t": rows(t), "row": net.row,
            "loss": { "kind": loss, "reduction": reduction, "formula": l, "backward_formula": dz },
            "learning_rate": net.learning_rate, "train_biases": net.train_biases, "precision": net.numbers.0,
            "modules": modules.collect::<Vec<_>>(),
        })
    }
}

fn rows(values: &Array2<f64>) -> Value {
    let rows = values.rows().into_iter().map(|row| row.to_vec());
    json!(rows.collect::<Vec<_>>())
}
