//! A network and an image as one page that explains itself in a browser: `mlp explain --html`.
//!
//! The page holds the weights and does its own arithmetic, so that it can take a digit that is drawn on it. What a
//! module computes is told by its [`Kind`] alone: the page is handed the formulas, to show, and to compute in
//! JavaScript, so a new activation needs nothing here. It loads nothing from the internet: its own policy forbids that.
//! `scripts/check_page.py` compares its numbers with those of [`explain`](crate::explain) in a browser.
//!
//! | file | what it does |
//! |---|---|
//! | `engine.js` | forward and backward of a module: pure arithmetic |
//! | `losses.js` | the losses, the pass of an image, one step |
//! | `ink.js` | strokes of a pen to the ink of the pad |
//! | `prepare.js` | from there to an image as MNIST has them, like [`photo::fit`](crate::data::photo::fit) |
//! | `words.js` | a thing's formula with its numbers |
//! | `steps.js` | the steps of the pass, each with formula, shapes and numbers |
//! | `drawing.js`, `pad.js` | the network, and the pad |
//! | `view.js` | what is shown, and how it is moved through |
//! | `small.rs`, `small/` | the page of a small network from a file, [`SmallPage`] |

mod small;

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

pub use small::SmallPage;

use super::{names, palette};
use crate::{
    data::{Spec, batch::Preprocessing},
    loss::LossKind,
    nn::{Expression, Kind, Mlp},
};

/// The most parameters of a network that a page holds: some 270 MB of text.
pub const MAX_PARAMETERS: usize = 50_000_000;

/// What every page begins with, and no other file.
pub const BEGINNING: &str = "<!doctype html>\n<!-- a page of mlp explain -->\n";

const SCRIPTS: [&str; 9] = [
    include_str!("engine.js"),
    include_str!("losses.js"),
    include_str!("ink.js"),
    include_str!("prepare.js"),
    include_str!("words.js"),
    include_str!("drawing.js"),
    include_str!("pad.js"),
    include_str!("steps.js"),
    include_str!("view.js"),
];

/// What a page is made of.
pub struct Page<'a> {
    /// What the network is called, such as the name of its file.
    pub title: &'a str,
    /// Its layers, activation and loss in words.
    pub summary: &'a str,
    /// The network: the page has its numbers in `f32`.
    pub network: &'a Mlp<f64>,
    /// Its loss.
    pub loss: LossKind,
    /// The images that it is for, and the classes that its outputs stand for.
    pub spec: &'a Spec,
    /// From pixels to its inputs.
    pub preprocessing: Preprocessing,
    /// What the image is called, such as `test image 0`.
    pub image: &'a str,
    /// Its grey values, row by row.
    pub pixels: &'a [u8],
    /// Its class.
    pub label: u8,
    /// Of the step at the end.
    pub learning_rate: f64,
    /// Digits after the point.
    pub precision: usize,
}

impl Page<'_> {
    /// The page. Panics if the network has more than [`MAX_PARAMETERS`], or if the image or the network are not of
    /// the size that the spec says.
    pub fn html(&self) -> String {
        assert!(self.network.parameter_count() <= MAX_PARAMETERS);
        assert_eq!(self.spec.pixels(), self.pixels.len(), "spec against pixels");
        assert_eq!(
            self.spec.pixels(),
            self.network.inputs(),
            "spec against inputs"
        );
        let modules = self.network.modules().iter().map(|module| module.kind());
        let script = format!("{}{}", formulas(modules), SCRIPTS.join("\n"));
        let page = include_str!("page.html")
            .replace("{{palette}}", &palette::css())
            .replace("{{style}}", include_str!("page.css"))
            .replace("{{strength}}", palette::STRENGTH)
            .replace("{{script}}", &script)
            // Last, so that nothing in the data is taken for a place to fill.
            .replace("{{data}}", &embedded(&self.data()));
        format!("{BEGINNING}{page}")
    }

    fn data(&self) -> Value {
        let (kind, smoothing) = match self.loss {
            LossKind::Ce => ("ce", 0.0),
            LossKind::SmoothedCe(smoothing) => ("ce", smoothing),
            LossKind::MseOnehot => ("mse-onehot", 0.0),
            LossKind::MseDigit => ("mse-digit", 0.0),
            LossKind::Bce => ("bce", 0.0),
        };
        let modules = self.network.modules().iter().zip(letters(self.network));
        let modules = modules.map(|(module, (letters, layer))| {
            let mut fields = json!({ "name": module.name(), "letters": letters, "layer": layer });
            for param in module.params().into_iter().flatten() {
                fields[param.name] = base64_of(param.value.iter().map(|&v| v as f32)).into();
            }
            fields
        });
        json!({
            "title": self.title, "summary": self.summary,
            "loss": { "kind": kind, "smoothing": smoothing, "name": self.loss.to_string() },
            "scale": self.preprocessing.scale, "shift": self.preprocessing.shift, "deslant": self.preprocessing.deslant,
            "rows": self.spec.rows, "cols": self.spec.cols, "classes": self.spec.classes,
            "image": self.image, "pixels": STANDARD.encode(self.pixels), "label": self.label,
            "learning_rate": self.learning_rate, "precision": self.precision,
            "modules": modules.collect::<Vec<_>>(),
        })
    }
}

