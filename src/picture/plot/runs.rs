use super::{
    Anchor, Ink, Picture, SERIES,
    chart::{Against, Series, panel},
    shortened, text_width,
};
use crate::{
    files::run::{EpochLine, Record},
    train::statistics::LayerStatistics,
};

/// The most runs in one picture, so that their colours can be told apart.
pub const MAX_RUNS: usize = SERIES;

/// Loss and accuracy of runs against epochs, each with its name: validation drawn through, training dashed.
pub fn curves(runs: &[(String, Record)]) -> Picture {
    let mut picture = Picture::new((960.0, 420.0), "loss and accuracy against epochs");
    let inks: Vec<_> = runs
        .iter()
        .enumerate()
        .map(|(n, (name, _))| (name.clone(), Ink::Series(n)))
        .collect();
    let has_valid = |(_, run): &(String, Record)| run.epochs.iter().any(|e| e.valid_loss.is_some());
    let kinds: &[_] = match runs.iter().any(has_valid) {
        true => &[("validation", false), ("training", true)],
        false => &[("training", true)],
    };
    let top = legend(&mut picture, 24.0, &inks, kinds);
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
    let inks: Vec<_> = shown
        .iter()
        .enumerate()
        .map(|(n, &layer)| (format!("layer {} of {count}", layer + 1), Ink::Series(n)))
        .collect();
    let name = shortened(name, 14.0, 900.0);
    picture.text((24.0, 30.0), 14.0, (Anchor::Start, Ink::Text), &name);
    let top = legend(&mut picture, 44.0, &inks, &[]);
    type Value = fn(&LayerStatistics) -> Option<f64>;
    let panels: [(&str, &str, Value); 5] = [
        ("activation, mean", "", |s| s.activation_mean),
        ("activation, deviation", "", |s| s.activation_deviation),
        ("dead ReLUs", "%", |s| s.dead.map(|d| 100.0 * d)),
        ("gradient norm", "", |s| s.gradient_norm),
        ("update : weight", "", |s| s.update_ratio),
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

/// Names beside their colours and kinds of lines; returns where it ends.
fn legend(picture: &mut Picture, top: f64, inks: &[(String, Ink)], kinds: &[(&str, bool)]) -> f64 {
    let (mut x, mut y) = (24.0, top);
    let inks = inks.iter().map(|(name, ink)| (&name[..], *ink, false));
    let kinds = kinds.iter().map(|&(name, dashed)| (name, Ink::Dim, dashed));
    for (name, ink, dashed) in inks.chain(kinds) {
        let words = shortened(name, 13.0, 400.0);
        let width = 34.0 + text_width(&words, 13.0) + 24.0;
        if x > 24.0 && x + width > picture.size.0 {
            (x, y) = (24.0, y + 22.0);
        }
        picture.line(vec![(x, y), (x + 26.0, y)], ink, 2.2, dashed);
        let start = (Anchor::Start, Ink::Text);
        picture.text((x + 34.0, y + 4.5), 13.0, start, &words);
        x += width;
    }
    y + 24.0
}
