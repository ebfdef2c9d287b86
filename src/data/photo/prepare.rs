//! The steps of the preparation, one after another.

use super::{
    Doubt, Frame, Gray, Prepared, Step,
    blobs::{self, Kept},
    frame::fitted,
    light, lines,
    plane::Plane,
    strokes,
    threshold::{self, Levels},
    width,
};

/// The longer side of the picture that is worked on, at most, in pixels.
const SIDE: usize = 700;
/// Ink of this share of the light or less is faint.
const FAINT: f32 = 0.07;
/// The longer side from which on a picture may show more than the digit, in pixels.
const SHEET: usize = 100;

/// Makes an image like MNIST's of a picture.
///
/// A picture of exactly the frame's size is taken as it is, and only inverted if its border is light. In any other
/// the ink is found, whatever the light and the lines of the paper; its box and its centre of mass are set as [`fit`]
/// does.
///
/// [`fit`]: super::fit
pub fn prepare(picture: &Gray, frame: Frame) -> Prepared {
    let area = frame.rows.saturating_mul(frame.cols);
    let mut steps = Vec::new();
    if !picture.is_sound() || area == 0 {
        return nothing(frame, steps);
    }
    let mut words = format!("{}×{}", picture.cols, picture.rows);
    for note in &picture.notes {
        words = format!("{words}, {note}");
    }
    if (picture.rows, picture.cols) == (frame.rows, frame.cols) {
        return as_it_is(picture, frame, words);
    }
    let small = Plane::shrunk(picture, SIDE);
    if small.rows < picture.rows || small.cols < picture.cols {
        words = format!("{words}, worked on at {}×{}", small.cols, small.rows);
    }
    push(&mut steps, "grey", words, small.gray(255.0));

    let (plain, mask) = attempt(&small, light::ink(&small), frame);
    let (outcome, aside) = match plain.doubts.is_empty() {
        true => (plain, None),
        false => second(&small, plain, &mask, frame),
    };
    if let Some(words) = aside {
        steps[0].words = format!("{}, {words}", steps[0].words);
    }
    steps.extend(outcome.steps);
    Prepared { steps, ..outcome }
}

/// What is tried if something speaks against the plain way: strokes told by being thin, for the hard edge of a
/// shadow, and the sheet alone, for a table around it. Either is taken only if nothing speaks against it.
fn second(
    small: &Plane,
    plain: Prepared,
    mask: &[bool],
    frame: Frame,
) -> (Prepared, Option<&'static str>) {
    let blur = light::blur(small);
    let unclear = |doubt: &Doubt| matches!(doubt, Doubt::CutOff | Doubt::NoStroke);
    if !plain.doubts.iter().any(unclear) {
        let blank = small.side() >= SHEET && is_blank(small, blur);
        return match blank {
            true => (nothing(frame, Vec::new()), None),
            false => (plain, None),
        };
    }
    if small.side() < SHEET {
        return (plain, None);
    }
    // Something solid that stands free, such as a square, is no stroke, but it is there.
    if plain.doubts.contains(&Doubt::CutOff) && is_blank(small, blur) {
        return (nothing(frame, Vec::new()), None);
    }
    let clear = |found: &Prepared| found.doubts.is_empty();
    if let Some(ink) = thin_ink(small, blur, mask) {
        let (found, _) = attempt(small, ink, frame);
        if clear(&found) {
            return (found, Some("shadows left aside"));
        }
    }
    if let Some(sheet) = strokes::sheet(small) {
        let mut ink = light::ink(&sheet.part);
        let amount = ink.amount.values.iter_mut().zip(&sheet.mask);
        amount.filter(|(_, on)| !**on).for_each(|(v, _)| *v = 0.0);
        let (found, digit) = attempt(&sheet.part, ink, frame);
        let was_digit = |i: usize| {
            let (row, col) = (i / sheet.part.cols, i % sheet.part.cols);
            mask.get((row + sheet.at.0) * small.cols + col + sheet.at.1) == Some(&true)
        };
        let before = (0..digit.len()).filter(|&i| digit[i] && was_digit(i));
        let all = mask.iter().filter(|&&digit| digit).count();
        // A good piece of a digit that reaches the border is no digit of its own.
        if clear(&found) && 16 * before.count() <= all {
            return (found, Some("cut to the light sheet"));
        }
    }
    (plain, None)
}

