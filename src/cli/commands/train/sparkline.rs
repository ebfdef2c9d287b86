//! The loss of a run as a line of blocks.

/// The most blocks in a line.
const WIDTH: usize = 60;
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Lines of blocks for several series, all on one logarithmic scale, so that they can be compared.
///
/// Of more than [`WIDTH`] values, neighbours are averaged. A value that is not above 0 or not finite is a
/// space.
pub(super) fn sparklines<const N: usize>(series: [&[f64]; N]) -> [String; N] {
    let series = series.map(|values| {
        let each = values.len().div_ceil(WIDTH).max(1);
        let means = values
            .chunks(each)
            .map(|some| some.iter().sum::<f64>() / some.len() as f64);
        means.map(f64::ln).collect::<Vec<_>>()
    });
    let all = || series.iter().flatten().filter(|v| v.is_finite());
    let low = all().copied().fold(f64::INFINITY, f64::min);
    let high = all().copied().fold(f64::NEG_INFINITY, f64::max);
    series.each_ref().map(|values| {
        let block = |v: &f64| match v.is_finite() {
            false => ' ',
            true if high > low => BLOCKS[((v - low) / (high - low) * 7.0).round() as usize],
            true => BLOCKS[0],
        };
        values.iter().map(block).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_is_a_full_block_and_the_smallest_the_lowest() {
        let [first, second] = sparklines([&[1.0, 0.1, 0.01], &[0.1, f64::NAN, 0.0]]);
        assert_eq!((&first[..], &second[..]), ("█▅▁", "▅  "));
        assert_eq!(sparklines([&[2.0, 2.0]]), ["▁▁"]);
        assert_eq!(sparklines([&[], &[]]), ["", ""]);
        assert!(sparklines([&vec![1.0; 1001]])[0].chars().count() <= WIDTH);
    }
}
