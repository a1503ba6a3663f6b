//! How much the mean of a correlated series varies.
//!
//! The series is cut into batches (32, of ten values at least, or more if single ones may be large). The model of
//! their means is a level plus an autoregression. The correlation φ of neighbouring batches is not known, and an
//! estimate from this few values is off by ±0.2, so every φ counts by how likely it makes the data ([`posterior`]).
//! What follows is a mixture of Student's t ([`mixture`](super::mixture)), wide if the data allow much correlation.
//!
//! * Where the plan fixes the sum of the gaps ([`Pace::Gaps`]) the batches are regressed on their gaps. What the gaps
//!   explain does not vary between runs. It is half of the variance of a queue's median.
//! * On a ramp they are regressed on a line with a bend, and their scale may grow along the series.
//! * Degrees of freedom are one a batch, less what was fitted, and fewer when few batches make up most of the
//!   variance: the variance of a sample variance grows with the kurtosis κ, so 2 / (κ − 1) of a batch counts where 1
//!   does for normal ones.

mod posterior;
mod slope;
mod tails;

use super::{
    Pace, critical,
    mixture::{Mixture, Part},
};
use posterior::Model;
pub use slope::{Slope, slope};
use tails::Tails;

/// Fewer values than this say nothing about their own correlation.
const FEWEST: usize = 8;
/// The smallest number of values in a batch.
const VALUES: usize = 10;
/// The smallest number of values in a batch beyond the first 14 batches, if single values may be large: batches of
/// fewer scatter like their largest value, and a run that did not meet one looks too even.
const VALUES_IF_HEAVY: usize = 35;
const BATCHES_IF_HEAVY: usize = 14;
/// The largest number of batches. Those of a ramp's large values are longer: their scale has to be learnt too.
const BATCHES: usize = 32;
const BATCHES_OF_HEAVY_RAMP: usize = 24;
/// Short series have this number of batches nevertheless, if there are two values for each.
const FEWEST_BATCHES: usize = 8;
/// With fewer batches there is nothing to fit but their level.
const BATCHES_TO_FIT: usize = 12;
/// The smallest number of degrees of freedom.
const FREEDOM: f64 = 1.5;

/// The variance of the mean of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LongRun {
    /// Variance of the mean, in the series' unit squared.
    pub variance: f64,
    /// Degrees of freedom of that estimate.
    pub freedom: f64,
    /// Correlation of neighbouring batches, as expected from the data: −0.5 to 1.
    pub correlation: f64,
    /// Batches.
    pub batches: usize,
}

impl LongRun {
    /// Takes a series in the order of the plan. `None` for fewer than 8 values.
    ///
    /// If the number of gaps differs from the number of values, the gaps are ignored.
    pub fn of(series: &[f64], pace: Pace<'_>) -> Option<Self> {
        Self::with_tails(series, pace, Tails::Heavy)
    }

    /// Takes a series in which no value is much larger than the others: indicators or ranks.
    pub fn of_steps(series: &[f64], pace: Pace<'_>) -> Option<Self> {
        Self::with_tails(series, pace, Tails::Light)
    }

    fn with_tails(series: &[f64], pace: Pace<'_>, tails: Tails) -> Option<Self> {
        if series.len() < FEWEST {
            return None;
        }
        let batches = batches(series.len(), pace, tails);
        let means = batch_means(series, batches);
        if means.iter().all(|mean| *mean == 0.0) {
            return Some(LongRun {
                variance: 0.0,
                freedom: batches as f64 - 1.0,
                correlation: 0.0,
                batches,
            });
        }
        let model = match pace {
            _ if batches < BATCHES_TO_FIT => Model::level(batches),
            Pace::Free => Model::level(batches),
            Pace::Gaps(gaps) if gaps.len() != series.len() => Model::level(batches),
            Pace::Gaps(gaps) => match varying(gaps, batches) {
                Some(column) => Model::level(batches).with(column),
                None => Model::level(batches),
            },
            Pace::Ramp => Model::ramp(batches, tails),
        };
        let posterior = model.posterior(&means);
        let (variance, freedom) = Mixture(&posterior.parts).as_one();
        Some(LongRun {
            variance,
            freedom,
            correlation: posterior.correlation,
            batches,
        })
    }

    /// Takes values that do not depend on each other. Degrees of freedom are as above.
    pub(super) fn independent(series: &[f64]) -> Option<Self> {
        let count = series.len() as f64;
        let mean = series.iter().sum::<f64>() / count;
        let power = |of: i32| series.iter().map(|x| (x - mean).powi(of)).sum::<f64>() / count;
        let (variance, fourth) = (power(2), power(4));
        // NaN where nothing varies, which `max` drops.
        let kurtosis = (fourth / (variance * variance)).max(3.0);
        (series.len() >= FEWEST).then(|| LongRun {
            variance: variance / (count - 1.0),
            freedom: ((count - 1.0) * 2.0 / (kurtosis - 1.0)).max(FREEDOM),
            correlation: 0.0,
            batches: series.len(),
        })
    }

    /// The same estimate with these errors in place of its own.
    pub(super) fn with_errors(self, errors: &[Part]) -> Self {
        let (variance, freedom) = Mixture(errors).as_one();
        LongRun {
            variance,
            freedom,
            ..self
        }
    }

    /// The same mean with an additional error from another source; degrees of freedom are Satterthwaite's.
    #[must_use]
    pub fn and(self, variance: f64, freedom: f64) -> Self {
        let sum = self.variance + variance;
        let weighted = self.variance * self.variance / self.freedom + variance * variance / freedom;
        if weighted > 0.0 {
            LongRun {
                variance: sum,
                freedom: sum * sum / weighted,
                ..self
            }
        } else {
            self
        }
    }

