//! The range test of learning rates.

use super::{
    Picture,
    chart::{Against, Entry, Series, legend, panel},
};
use crate::{
    picture::palette::Ink,
    train::lr_find::{Advice, RangeTest},
};

/// The loss of a range test against the learning rate: of every step thin, smoothed thick, and a mark at the
/// rate to try.
pub fn rates(test: &RangeTest) -> Picture {
    let mut picture = Picture::new((640.0, 420.0), "loss against learning rate");
    let most = 1.1 * test.ceiling();
    let line = |loss: &dyn Fn(usize) -> f64, ink, width| Series {
        points: (0..test.points.len())
            .map(|step| (f64::from(test.points[step].rate), loss(step).min(most)))
            .collect(),
        ink,
        width,
        dashed: false,
    };
    let mut series = vec![
        line(&|step| test.points[step].loss, Ink::Dim, 0.6),
        line(&|step| test.smooth[step], Ink::Series(0), 2.2),
    ];
    let entry = |name: &str, ink| -> Entry { (name.into(), ink, false) };
    let mut entries = vec![
        entry("every step", Ink::Dim),
        entry("smoothed", Ink::Series(0)),
    ];
    if let Advice::Try(rate) = test.advice() {
        let low = test.smooth.iter().copied().fold(most, f64::min);
        series.push(Series {
            points: [low, most].map(|loss| (rate.into(), loss)).to_vec(),
            ink: Ink::Text,
            width: 1.5,
            dashed: true,
        });
        entries.push((format!("rate to try: {rate:?}"), Ink::Text, true));
    }
    let top = legend(&mut picture, 24.0, &entries);
    let place = [24.0, top, 592.0, 404.0 - top];
    panel(&mut picture, place, ("loss", ""), Against::Rates, &series);
    picture
}
