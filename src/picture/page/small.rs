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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{check::Pass, explain::Numbers, files::net, nn::Activation};

    fn page_of(title: &str, json: &str) -> String {
        let net = net::from_bytes(json.as_bytes()).unwrap();
        let pass = Pass::new(&net.problem);
        let small = SmallNet {
            title,
            summary: "a small network",
            problem: &net.problem,
            pass: &pass,
            row: 0,
            numbers: Numbers(4),
            learning_rate: net.learning_rate,
            train_biases: net.train_biases,
            loss_after: pass
                .step(&net.problem, net.learning_rate, net.train_biases)
                .1,
        };
        SmallPage(&small).html()
    }

    const MAZUR: &str = include_str!("../../../examples/nets/mazur.json");

    fn data_of(html: &str) -> Value {
        let (_, rest) = html
            .split_once(r#"<script type="application/json" id="data">"#)
            .unwrap();
        serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
    }

    #[test]
    fn the_numbers_arrive_as_they_were() {
        let html = page_of("mazur.json", MAZUR);
        assert!(html.starts_with(BEGINNING));
        assert!(html.contains("data-number=\"dw:2:1:0\">0.08267<"));
        let data = data_of(&html);
        assert_eq!(data["x"], json!([[0.05, 0.1]]));
        assert_eq!(data["t"], json!([[0.01, 0.99]]));
        // The w of x·w, a row for each input.
        assert_eq!(data["modules"][0]["w"], json!([[0.15, 0.25], [0.2, 0.3]]));
        assert_eq!(data["modules"][2]["b"], json!([0.6, 0.6]));
        assert_eq!(data["modules"][3]["letters"]["y"], "h₂");
        assert_eq!(data["loss"]["reduction"], "sum/2");
        assert_eq!(data["train_biases"], false);
        let two = MAZUR.replace("\"sigmoid\"", "\"none\"");
        let data = data_of(&page_of("two in a row", &two));
        assert_eq!(data["modules"][1]["letters"]["x"], "z₁");
    }

    #[test]
    fn nothing_in_the_data_is_taken_for_the_page_and_nothing_is_fetched() {
        for title in [
            "</script><script>alert(1)</script>",
            "<!--",
            "{{style}}{{script}}{{data}}{{drawing}}",
            "a\"b\\c\u{2028}",
        ] {
            let html = page_of(title, MAZUR);
            assert_eq!(data_of(&html)["title"], title);
            assert_eq!(html.matches("</script>").count(), 2, "{title}");
        }
        // The name of a namespace is no address.
        let html = page_of("mazur.json", MAZUR).replace("http://www.w3.org/2000/svg", "");
        assert!(html.contains("default-src 'none'") && html.len() < 100_000);
        for foreign in [
            "http:", "https:", "src=", "@import", "url(", "fetch(", "import(",
        ] {
            assert!(!html.contains(foreign), "{foreign}");
        }
    }

    #[test]
    fn no_activation_is_written_down() {
        let written = SCRIPTS.join("").to_lowercase();
        for activation in Activation::ALL {
            let name = activation.about().name.to_lowercase();
            assert!(!written.contains(&name), "{name} is written down");
        }
    }
}
