//! `--predictions`: a line an image.

use std::{fmt::Write, io, path::Path};

use mlp::{data::Spec, regular_file};
use serde_json::json;

use super::scores::Scores;
use crate::cli::terminal::{
    json::shortest,
    own_file::{self, Kind},
};

/// How every file of ours begins.
const CSV: &[u8] = b"index,label,predicted,";
const LINES: &[u8] = b"{\"index\":0,\"label\":";

pub(super) const KIND: Kind = Kind {
    flag: "--predictions",
    example: "predictions.csv",
    what: "file of predictions",
    is_one,
};

fn is_one(path: &Path) -> io::Result<bool> {
    let empty = regular_file::open(path)?.metadata()?.len() == 0;
    Ok(empty || own_file::begins(path, CSV)? || own_file::begins(path, LINES)?)
}

/// What a file is, by the ending of its name.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Format {
    Csv,
    JsonLines,
}

impl Format {
    /// Of a name.
    pub(super) fn of(path: &Path) -> Result<Self, String> {
        let ending = path.extension().unwrap_or_default().to_string_lossy();
        match ending.to_ascii_lowercase().as_str() {
            "csv" => Ok(Self::Csv),
            "jsonl" | "ndjson" => Ok(Self::JsonLines),
            _ => Err(format!(
                "{}: expected a name that ends in .csv or .jsonl for --predictions",
                path.display()
            )),
        }
    }
}

/// The whole file.
pub(super) fn text(scores: &Scores, spec: &Spec, format: Format) -> String {
    match format {
        Format::Csv => csv(scores, spec),
        Format::JsonLines => lines(scores),
    }
}

fn csv(scores: &Scores, spec: &Spec) -> String {
    let mut text = String::from("index,label,predicted");
    let of_classes = scores.scores.ncols() == spec.classes.len();
    for column in 0..scores.scores.ncols() {
        let name = match (scores.probabilities, of_classes) {
            (true, _) => format!("probability_{}", spec.classes[column]),
            (false, true) => format!("output_{}", spec.classes[column]),
            (false, false) => "output".to_owned(),
        };
        text.push(',');
        text += &quoted(&name);
    }
    text.push('\n');
    let rows = scores.scores.rows().into_iter().enumerate();
    for (index, row) in rows {
        let (label, class) = (scores.labels[index], scores.classes[index]);
        write!(text, "{index},{label},{class}").expect("a text takes all");
        for score in row {
            // With an exponent where there is little: 1e-7.
            write!(text, ",{score:?}").expect("a text takes all");
        }
        text.push('\n');
    }
    text
}

/// A field of a table, in quotes where it has to be.
fn quoted(field: &str) -> String {
    match field.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field.to_owned(),
    }
}

fn lines(scores: &Scores) -> String {
    let name = match scores.probabilities {
        true => "probabilities",
        false => "outputs",
    };
    let mut text = String::new();
    for (index, row) in scores.scores.rows().into_iter().enumerate() {
        let (label, class) = (scores.labels[index], scores.classes[index]);
        let line = json!({
            "index": index, "label": label, "predicted": class, name: shortest(&row.to_vec()),
        });
        writeln!(text, "{line}").expect("a text takes all");
    }
    text
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn scores() -> Scores {
        Scores {
            classes: vec![1, 0],
            scores: array![[1e-7, 0.1], [0.5, 0.5]],
            probabilities: true,
            labels: vec![1, 1],
        }
    }

    #[test]
    fn a_line_an_image_with_numbers_as_short_as_they_are() {
        let spec = Spec {
            classes: vec!["a,b".into(), "c".into()],
            ..Spec::default()
        };
        let text = text(&scores(), &spec, Format::Csv);
        let expected = "index,label,predicted,\"probability_a,b\",probability_c\n0,1,1,1e-7,0.1\n1,1,0,0.5,0.5\n";
        assert_eq!(text, expected);
        assert!(text.as_bytes().starts_with(CSV));
        let text = super::text(&scores(), &spec, Format::JsonLines);
        let first = "{\"index\":0,\"label\":1,\"predicted\":1,\"probabilities\":[1e-7,0.1]}\n";
        assert!(text.starts_with(first), "{text}");
        assert!(text.as_bytes().starts_with(LINES));
    }

    #[test]
    fn the_ending_says_what_it_is() {
        assert!(Format::of(Path::new("a.CSV")).is_ok_and(|f| f == Format::Csv));
        assert!(Format::of(Path::new("a.jsonl")).is_ok_and(|f| f == Format::JsonLines));
        for name in ["a", "a.json", "a.csv.gz", ""] {
            assert!(Format::of(Path::new(name)).is_err(), "{name}");
        }
    }
}
