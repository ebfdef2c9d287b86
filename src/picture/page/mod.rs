//! A network and an image as one page that explains itself in a browser: `mlp explain --html`.
//!
//! The page holds the weights and does its own arithmetic (`engine.js`: the formulas of [`nn`](crate::nn) and
//! [`loss`](crate::loss) in JavaScript), so that it can take a digit that is drawn on it. It asks the network
//! for nothing: its own policy forbids that. `scripts/check_page.py` compares its numbers with those of
//! [`explain`](crate::explain) in a browser.
//!
//! | file | what it does |
//! |---|---|
//! | `engine.js` | forward, backward, loss, one step: pure arithmetic |
//! | `ink.js` | strokes of a pen to 28×28 pixels |
//! | `words.js` | a thing's formula with its numbers |
//! | `steps.js` | the steps of the pass, each with formula, shapes and numbers |
//! | `drawing.js`, `pad.js` | the network, and the pad |
//! | `view.js` | what is shown, and how it is moved through |

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{data::batch::Preprocessing, loss::LossKind, nn::Mlp};

/// The most parameters of a network that a page holds: some 270 MB of text.
pub const MAX_PARAMETERS: usize = 50_000_000;

/// What every page begins with, and no other file.
pub const BEGINNING: &str = "<!doctype html>\n<!-- a page of mlp explain -->\n";

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
    /// The page. Panics if the network has more than [`MAX_PARAMETERS`].
    pub fn html(&self) -> String {
        assert!(self.network.parameter_count() <= MAX_PARAMETERS);
        let script = [
            include_str!("engine.js"),
            include_str!("ink.js"),
            include_str!("words.js"),
            include_str!("drawing.js"),
            include_str!("pad.js"),
            include_str!("steps.js"),
            include_str!("view.js"),
        ];
        let page = include_str!("page.html")
            .replace("{{style}}", include_str!("page.css"))
            .replace("{{script}}", &script.join("\n"))
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
        };
        let modules = self.network.modules().iter().map(|module| {
            let mut fields = json!({ "name": module.name() });
            for param in module.params().into_iter().flatten() {
                fields[param.name] = base64_of(param.value.iter().map(|&v| v as f32)).into();
            }
            fields
        });
        json!({
            "title": self.title, "summary": self.summary,
            "loss": { "kind": kind, "smoothing": smoothing, "name": self.loss.to_string() },
            "scale": self.preprocessing.scale, "shift": self.preprocessing.shift, "deslant": self.preprocessing.deslant,
            "image": self.image, "pixels": STANDARD.encode(self.pixels), "label": self.label,
            "learning_rate": self.learning_rate, "precision": self.precision,
            "modules": modules.collect::<Vec<_>>(),
        })
    }
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
    use crate::rng::{Purpose, generator};

    fn page_of(title: &str) -> (Mlp<f64>, String) {
        let network = Mlp::kaiming(&[784, 4, 10], &mut generator(1, Purpose::Init));
        let html = Page {
            title,
            summary: "784-4-10",
            network: &network,
            loss: LossKind::SmoothedCe(0.1),
            preprocessing: Preprocessing::UNIT,
            image: "test image 0",
            pixels: &[7; 784],
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
