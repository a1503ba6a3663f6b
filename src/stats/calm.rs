//! Latencies that hardly differ.
//!
//! In a queue, waits differ by large factors. Where four fifths of the values are within a factor of two, there is no
//! queue, and what still makes neighbours similar is the server's own speed, which [drifts](super::drift).

/// Values are calm if the ninetieth percentile is at most this many times the tenth.
const TIMES: f64 = 2.0;
const FEWEST: usize = 8;

/// Returns whether values in rising order are calm.
pub(super) fn is_calm(sorted: &[f64]) -> bool {
    let at = |share: f64| sorted[(share * (sorted.len() - 1) as f64) as usize];
    sorted.len() >= FEWEST && at(0.1) > 0.0 && at(0.9) <= TIMES * at(0.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::a_constant(&[5.0; 20], true)]
    #[case::one_stall(&[5.0, 5.0, 5.0, 6.0, 7.0, 5.0, 5.0, 5.0, 5.0, 5.0, 90.0], true)]
    #[case::a_queue(&[1.0, 1.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 9.0], false)]
    #[case::few(&[5.0; 7], false)]
    fn values_within_a_factor_of_two_are_calm(#[case] values: &[f64], #[case] calm: bool) {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        assert_eq!(is_calm(&sorted), calm);
    }
}