/// What every module's x and y, w and b are called, and the layer it belongs to.
fn letters(network: &Mlp<f64>) -> Vec<(Value, String)> {
    let widths = network.layers();
    let (mut number, mut x) = (0, names::input_of_layer(1));
    let modules = network.modules().iter().map(|module| {
        let y = match module.kind() {
            Kind::Linear => {
                number += 1;
                names::of_layer("z", number)
            }
            Kind::Activation(_) => names::of_layer("h", number),
            Kind::Dropout => format!("{x}′"),
        };
        let [w, b] = ["w", "b"].map(|letter| names::of_layer(letter, number));
        let letters = json!({ "x": x, "y": y, "w": w, "b": b });
        x = y;
        let between = Some((widths[number - 1], widths[number]));
        (letters, names::layer(number, widths.len() - 1, between))
    });
    modules.collect()
}

/// What the page knows of modules: `const MODULES` in JavaScript, by their names.
///
/// Each has its formulas to show and, unless it is a matrix product, the same to compute: y of x, and dx of x, y
/// and dy.
fn formulas(kinds: impl Iterator<Item = Kind>) -> String {
    let entries: BTreeMap<_, _> = kinds
        .map(|kind| (json!(kind.name()).to_string(), entry(kind)))
        .collect();
    let lines = entries
        .into_iter()
        .map(|(name, entry)| format!("  {name}: {{ {entry} }},\n"));
    format!("const MODULES = {{\n{}}};\n", lines.collect::<String>())
}

fn entry(kind: Kind) -> String {
    let formula = kind.formula();
    let (y, dx) = (json!(formula.y), json!(formula.dx));
    let off = kind.switches_off();
    let shown = format!("formula: {y}, backward_formula: {dx}, switches_off: {off}");
    let note = match kind {
        Kind::Linear => return shown,
        Kind::Activation(_) => "",
        Kind::Dropout => "Dropout is off once training is over.",
    };
    let [y, dx] = [formula.y, formula.dx].map(|text| {
        let parsed = Expression::parse(text);
        parsed.expect("the formulas of modules parse").javascript()
    });
    let note = json!(note);
    format!("{shown}, note: {note}, y: x => {y}, dx: (x, y, dy) => {dx}")
}

/// Little-endian `f32`, row by row.
fn base64_of(values: impl Iterator<Item = f32>) -> String {
    STANDARD.encode(values.flat_map(f32::to_le_bytes).collect::<Vec<_>>())
}