/// Dark strokes that are thin; none if there is about as much again that is a little thicker, such as the inside of
/// thick strokes, or if they are most of what was found the plain way: a digit that touches the border.
fn thin_ink(small: &Plane, blur: usize, plain: &[bool]) -> Option<light::Ink> {
    let ink = strokes::thin(small, small.side() / 14, true, blur);
    let seed = threshold::levels(&ink.amount, ink.noise, |_| true).seed();
    let wider = strokes::thin(small, small.side() / 7, true, blur);
    let count = |plane: &Plane| plane.values.iter().filter(|&&v| v >= seed).count();
    let (found, wider) = (count(&ink.amount), count(&wider.amount));
    let both = ink.amount.values.iter().zip(plain);
    let both = both.filter(|&(&v, &plain)| plain && v >= seed).count();
    let before = plain.iter().filter(|&&plain| plain).count();
    (5 * wider < 6 * found && 2 * both < before).then_some(ink)
}

/// Whether nothing in the picture is as thin as a stroke of a pen, neither dark nor light.
fn is_blank(small: &Plane, blur: usize) -> bool {
    /// More is no paper, in grey values.
    const NOISE: f32 = 25.0;
    if light::noise(small) > NOISE {
        return false;
    }
    [true, false].into_iter().all(|light_paper| {
        let ink = strokes::thin(small, small.side() / 4, light_paper, 2 * blur.max(1));
        let least = (8.0 * ink.noise).max(0.035);
        let above = ink.amount.values.iter().filter(|&&v| v > least).count();
        1000 * above < ink.amount.values.len()
    })
}

/// The steps from ink on, and which pixels are the digit.
fn attempt(small: &Plane, ink: light::Ink, frame: Frame) -> (Prepared, Vec<bool>) {
    let mut steps = Vec::new();
    let words = if ink.light_paper {
        "dark ink on light paper: inverted"
    } else {
        "light ink on dark paper"
    };
    let toward = |v: f32| if ink.light_paper { 255.0 - v } else { v };
    push(
        &mut steps,
        "ink",
        words.into(),
        small.map(toward).gray(255.0),
    );
    let noisy = match ink.blur {
        0 => String::new(),
        blur => format!(", noise smoothed over {} pixels", 2 * blur + 1),
    };
    let words = format!(
        "the paper's light varied by {:.0} %: evened out{noisy}",
        100.0 * ink.uneven
    );
    push(&mut steps, "light", words, ink.amount.gray(1.0));

    let lined = lines::without_lines(&ink.amount, ink.noise, |amount, covered| {
        threshold::levels(amount, ink.noise, |i| !covered[i]).peak
    });
    if lined.level + lined.upright > 0 {
        let words = format!(
            "{} level and {} upright lines taken off",
            lined.level, lined.upright
        );
        push(&mut steps, "lines", words, lined.amount.gray(1.0));
    }
    let mut amount = lined.amount;
    let levels = threshold::levels(&amount, ink.noise, |_| true);
    let Some(peak) = levels.peak else {
        return (nothing(frame, steps), Vec::new());
    };
    let words = format!(
        "ink from {:.0} % on, a full stroke has {:.0} %",
        100.0 * levels.seed(),
        100.0 * peak
    );
    let seed = levels.seed();
    let mask = amount.map(|v| f32::from(u8::from(v >= seed)));
    push(&mut steps, "threshold", words, mask.gray(1.0));

    let Some(mut kept) = blobs::digit(&amount, &levels) else {
        return (nothing(frame, steps), Vec::new());
    };
    if kept.borders > 0 && lined.half > 0 {
        // A line that was not found may tie the digit to the border.
        let cut = width::without_thin(&amount, seed, lined.half as f32 + 0.5);
        if let Some(inner) = blobs::digit(&cut, &levels)
            && inner.borders == 0
            && 2 * inner.area > kept.area
        {
            (amount, kept) = (cut, inner);
        }
    }
    let mut digit = soft(&amount, &kept, &levels, peak);
    let words = format!("{} of {} blobs kept", kept.kept, kept.found);
    push(&mut steps, "largest blob", words, digit.gray(1.0));

    let stroke = width::stroke(&digit);
    // Pixels of the picture for one of 20.
    let unit = kept.size.0.max(kept.size.1) as f32 / 20.0;
    let usual = (stroke / unit).clamp(width::USUAL.0, width::USUAL.1);
    let by = (usual * unit - stroke) / 2.0;
    if by.abs() > 0.02 * unit {
        digit = width::widened(&digit, by);
        let words = format!("strokes {:.1} → {usual:.1} pixels of 20", stroke / unit);
        push(&mut steps, "strokes", words, digit.gray(1.0));
    }

    let fitted = fitted(&digit.gray(1.0), frame);
    let boxed = Gray::new(frame.rows, frame.cols, fitted.boxed);
    let (from, to) = (fitted.from, fitted.to);
    let words = format!("box {}×{} → {}×{}", from.1, from.0, to.1, to.0);
    push(&mut steps, "box", words, boxed);
    let (down, right) = fitted.moved;
    let words = format!("centre moved ({}, {})", signed(right), signed(down));
    let centred = Gray::new(frame.rows, frame.cols, fitted.pixels.clone());
    push(&mut steps, "centred", words, centred);
    let prepared = Prepared {
        pixels: fitted.pixels,
        steps,
        doubts: doubts(&kept, peak, stroke),
    };
    (prepared, kept.mask)
}

