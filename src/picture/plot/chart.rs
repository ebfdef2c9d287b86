//! Lines against epochs or learning rates.

use super::{Anchor, Picture, Shape, shapes::MARGIN};
use crate::picture::{
    font::{shortened, text_width},
    palette::Ink,
};

/// A line of a panel.
pub(super) struct Series {
    /// (x, y) of points, x ascending.
    pub(super) points: Vec<(f64, f64)>,
    pub(super) ink: Ink,
    pub(super) width: f64,
    pub(super) dashed: bool,
}

/// The most points of a line that are drawn.
const MOST_POINTS: usize = 2_000;
const SIZE: f64 = 12.0;

/// What lines are drawn against.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Against {
    /// Epochs, from 1.
    Epochs,
    /// Learning rates, on a logarithmic scale.
    Rates,
}

/// Lines in the rectangle left, top, width and height, labels included.
///
/// The scale upwards is logarithmic where all values are above 0 and the largest is over 20 times the smallest.
pub(super) fn panel(
    picture: &mut Picture,
    [left, top, width, height]: [f64; 4],
    (title, unit): (&str, &str),
    against: Against,
    series: &[Series],
) {
    let across = |x: f64| match against {
        Against::Epochs => x,
        Against::Rates => x.log10(),
    };
    let all = || series.iter().flat_map(|s| &s.points);
    let bounds = |v: &dyn Fn(&(f64, f64)) -> f64| {
        let least = all().map(v).fold(f64::MAX, f64::min);
        (least, all().map(v).fold(f64::MIN, f64::max))
    };
    let logarithmic = {
        let (low, high) = bounds(&|p| p.1);
        low > 0.0 && high / low > 20.0
    };
    let unit = match (unit, logarithmic) {
        ("", true) => " (log scale)".into(),
        ("", false) => String::new(),
        (unit, true) => format!(" ({unit}, log scale)"),
        (unit, false) => format!(" ({unit})"),
    };
    let start = (Anchor::Start, Ink::Text);
    picture.text((left, top + 14.0), 14.0, start, &format!("{title}{unit}"));
    let [plot_left, plot_top] = [left + 56.0, top + 28.0];
    let [right, bottom] = [left + width - 8.0, top + height - 40.0];
    if all().next().is_none() {
        let middle = ((plot_left + right) / 2.0, (plot_top + bottom) / 2.0);
        picture.text(middle, SIZE, (Anchor::Middle, Ink::Dim), "none");
        return;
    }
    let (first, last) = bounds(&|p| across(p.0));
    let (first, last) = if first < last {
        (first, last)
    } else {
        (first - 0.5, last + 0.5)
    };
    let value = |v: f64| if logarithmic { v.log10() } else { v };
    let (low, high) = bounds(&|p| value(p.1));
    let (low, high) = match high - low {
        0.0 if low == 0.0 && !logarithmic => (0.0, 1.0),
        0.0 => (low - 0.1 * low.abs(), low + 0.1 * low.abs()),
        range => (low - 0.04 * range, high + 0.04 * range),
    };
    // A logarithm of 0: one number, 1, and nothing on either side of it.
    let (low, high) = if low < high {
        (low, high)
    } else {
        (low - 0.1, high + 0.1)
    };
    let at_x = |x: f64| plot_left + (across(x) - first) / (last - first) * (right - plot_left);
    let at_y = |y: f64| bottom - (y - low) / (high - low) * (bottom - plot_top);

    let marks = match logarithmic {
        true => log_ticks(low, high),
        false => ticks(low, high, 5.0),
    };
    for tick in marks {
        let y = at_y(value(tick));
        picture.line(vec![(plot_left, y), (right, y)], Ink::Grid, 1.0, false);
        let end = (Anchor::End, Ink::Dim);
        picture.text((plot_left - 7.0, y + 4.0), SIZE, end, &number(tick));
    }
    let (marks, name) = match against {
        Against::Epochs => {
            let mut ticks = ticks(first, last, (width / 70.0).min(8.0));
            ticks.retain(|tick| tick.fract() == 0.0);
            let label = |tick: &f64| (*tick, format!("{tick:.0}"));
            (ticks.iter().map(label).collect::<Vec<_>>(), "epoch")
        }
        Against::Rates => {
            let mut ticks = log_ticks(first, last);
            if ticks.len() < 2 {
                ticks = [first, last].map(|power| 10f64.powf(power)).to_vec();
            }
            let label = |tick: &f64| (*tick, number(*tick));
            let name = "learning rate (log scale)";
            (ticks.iter().map(label).collect(), name)
        }
    };
    for (tick, words) in marks {
        let middle = (Anchor::Middle, Ink::Dim);
        picture.text((at_x(tick), bottom + 17.0), SIZE, middle, &words);
    }
    let axis = vec![(plot_left, bottom), (right, bottom)];
    picture.line(axis, Ink::Dim, 1.0, false);
    let end = (Anchor::End, Ink::Dim);
    picture.text((right, bottom + 34.0), SIZE, end, name);
    for series in series {
        let stride = series.points.len().div_ceil(MOST_POINTS).max(1);
        let points = series.points.iter().step_by(stride);
        let points: Vec<_> = points.map(|&(x, y)| (at_x(x), at_y(value(y)))).collect();
        if let (&[(x, y)], false) = (&points[..], series.dashed) {
            let dot = [x - 3.0, y - 3.0, 6.0, 6.0];
            picture.shapes.push(Shape::Rect(dot, series.ink, 1.0));
        } else if let &[(x, y)] = &points[..] {
            picture.line(vec![(x - 6.0, y), (x + 6.0, y)], series.ink, 2.0, false);
        }
        picture.line(points, series.ink, series.width, series.dashed);
    }
}