/// JSON that can stand in a script: no `<` that could end it.
fn embedded(data: &Value) -> String {
    data.to_string().replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        nn::Activation,
        rng::{Purpose, generator},
    };

    fn page_of(title: &str) -> (Mlp<f64>, String) {
        page_with(title, &Spec::default())
    }

    fn page_with(title: &str, spec: &Spec) -> (Mlp<f64>, String) {
        let layers = [spec.pixels(), 4, spec.classes.len()];
        let network = Mlp::kaiming(&layers, &mut generator(1, Purpose::Init));
        let html = Page {
            title,
            summary: "a small network",
            network: &network,
            loss: LossKind::SmoothedCe(0.1),
            spec,
            preprocessing: Preprocessing::UNIT,
            image: "test image 0",
            pixels: &vec![7; spec.pixels()],
            label: 3,
            learning_rate: 0.1,
            precision: 4,
        }
        .html();
        (network, html)
    }

    fn data_of(html: &str) -> Value {
        let (_, rest) = html
            .split_once(r#"<script type="application/json" id="data">"#)
            .unwrap();
        serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
    }

    #[test]
    fn the_numbers_arrive_as_they_were() {
        let (network, html) = page_of("model.bin");
        let data = data_of(&html);
        assert_eq!(data["loss"]["smoothing"], 0.1);
        assert_eq!(
            STANDARD.decode(data["pixels"].as_str().unwrap()).unwrap(),
            [7; 784]
        );
        for (m, module) in network.modules().iter().enumerate() {
            assert_eq!(data["modules"][m]["name"], module.name());
            for param in module.params().into_iter().flatten() {
                let bytes = STANDARD
                    .decode(data["modules"][m][param.name].as_str().unwrap())
                    .unwrap();
                let (numbers, []) = bytes.as_chunks::<4>() else {
                    panic!("{} bytes", bytes.len())
                };
                let numbers = numbers.iter().map(|&bytes| f32::from_le_bytes(bytes));
                assert!(numbers.eq(param.value.iter().map(|&v| v as f32)));
            }
        }
    }

    #[test]
    fn the_page_is_told_of_every_activation_and_names_none() {
        let table = formulas(Activation::ALL.into_iter().map(Kind::Activation));
        assert!(table.contains(
            r#""ReLU": { formula: "max(x, 0)", backward_formula: "dy where x > 0, else 0", switches_off: true, "#
        ));
        assert!(table.contains("y: x => Math.max(x, 0), dx: (x, y, dy) => (x > 0 ? dy : 0) }"));
        let written = SCRIPTS.join("").to_lowercase();
        for activation in Activation::ALL {
            assert!(table.contains(&format!("{:?}: {{", activation.about().name)));
            let name = activation.about().name.to_lowercase();
            assert!(!written.contains(&name), "{name} is written down");
        }
    }

    #[test]
    fn nothing_in_the_data_is_taken_for_the_page() {
        for title in [
            "</script><script>alert(1)</script>",
            "<!--",
            "{{style}}{{script}}{{data}}",
            "a\"b\\c\u{2028}",
        ] {
            let (_, html) = page_of(title);
            assert_eq!(data_of(&html)["title"], title);
            assert_eq!(html.matches("</script>").count(), 2, "{title}");
            let mut spec = Spec::numbered(2, 3, 5);
            spec.classes[3] = title.to_owned();
            let (_, html) = page_with("model.bin", &spec);
            assert_eq!(data_of(&html)["classes"][3], title);
            assert_eq!(html.matches("</script>").count(), 2, "{title}");
        }
    }

    #[test]
    fn images_of_any_size_and_classes_of_any_name_arrive() {
        let mut spec = Spec::numbered(8, 5, 3);
        spec.classes[1] = "Ankle boot".into();
        let (_, html) = page_with("model.bin", &spec);
        let data = data_of(&html);
        assert_eq!((&data["rows"], &data["cols"]), (&json!(8), &json!(5)));
        assert_eq!(data["classes"], json!(["0", "Ankle boot", "2"]));
        let pixels = STANDARD.decode(data["pixels"].as_str().unwrap()).unwrap();
        assert_eq!(pixels.len(), 40);
    }

    #[test]
    fn no_size_is_written_down() {
        let written = SCRIPTS.join("") + include_str!("page.html");
        for fixed in [
            "784",
            "28 × 28",
            "20 × 20",
            "SIDE * SIDE",
            "length: 10",
            "/ 28,",
        ] {
            assert!(!written.contains(fixed), "{fixed}");
        }
    }

    #[test]
    fn nothing_is_fetched_from_anywhere() {
        let (_, html) = page_of("model.bin");
        assert!(html.starts_with(BEGINNING) && html.contains("default-src 'none'"));
        for foreign in [
            "http:",
            "https:",
            "src=",
            "@import",
            "url(",
            "fetch(",
            "XMLHttpRequest",
            "import(",
        ] {
            assert!(!html.contains(foreign), "{foreign}");
        }
        assert!(html.len() < 120_000, "{} bytes", html.len());
    }
}
