//! How much the mean of a correlated series varies.
//!
//! The series is cut into batches; their number grows with the length n of the series,
//! `6 · (n / 200)^0.45` between 6 and 32. The variance of the mean is that of the batch means over
//! their number, times `(1 + r) / (1 − r)` where r is the correlation that neighbouring batches
//! still have. r is estimated from so few values that its bias matters: Kendall's correction
//! `r + (1 + 3r) / m` is applied, `r + (2 + 4r) / m` after a straight line was taken out. The degrees
//! of freedom, m − 1, shrink by `(1 − r²) / (1 + r²)`, those of a variance of correlated values.
//! The correction of batch means by what correlation is left is that of N-Skart (Tafazzoli,
//! Steiger and Wilson 2011).

use super::critical;

/// Fewer values than this say nothing about their own correlation.
const FEWEST: usize = 8;
/// Batches at least and at most.
const BATCHES: std::ops::RangeInclusive<usize> = 6..=32;
/// Short batches hold so many values at least.
const VALUES: usize = 8;
/// Short batches will do as long as r is below this.
const INDEPENDENT: f64 = 0.2;
/// r at most; beyond it one run does not tell correlation from a wandering mean.
const CORRELATION: f64 = 0.9;

/// Whether the conditions themselves change along the series, as a ramp's do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trend {
    /// The plan keeps its conditions.
    None,
    /// The plan changes them: a slope between batches is no sign of correlation.
    Planned,
}

/// The variance of the mean of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LongRun {
    /// Variance of the mean, in the series' unit squared.
    pub variance: f64,
    /// Degrees of freedom of that estimate.
    pub freedom: f64,
    /// Correlation of neighbouring batches that was found, 0–0.9.
    pub correlation: f64,
    /// Batches.
    pub batches: usize,
}

impl LongRun {
    /// Of a series in the order of the plan; `None` for fewer than 8 values.
    pub fn of(series: &[f64], trend: Trend) -> Option<Self> {
        if series.len() < FEWEST {
            return None;
        }
        let coarse = batches(series.len());
        let short = match trend {
            Trend::None => (series.len() / VALUES).clamp(coarse, *BATCHES.end()),
            // What changes on purpose looks different in every short batch.
            Trend::Planned => coarse,
        };
        let (means, correlation) = match correlated(series, short, trend) {
            (_, correlation) if correlation > INDEPENDENT => correlated(series, coarse, trend),
            independent => independent,
        };
        let count = means.len() as f64;
        let squares: f64 = means.iter().map(|mean| mean * mean).sum();
        let square = correlation * correlation;
        Some(LongRun {
            variance: squares / (count - 1.0) / count * (1.0 + correlation) / (1.0 - correlation),
            freedom: (freedom(&means) * (1.0 - square) / (1.0 + square)).max(1.0),
            correlation,
            batches: means.len(),
        })
    }

    /// Half the width of the mean's interval that misses with probability `error`.
    pub fn half_width(&self, error: f64) -> f64 {
        critical::t(self.freedom, error / 2.0) * self.variance.sqrt()
    }
}

/// Batch means and the correlation of neighbours among them.
fn correlated(series: &[f64], batches: usize, trend: Trend) -> (Vec<f64>, f64) {
    let means = batch_means(series, batches);
    let correlation = match trend {
        Trend::None => correlation(&means, 1.0),
        Trend::Planned => correlation(&without_line(&means), 2.0),
    };
    (means, correlation)
}

fn batches(length: usize) -> usize {
    let wanted = 6.0 * libm::pow(length as f64 / 200.0, 0.45);
    // A batch of one value would not be one.
    (wanted as usize)
        .clamp(*BATCHES.start(), *BATCHES.end())
        .min(length / 2)
}

/// The batches' means, less the mean of all.
fn batch_means(series: &[f64], batches: usize) -> Vec<f64> {
    let length = series.len();
    let mean = series.iter().sum::<f64>() / length as f64;
    (0..batches)
        .map(|batch| {
            let values = &series[batch * length / batches..(batch + 1) * length / batches];
            values.iter().map(|value| value - mean).sum::<f64>() / values.len() as f64
        })
        .collect()
}

