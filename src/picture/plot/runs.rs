//! Runs against epochs.

use super::{
    Anchor, Picture,
    chart::{Against, Entry, Series, legend, panel},
    shapes::{HEAD, MARGIN},
};
use crate::{
    files::run::{EpochLine, Record},
    picture::{
        font::shortened,
        names,
        palette::{Ink, SERIES},
    },
    train::statistics::LayerStatistics,
};

/// The most runs in one picture, so that their colours can be told apart.
pub const MAX_RUNS: usize = SERIES;

/// Loss and accuracy of runs against epochs, each with its name: validation drawn through, training dashed.
pub fn curves(runs: &[(String, Record)]) -> Picture {
    let mut picture = Picture::new((960.0, 420.0), "loss and accuracy against epochs");
    let names = runs.iter().enumerate();
    let mut entries: Vec<Entry> = names
        .map(|(n, (name, _))| (name.clone(), Ink::Series(n), false))
        .collect();
    let has_valid = |(_, run): &(String, Record)| run.epochs.iter().any(|e| e.valid_loss.is_some());
    let kinds: &[_] = match runs.iter().any(has_valid) {
        true => &[("validation", false), ("training", true)],
        false => &[("training", true)],
    };
    entries.extend(
        kinds
            .iter()
            .map(|&(name, dashed)| (name.into(), Ink::Dim, dashed)),
    );
    let top = legend(&mut picture, 24.0, &entries);
    picture.size.1 = top + 360.0;
    let of = |train: &dyn Fn(&EpochLine) -> f64, valid: &dyn Fn(&EpochLine) -> Option<f64>| {
        let mut series = Vec::new();
        for (n, (_, run)) in runs.iter().enumerate() {
            let points = |value: &dyn Fn(&EpochLine) -> Option<f64>| {
                let points = run
                    .epochs
                    .iter()
                    .filter_map(|e| Some((e.epoch as f64, value(e)?)));
                points.collect()
            };
            series.push(Series {
                points: points(&|e| Some(train(e))),
                ink: Ink::Series(n),
                width: 1.5,
                dashed: true,
            });
            series.push(Series {
                points: points(valid),
                ink: Ink::Series(n),
                width: 2.2,
                dashed: false,
            });
        }
        series
    };
    let loss = of(&|e| e.train_loss, &|e| e.valid_loss);
    let accuracy = of(&|e| 100.0 * e.train_accuracy, &|e| {
        e.valid_accuracy.map(|a| 100.0 * a)
    });
    let mse = |(_, run): &(String, Record)| run.start["loss"] != "ce";
    let unit = if runs.iter().any(mse) { "" } else { "nats" };
    panel(
        &mut picture,
        [24.0, top, 444.0, 348.0],
        ("loss", unit),
        Against::Epochs,
        &loss,
    );
    let place = [492.0, top, 444.0, 348.0];
    panel(
        &mut picture,
        place,
        ("accuracy", "%"),
        Against::Epochs,
        &accuracy,
    );
    picture
}

/// The statistics of every layer of a run; none if it has none. Of many layers, some.
pub fn layers(name: &str, run: &Record) -> Option<Picture> {
    let count = run.epochs.iter().map(|e| e.statistics.len()).max()?;
    if count == 0 {
        return None;
    }
    let shown: Vec<usize> = match count {
        ..=SERIES => (0..count).collect(),
        _ => (0..SERIES)
            .map(|n| n * (count - 1) / (SERIES - 1))
            .collect(),
    };
    let mut picture = Picture::new((960.0, 0.0), "statistics of every layer against epochs");
    let width = |layer: usize| Some(run.start["layers"].get(layer)?.as_u64()? as usize);
    let widths = |layer: usize| width(layer).zip(width(layer + 1));
    let entry = |(n, &layer): (usize, &usize)| {
        let name = names::layer(layer + 1, count, widths(layer));
        (name, Ink::Series(n), false)
    };
    let entries: Vec<_> = shown.iter().enumerate().map(entry).collect();
    let name = shortened(name, HEAD, 900.0);
    picture.text((MARGIN, 30.0), HEAD, (Anchor::Start, Ink::Text), &name);
    let top = legend(&mut picture, 48.0, &entries);
    type Value = fn(&LayerStatistics) -> Option<f64>;
    let panels: [(&str, &str, Value); 5] = [
        ("activation, mean", "", |s| s.activation_mean),
        ("activation, standard deviation", "", |s| {
            s.activation_deviation
        }),
        ("dead ReLUs", "%", |s| s.dead.map(|d| 100.0 * d)),
        ("gradient norm", "", |s| s.gradient_norm),
        ("update / weight", "", |s| s.update_ratio),
    ];
    for (p, (title, unit, value)) in panels.into_iter().enumerate() {
        let place = [
            24.0 + 308.0 * (p % 3) as f64,
            top + 264.0 * (p / 3) as f64,
            296.0,
            252.0,
        ];
        let series: Vec<_> = shown
            .iter()
            .enumerate()
            .map(|(n, &layer)| {
                let epochs = run.epochs.iter();
                let points =
                    epochs.filter_map(|e| Some((e.epoch as f64, value(e.statistics.get(layer)?)?)));
                Series {
                    points: points.collect(),
                    ink: Ink::Series(n),
                    width: 2.2,
                    dashed: false,
                }
            })
            .collect();
        panel(&mut picture, place, (title, unit), Against::Epochs, &series);
    }
    picture.size.1 = top + 2.0 * 264.0;
    Some(picture)
}