fn push(steps: &mut Vec<Step>, name: &'static str, words: String, picture: Gray) {
    steps.push(Step {
        name,
        words,
        picture,
    });
}

/// A number with a minus sign as it is printed.
fn signed(n: i64) -> String {
    let sign = if n < 0 { "−" } else { "" };
    format!("{sign}{}", n.unsigned_abs())
}

fn nothing(frame: Frame, steps: Vec<Step>) -> Prepared {
    Prepared {
        pixels: vec![0; frame.rows.saturating_mul(frame.cols)],
        steps,
        doubts: vec![Doubt::Nothing],
    }
}

/// A picture of the frame's size.
fn as_it_is(picture: &Gray, frame: Frame, words: String) -> Prepared {
    let (rows, cols) = (frame.rows, frame.cols);
    let at_border = |i: usize| {
        let (row, col) = (i / cols, i % cols);
        row == 0 || col == 0 || row + 1 == rows || col + 1 == cols
    };
    let border = picture.pixels.iter().enumerate();
    let border: Vec<u8> = border
        .filter(|&(i, _)| at_border(i))
        .map(|(_, &v)| v)
        .collect();
    let light = border.iter().filter(|&&v| v > 127).count();
    let inverted = 2 * light > border.len();
    let mut pixels = picture.pixels.clone();
    let mut done = "the size of an image: taken as it is";
    if inverted {
        pixels.iter_mut().for_each(|v| *v = 255 - *v);
        done = "the size of an image: inverted, else taken as it is";
    }
    let (low, high) = pixels
        .iter()
        .fold((255, 0), |(low, high), &v| (v.min(low), v.max(high)));
    let ink = pixels.iter().filter(|&&v| v > 127).count();
    let mut doubts = Vec::new();
    if high.saturating_sub(low) < 18 {
        doubts.push(Doubt::Nothing);
    } else if 5 * ink > 2 * pixels.len() || 4 * light.min(border.len() - light) > border.len() {
        doubts.push(Doubt::NoStroke);
    } else if high < 100 {
        doubts.push(Doubt::Faint);
    }
    let mut steps = Vec::new();
    let shown = Gray::new(rows, cols, pixels.clone());
    push(&mut steps, "grey", format!("{words}, {done}"), shown);
    Prepared {
        pixels,
        steps,
        doubts,
    }
}