/// Degrees of freedom of the variance of the batch means: one less than there are, or fewer when few
/// of them make up most of it, as with rare and clustered events. The variance of a sample variance
/// grows with the kurtosis κ, so 2 / (κ − 1) of a batch counts where 1 does for normal ones.
fn freedom(means: &[f64]) -> f64 {
    let count = means.len() as f64;
    let squares = || means.iter().map(|mean| mean * mean);
    let variance = squares().sum::<f64>() / count;
    let fourth = squares().map(|square| square * square).sum::<f64>() / count;
    let kurtosis = fourth / (variance * variance);
    // NaN for a constant, whose variance is 0 whatever its freedom.
    (count - 1.0) * (2.0 / (kurtosis.max(3.0) - 1.0))
}

/// The deviations from the straight line that fits best.
fn without_line(means: &[f64]) -> Vec<f64> {
    let middle = (means.len() as f64 - 1.0) / 2.0;
    let at = |position: usize| position as f64 - middle;
    let along: f64 = (0..means.len()).map(|j| at(j) * at(j)).sum();
    let slope = means
        .iter()
        .enumerate()
        .map(|(j, mean)| at(j) * mean)
        .sum::<f64>()
        / along;
    let residual = |(j, mean): (usize, &f64)| mean - slope * at(j);
    means.iter().enumerate().map(residual).collect()
}

/// Correlation of neighbours, corrected for the `fitted` parameters that were taken out.
fn correlation(values: &[f64], fitted: f64) -> f64 {
    let squares: f64 = values.iter().map(|value| value * value).sum();
    let products: f64 = values.windows(2).map(|pair| pair[0] * pair[1]).sum();
    let raw = if squares > 0.0 {
        products / squares
    } else {
        0.0
    };
    let bias = (fitted + (2.0 + fitted) * raw) / values.len() as f64;
    (raw + bias).clamp(0.0, CORRELATION)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(8, 4)]
    #[case(12, 6)]
    #[case(200, 6)]
    #[case(600, 9)]
    #[case(2_000, 16)]
    #[case(100_000, 32)]
    fn longer_series_have_more_batches(#[case] length: usize, #[case] expected: usize) {
        assert_eq!(batches(length), expected);
    }

    #[test]
    fn too_short_a_series_has_no_variance() {
        assert_eq!(LongRun::of(&[1.0; 7], Trend::None), None);
    }

    #[test]
    fn a_constant_has_none() {
        let long_run = LongRun::of(&[3.0; 40], Trend::None).unwrap();
        assert_eq!((long_run.variance, long_run.half_width(0.05)), (0.0, 0.0));
    }

    #[test]
    fn blocks_of_equal_values_count_as_what_they_are() {
        // 600 values, but only 6 independent ones.
        let values = [2.0, 5.0, 3.0, 6.0, 1.0, 4.0];
        let series: Vec<f64> = values.iter().flat_map(|v| [*v; 200]).collect();
        let mut alternating = vec![0.0; 1200];
        for (position, value) in alternating.iter_mut().enumerate() {
            *value = values[position % 6];
        }
        let clustered = LongRun::of(&series, Trend::None).unwrap();
        let mixed = LongRun::of(&alternating, Trend::None).unwrap();
        assert!(clustered.variance > 0.2, "{clustered:?}");
        assert!(mixed.variance < 1e-3, "{mixed:?}");
    }

    #[test]
    fn a_planned_slope_is_no_correlation() {
        let noise = crate::stats::queue::Queue::steady(0.1).ttfts(1000, 1);
        let rising = noise
            .iter()
            .enumerate()
            .map(|(i, noise)| i as f64 + 1e3 * noise);
        let series: Vec<f64> = rising.collect();
        let unplanned = LongRun::of(&series, Trend::None).unwrap();
        let planned = LongRun::of(&series, Trend::Planned).unwrap();
        assert!(unplanned.correlation > 0.8, "{unplanned:?}");
        assert!(planned.correlation < 0.5, "{planned:?}");
    }
}
