use super::{
    Anchor, Ink, Picture,
    chart::{Against, Series, panel},
};
use crate::lr_find::RangeTest;

/// The loss of a range test against the learning rate: of every step thin, smoothed thick, and a mark at the
/// rate to try.
pub fn rates(test: &RangeTest, to_try: Option<f32>) -> Picture {
    let mut picture = Picture::new((640.0, 420.0), "loss against learning rate");
    let rate = |step: usize| f64::from(test.points[step].rate);
    // What rises out of sight says no more than that it rises.
    let most = test.smooth.first().copied().unwrap_or(1.0) * 1.2;
    let line = |loss: &dyn Fn(usize) -> f64, ink, dashed| Series {
        points: (0..test.points.len())
            .map(|step| (rate(step), loss(step).min(most)))
            .collect(),
        ink,
        dashed,
    };
    let mut series = vec![
        line(&|step| test.points[step].loss, Ink::Grid, false),
        line(&|step| test.smooth[step], Ink::Series(0), false),
    ];
    if let Some(to_try) = to_try {
        let low = test.smooth.iter().copied().fold(most, f64::min);
        let x = f64::from(to_try);
        series.push(Series {
            points: vec![(x, low), (x, most)],
            ink: Ink::Series(1),
            dashed: true,
        });
        let words = format!("try {to_try:?}");
        let ink = (Anchor::End, Ink::Series(1));
        picture.text((616.0, 42.0), 14.0, ink, &words);
    }
    let place = [24.0, 28.0, 592.0, 368.0];
    panel(&mut picture, place, ("loss", ""), Against::Rates, &series);
    picture
}