    /// Half the width of the mean's interval that misses with probability `error`.
    pub fn half_width(&self, error: f64) -> f64 {
        self.end(error / 2.0)
    }

    /// How far from the mean the end of an interval is that misses on that side with probability `error`.
    pub fn end(&self, error: f64) -> f64 {
        critical::t(self.freedom, error) * self.variance.sqrt()
    }
}

fn batches(length: usize, pace: Pace<'_>, tails: Tails) -> usize {
    let (wanted, most) = match (tails, pace) {
        (Tails::Light, _) => (length / VALUES, BATCHES),
        (Tails::Heavy, Pace::Ramp) => (of_heavy(length), BATCHES_OF_HEAVY_RAMP),
        (Tails::Heavy, Pace::Free | Pace::Gaps(_)) => (of_heavy(length), BATCHES),
    };
    wanted
        .clamp(FEWEST_BATCHES, most)
        // A batch of one value would not be one.
        .min(length / 2)
}

fn of_heavy(length: usize) -> usize {
    (length / VALUES)
        .min(BATCHES_IF_HEAVY)
        .max(length / VALUES_IF_HEAVY)
}

/// The batches' mean gaps, less the mean of all; `None` if they differ by rounding only.
fn varying(gaps: &[f64], batches: usize) -> Option<Vec<f64>> {
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let means = batch_means(gaps, batches);
    let vary = means.iter().any(|gap| gap.abs() > 1e-6 * mean.abs());
    vary.then_some(means)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::testing::Queue;
    use rstest::rstest;

    #[rstest]
    #[case(8, 4, 4)]
    #[case(12, 6, 6)]
    #[case(80, 8, 8)]
    #[case(200, 20, 14)]
    #[case(600, 32, 17)]
    #[case(2_000, 32, 32)]
    fn longer_series_have_more_batches(
        #[case] length: usize,
        #[case] light: usize,
        #[case] heavy: usize,
    ) {
        assert_eq!(batches(length, Pace::Free, Tails::Light), light);
        assert_eq!(batches(length, Pace::Free, Tails::Heavy), heavy);
    }

    #[test]
    fn too_short_a_series_has_no_variance() {
        assert_eq!(LongRun::of(&[1.0; 7], Pace::Free), None);
    }

    #[rstest]
    #[case(Pace::Free)]
    #[case(Pace::Ramp)]
    #[case(Pace::Gaps(&[1.0; 400]))]
    fn a_constant_has_none(#[case] pace: Pace<'_>) {
        let long_run = LongRun::of(&[3.0; 400], pace).unwrap();
        assert_eq!((long_run.variance, long_run.half_width(0.05)), (0.0, 0.0));
    }

    #[test]
    fn blocks_of_equal_values_count_as_what_they_are() {
        // 1,200 values, but only 6 independent ones.
        let values = [2.0, 5.0, 3.0, 6.0, 1.0, 4.0];
        let series: Vec<f64> = values.iter().flat_map(|v| [*v; 200]).collect();
        let mixed: Vec<f64> = (0..1200).map(|position| values[position % 6]).collect();
        let clustered = LongRun::of(&series, Pace::Free).unwrap();
        let mixed = LongRun::of(&mixed, Pace::Free).unwrap();
        assert!(clustered.variance > 0.2, "{clustered:?}");
        assert!(mixed.variance < 1e-3, "{mixed:?}");
    }

    /// Intervals of independent values are the textbook's, and wider by what is not known of correlation.
    #[test]
    fn independent_values_are_worth_themselves() {
        let queue = Queue {
            slots: 64,
            ..Queue::steady(0.01)
        };
        let mut ratios: Vec<f64> = (0..201)
            .map(|seed| {
                let values = queue.ttfts(600, seed);
                let mean = values.iter().sum::<f64>() / 600.0;
                let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
                let textbook = critical::normal(0.025) * (squares / 599.0 / 600.0).sqrt();
                LongRun::of(&values, Pace::Free).unwrap().half_width(0.05) / textbook
            })
            .collect();
        ratios.sort_by(f64::total_cmp);
        assert!((1.0..1.25).contains(&ratios[100]), "{}", ratios[100]);
    }

    #[test]
    fn a_planned_slope_is_no_correlation() {
        let noise = Queue::steady(0.1).ttfts(1000, 1);
        let rising = noise
            .iter()
            .enumerate()
            .map(|(i, noise)| i as f64 + 1e3 * noise);
        let series: Vec<f64> = rising.collect();
        let unplanned = LongRun::of(&series, Pace::Free).unwrap();
        let planned = LongRun::of(&series, Pace::Ramp).unwrap();
        assert!(unplanned.correlation > 0.8, "{unplanned:?}");
        assert!(planned.correlation < 0.5, "{planned:?}");
        assert!(planned.variance < 0.2 * unplanned.variance);
    }

    /// What follows the gaps alone does not vary between runs whose gaps have one sum.
    #[test]
    fn what_the_gaps_explain_is_no_luck() {
        let gaps: Vec<f64> = Queue::steady(0.1).ttfts(600, 3);
        let noise = Queue::steady(0.1).ttfts(600, 4);
        let series: Vec<f64> = gaps.iter().zip(&noise).map(|(g, e)| 5.0 * g + e).collect();
        let variance = |series: &[f64], pace| LongRun::of(series, pace).unwrap().variance;
        let explained = variance(&series, Pace::Gaps(&gaps));
        assert!(explained < 0.2 * variance(&series, Pace::Free));
        let alone = variance(&noise, Pace::Free);
        assert!((0.6..1.6).contains(&(explained / alone)));
    }
}