/// An entry of a legend: a name, its colour, and whether its line is dashed.
pub(super) type Entry = (String, Ink, bool);

/// Names beside their colours and kinds of lines; returns where it ends.
pub(super) fn legend(picture: &mut Picture, top: f64, entries: &[Entry]) -> f64 {
    let (mut x, mut y) = (MARGIN, top);
    for (name, ink, dashed) in entries {
        let words = shortened(name, 13.0, 400.0);
        let width = 34.0 + text_width(&words, 13.0) + 24.0;
        if x > MARGIN && x + width > picture.size.0 {
            (x, y) = (MARGIN, y + 22.0);
        }
        picture.line(vec![(x, y), (x + 26.0, y)], *ink, 2.2, *dashed);
        let start = (Anchor::Start, Ink::Text);
        picture.text((x + 34.0, y + 4.5), 13.0, start, &words);
        x += width;
    }
    y + 24.0
}

/// Round numbers from `low` to `high`, about `count`: 1, 2 or 5 times a power of ten apart.
pub(super) fn ticks(low: f64, high: f64, count: f64) -> Vec<f64> {
    let rough = (high - low) / count;
    let power = 10f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    let step = steps.into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(10.0 * power);
    let first = (low / step).ceil() as i64;
    let last = (high / step).floor() as i64;
    (first..=last.min(first.saturating_add(50)))
        .map(|tick| tick as f64 * step)
        .collect()
}

/// Powers of ten between two logarithms, with 2 and 5 times them where there are few.
fn log_ticks(low: f64, high: f64) -> Vec<f64> {
    let factors: &[f64] = match high - low {
        ..2.5 => &[1.0, 2.0, 5.0],
        _ => &[1.0],
    };
    let every = ((high - low) / 6.0).ceil().max(1.0) as usize;
    let powers = (low.floor() as i32..=high.ceil() as i32).step_by(every);
    let all = powers.flat_map(|power| factors.iter().map(move |f| f * 10f64.powi(power)));
    all.filter(|tick| (low..=high).contains(&tick.log10()))
        .collect()
}

/// A short number: `0.02`, `1e-5`, `300`.
fn number(v: f64) -> String {
    match v.abs() {
        0.0 => "0".into(),
        size if !(1e-3..1e5).contains(&size) => format!("{:e}", rounded(v)),
        _ => format!("{}", rounded(v)),
    }
}

/// To four digits, so that 0.30000000000000004 is 0.3.
fn rounded(v: f64) -> f64 {
    format!("{v:.3e}").parse().unwrap_or(v)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within() {
        let text = |ticks: Vec<f64>| ticks.into_iter().map(number).collect::<Vec<_>>();
        assert_eq!(
            text(ticks(0.0, 1.0, 5.0)),
            ["0", "0.2", "0.4", "0.6", "0.8", "1"]
        );
        assert_eq!(text(ticks(94.1, 99.0, 5.0)), ["95", "96", "97", "98", "99"]);
        assert_eq!(text(log_ticks(-2.1, -0.9)), ["0.01", "0.02", "0.05", "0.1"]);
        assert_eq!(text(log_ticks(-5.0, 1.0)).len(), 7);
        assert!(ticks(-1e39, 1e39, 5.0).len() <= 51);
    }
}