/// The ink of the digit, 0 to 1, with its soft edges: a little beyond the mask, where it is above the noise.
fn soft(amount: &Plane, kept: &Kept, levels: &Levels, peak: f32) -> Plane {
    let reach = amount.side() / 120 + 1;
    let mask = Plane {
        rows: amount.rows,
        cols: amount.cols,
        values: kept.mask.iter().map(|&m| f32::from(u8::from(m))).collect(),
    };
    let near = mask.blurred(reach);
    let low = (2.0 * levels.noise).min(0.3 * peak);
    let pairs = amount.values.iter().zip(&near.values);
    let values = pairs.map(|(&v, &near)| {
        if near > 1e-4 {
            ((v - low) / (peak - low)).clamp(0.0, 1.0)
        } else {
            0.0
        }
    });
    Plane {
        rows: amount.rows,
        cols: amount.cols,
        values: values.collect(),
    }
}

fn doubts(kept: &Kept, peak: f32, stroke: f32) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    let side = kept.size.0.max(kept.size.1) as f32;
    let narrow = kept.size.0.min(kept.size.1) as f32;
    let filled = kept.area as f32 / (kept.size.0 * kept.size.1) as f32;
    // A 1 fills its box; what is nearly as wide as high does not.
    let solid = filled > 0.7 && narrow > 0.5 * side;
    let scattered = kept.found > 12 && kept.share < 0.4;
    if kept.ink > 0.4
        || (kept.borders >= 3 && kept.ink > 0.3)
        || solid
        || scattered
        || stroke > 0.45 * side
    {
        doubts.push(Doubt::NoStroke);
    }
    if kept.digits > 1 {
        doubts.push(Doubt::Several(kept.digits));
    }
    if kept.borders > 0 {
        doubts.push(Doubt::CutOff);
    }
    if peak < FAINT {
        doubts.push(Doubt::Faint);
    }
    doubts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A square picture with a bar 3/5 as high as the picture; ink and paper of these grey values.
    fn bar(side: usize, ink: u8, paper: u8) -> Gray {
        let inside = |i: usize| {
            let (row, col) = (i / side, i % side);
            (side / 5..side * 4 / 5).contains(&row)
                && (side * 9 / 20..side * 11 / 20).contains(&col)
        };
        let pixels = (0..side * side).map(|i| if inside(i) { ink } else { paper });
        Gray::new(side, side, pixels.collect())
    }

    #[test]
    fn dark_and_light_ink_give_the_same_image() {
        let image = |ink, paper| prepare(&bar(200, ink, paper), Frame::MNIST);
        let (dark, light) = (image(20, 240), image(235, 15));
        assert_eq!(dark.pixels, light.pixels);
        assert_eq!((dark.doubts, light.doubts), (vec![], vec![]));
        let column = |col: usize| {
            (0..28)
                .filter(|row| dark.pixels[row * 28 + col] > 200)
                .count()
        };
        assert_eq!((column(14), column(15), column(5)), (20, 20, 0));
        let names: Vec<_> = light.steps.iter().map(|step| step.name).collect();
        let expected = [
            "grey",
            "ink",
            "light",
            "threshold",
            "largest blob",
            "box",
            "centred",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn a_picture_of_the_frames_size_is_taken_as_it_is() {
        let image = bar(28, 255, 0);
        assert_eq!(prepare(&image, Frame::MNIST).pixels, image.pixels);
        let dark = prepare(&bar(28, 0, 255), Frame::MNIST);
        assert_eq!(dark.pixels, image.pixels);
        assert!(dark.steps[0].words.contains("inverted"));
    }

    /// What is drawn on a sheet of 300×300 whose light is given by row and column: a bar, if one is wanted.
    fn under(light: impl Fn(usize, usize) -> f32, with_bar: bool) -> Prepared {
        let inside = |row: usize, col: usize| {
            (90..210).contains(&row) && (170..180).contains(&col) && with_bar
        };
        let pixels = (0..300 * 300).map(|i| {
            let (row, col) = (i / 300, i % 300);
            let share = if inside(row, col) { 0.2 } else { 1.0 };
            (light(row, col) * share) as u8
        });
        prepare(&Gray::new(300, 300, pixels.collect()), Frame::MNIST)
    }

    #[test]
    fn neither_a_shadow_nor_a_table_is_ink() {
        let slope = |_: usize, col: usize| 240.0 - 0.3 * col as f32;
        let shadow = |row: usize, col: usize| {
            let away = col as f32 + 0.5 * row as f32 - 170.0;
            slope(row, col) * (1.0 - 0.5 / (1.0 + (-away / 3.0).exp()))
        };
        let table = |row: usize, col: usize| {
            let sheet = (40..260).contains(&row) && (50..270).contains(&col);
            let wood = 60.0 + 20.0 * (col as f32 / 6.0).sin();
            if sheet { 230.0 } else { wood }
        };
        let expected = under(|_, _| 230.0, true);
        assert_eq!(expected.doubts, []);
        for (name, found) in [
            ("shadow", under(shadow, true)),
            ("table", under(table, true)),
        ] {
            assert_eq!(found.doubts, [], "{name}");
            let pairs = found.pixels.iter().zip(&expected.pixels);
            let far: u32 = pairs.map(|(&a, &b)| u32::from(a.abs_diff(b))).sum();
            assert!(far < 20 * 784, "{name}: {far}");
        }
        for (name, found) in [
            ("slope", under(slope, false)),
            ("shadow", under(shadow, false)),
        ] {
            assert_eq!(found.doubts, [Doubt::Nothing], "{name}");
        }
    }

    #[test]
    fn each_doubt_has_its_picture() {
        let doubts = |picture: &Gray| prepare(picture, Frame::MNIST).doubts;
        let blank = Gray::new(100, 90, vec![200; 9000]);
        assert_eq!(doubts(&blank), [Doubt::Nothing]);
        assert_eq!(doubts(&Gray::default()), [Doubt::Nothing]);
        assert_eq!(doubts(&bar(200, 228, 240)), [Doubt::Faint]);
        let mut picture = bar(200, 20, 240);
        for row in 45..155 {
            picture.pixels[row * 200 + 150..row * 200 + 165].fill(20);
        }
        assert_eq!(doubts(&picture), [Doubt::Several(2)]);
        let mut picture = Gray::new(200, 200, vec![240; 40_000]);
        for row in 100..200 {
            picture.pixels[row * 200 + 90..row * 200 + 110].fill(20);
        }
        assert_eq!(doubts(&picture), [Doubt::CutOff]);
        picture.pixels.fill(240);
        for row in 65..135 {
            picture.pixels[row * 200 + 65..row * 200 + 135].fill(20);
        }
        assert!(doubts(&picture).contains(&Doubt::NoStroke));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn no_picture_panics(
            rows in 0..70_usize, cols in 0..70_usize, frame_rows in 0..40_usize, frame_cols in 0..40_usize,
            seed: u32, kinds in 1..5_u32, missing: bool,
        ) {
            let mut state = seed;
            let mut pixels: Vec<u8> = (0..rows * cols).map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                // All equal, two values, few values, or any.
                let values = [1, 2, 7, 256][kinds as usize - 1];
                ((state >> 16) % values * 255 / values.max(2)) as u8
            }).collect();
            if missing {
                pixels.pop();
            }
            let frame = Frame { rows: frame_rows, cols: frame_cols };
            let prepared = prepare(&Gray::new(rows, cols, pixels), frame);
            prop_assert_eq!(prepared.pixels.len(), frame_rows * frame_cols);
        }

        #[test]
        fn no_long_picture_panics(length in 1..3000_usize, upright: bool, value: u8) {
            let (rows, cols) = if upright { (length, 1) } else { (1, length) };
            let pixels = (0..length).map(|i| if i % 50 < 5 { value } else { 255 });
            prepare(&Gray::new(rows, cols, pixels.collect()), Frame::MNIST);
        }
    }
}
