//! A series as a row of eight heights of blocks.

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Differences below this share of the largest value are flat: they are noise of the last digits.
const FLAT: f64 = 1e-9;

/// Formats a series: the smallest value is the lowest block and the largest the highest, and a gap where a value is
/// missing. A flat series is in the middle.
///
/// The last `most` values are shown.
pub(crate) fn sparkline(values: &[Option<f64>], most: usize) -> String {
    let values = &values[values.len().saturating_sub(most)..];
    let known = || values.iter().flatten().filter(|value| value.is_finite());
    let low = known().copied().fold(f64::INFINITY, f64::min);
    let high = known().copied().fold(f64::NEG_INFINITY, f64::max);
    let block = |value: &Option<f64>| match value {
        Some(value) if value.is_finite() => {
            let share = if high - low <= FLAT * high.abs().max(low.abs()) {
                0.5
            } else {
                (value - low) / (high - low)
            };
            BLOCKS[((share * 8.0) as usize).min(7)]
        }
        _ => ' ',
    };
    values.iter().map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::steps(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], 20, "▁▂▃▄▅▆▇█")]
    #[case::flat(&[3.0, 3.0], 20, "▅▅")]
    #[case::last(&[9.0, 1.0, 2.0], 2, "▁█")]
    #[case::gap(&[1.0, f64::NAN, 2.0], 20, "▁ █")]
    #[case::none(&[], 20, "")]
    fn heights_follow_values(#[case] values: &[f64], #[case] most: usize, #[case] line: &str) {
        let values: Vec<Option<f64>> = values.iter().copied().map(Some).collect();
        assert_eq!(sparkline(&values, most), line);
    }
}
