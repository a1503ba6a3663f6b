//! Latencies that hardly differ, and a server's speed that moves them together.
//!
//! In a queue waits differ by many times. Where four fifths of the values are within a factor of two there is
//! none, and what still makes neighbours alike is the server's own speed, which drifts. Single requests hide such a
//! drift from the batches of a short run, so it is looked for request by request.

/// Values that differ by so many times at most, from the tenth to the ninetieth percentile, are calm.
const TIMES: f64 = 2.0;
/// The largest influence on a mean is at most so many times the usual one, or values are not calm: stalls.
const STALL: f64 = 8.0;
/// Neighbours up to this distance are compared, and up to an eighth of the series.
const LAGS: usize = 32;
const FEWEST: usize = 8;

/// Whether values in rising order are calm.
pub(super) fn is_calm(sorted: &[f64]) -> bool {
    let at = |share: f64| sorted[(share * (sorted.len() - 1) as f64) as usize];
    sorted.len() >= FEWEST && at(0.1) > 0.0 && at(0.9) <= TIMES * at(0.1)
}

/// Whether a series around 0 has values that stand out far.
pub(super) fn has_stalls(series: &[f64]) -> bool {
    let mut sizes: Vec<f64> = series.iter().map(|value| value.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let usual = sizes.get(sizes.len() / 2).copied().unwrap_or(0.0);
    sizes.last().is_some_and(|most| *most > STALL * usual)
}

/// How much alike neighbours of a series are, in standard deviations of what independent values would be:
/// the sum of its autocorrelations with falling weights (Bartlett's), less their bias.
pub(super) fn kinship(series: &[f64]) -> f64 {
    let count = series.len() as f64;
    let mean = series.iter().sum::<f64>() / count;
    let from_mean: Vec<f64> = series.iter().map(|value| value - mean).collect();
    let squares: f64 = from_mean.iter().map(|d| d * d).sum();
    if series.len() < FEWEST || squares <= 0.0 {
        return 0.0;
    }
    let lags = (series.len() / 8).clamp(2, LAGS);
    let (mut sum, mut variance) = (0.0, 0.0);
    for lag in 1..=lags {
        let weight = 1.0 - lag as f64 / (lags + 1) as f64;
        let later = from_mean[lag..].iter();
        let products: f64 = later.zip(&from_mean).map(|(a, b)| a * b).sum();
        sum += weight * (products / squares + 1.0 / count);
        variance += weight * weight / count;
    }
    sum / variance.sqrt()
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

    #[test]
    fn one_value_far_out_is_a_stall() {
        let mut series: Vec<f64> = (0..100).map(|i| f64::from(i % 11) - 5.0).collect();
        assert!(!has_stalls(&series));
        series[50] = 60.0;
        assert!(has_stalls(&series));
    }

    #[test]
    fn neighbours_that_wander_are_alike() {
        let mixed: Vec<f64> = (0..200).map(|i| f64::from(i * 37 % 101)).collect();
        let wandering: Vec<f64> = (0..200).map(|i| f64::from((i / 10 * 7) % 23)).collect();
        assert!(kinship(&mixed) < 1.5, "{}", kinship(&mixed));
        assert!(kinship(&wandering) > 5.0, "{}", kinship(&wandering));
        assert_eq!(kinship(&[3.0; 50]), 0.0);
    }
}
