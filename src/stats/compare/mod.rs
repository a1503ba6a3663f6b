//! Comparison of two servers by pairs of runs.
//!
//! A pair is one run of each server over the same plan, close in time; what counts is its log ratio ln(B / A). Whole
//! runs are the unit: requests of one run share its luck, so there is no evidence in their number. A change is
//! reported when three things come together: it is beyond chance ([`Comparison::p_worse`], corrected for the number
//! of metrics), it is large enough to matter ([`Rule::noise_threshold`]), and most pairs agree on its direction.
//!
//! [`compare_together`] is for several metrics of the same pairs. [`compare`] and [`conclude`] are for metrics of
//! which only each one's own test is known.

mod holm;
mod joint;
mod runs;
mod spread;
mod swap;

pub use holm::holm;
pub use runs::OfRuns;
pub use swap::{MOST_PAIRS, swap_interval, swap_p};

use super::Interval;
use joint::{Series, Ways};
use serde::{Deserialize, Serialize};
use spread::{Logs, Spread, Squares};

/// The direction in which a metric gets worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Worse {
    /// Latencies, errors.
    Higher,
    /// Throughput, goodput.
    Lower,
}

impl Worse {
    /// The sign that makes the log ratio of a worsening positive.
    fn sign(self) -> f64 {
        match self {
            Worse::Higher => 1.0,
            Worse::Lower => -1.0,
        }
    }
}

/// What counts as a change.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// How often, at most, an unchanged server may be called worse (and how often better), over
    /// all metrics together. Default 0.01.
    pub error: f64,
    /// The smallest relative change that matters. Default 0.05.
    pub noise_threshold: f64,
    /// The share of pairs that must agree with the direction of the change. Default 0.8.
    pub agreement: f64,
}

impl Default for Rule {
    fn default() -> Self {
        Rule {
            error: 0.01,
            noise_threshold: 0.05,
            agreement: 0.8,
        }
    }
}

/// What pairs of runs say about one metric.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Pairs with a value above 0 on both sides.
    pub pairs: usize,
    /// Relative change from A to B, geometric mean over pairs: 0.1 is 10 % more.
    pub change: f64,
    /// Where the change lies with the confidence that [`Rule::error`] leaves, both sides counted.
    pub interval: Interval,
    /// How likely unchanged servers are to differ this much in the bad direction.
    pub p_worse: f64,
    /// How likely unchanged servers are to differ this much in the good direction.
    pub p_better: f64,
    /// Share of pairs in the direction of the change, 0–1.
    pub agreement: f64,
    /// The smallest relative worsening that this number of pairs shows about nine times out of ten. `None` when the
    /// pairs cannot show any, as one pair cannot.
    pub detectable: Option<f64>,
}

/// What the pairs say about a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// B is worse.
    Worse,
    /// B is better.
    Better,
    /// The whole interval is within the changes that do not matter.
    Same,
    /// The pairs do not decide.
    Inconclusive,
}

/// One metric of several pairs of runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Paired {
    /// The metric's values at A and at B.
    pub pairs: Vec<(f64, f64)>,
    /// The direction in which the metric gets worse.
    pub worse: Worse,
}

/// Compares one metric over pairs (A, B) of its values. Returns `None` when no pair has values above 0.
///
/// If there are enough pairs for the rule's error, the test swaps labels within pairs, all 2^k ways: exact for any
/// noise that is the same on both sides. Fewer pairs cannot reach a small error that way (five have 32 ways), so for
/// them the test is Student's t on the log ratios, which assumes that they are about normal. From four pairs on it
/// uses how both sides' runs scatter (`src/stats/compare/spread.rs`).
pub fn compare(pairs: &[(f64, f64)], worse: Worse, rule: &Rule) -> Option<Comparison> {
    let logs = Logs::of(pairs);
    (!logs.ratios.is_empty()).then(|| compared(&logs, worse, rule, None).0)
}

/// Compares the metrics of the same pairs. All of them together keep to the rule's error. Gives `None` for a metric
/// that is not above 0 on both sides of every pair.
///
/// The steps are Holm's, but with the joint distribution of all metrics under swaps of labels (Westfall and Young
/// 1993) instead of Bonferroni's bound: metrics that move together cost hardly more than one. Where pairs are too few
/// for swaps, the distribution is drawn for metrics that are correlated as these are, which assumes that log ratios
/// are about normal.
pub fn compare_together(metrics: &[Paired], rule: &Rule) -> Vec<Option<(Comparison, Conclusion)>> {
    let upwards: Vec<Vec<f64>> = metrics.iter().filter_map(upwards).collect();
    let pairs = upwards.first().map_or(0, Vec::len);
    let critical = match upwards.len() {
        0 | 1 => None,
        _ => joint::critical(&upwards, pairs, rule.error),
    };
    together(metrics, rule, critical)
}

/// [`compare_together`], with the t that a metric among the others has to exceed as `critical`, if it is known.
pub(in crate::stats) fn together(
    metrics: &[Paired],
    rule: &Rule,
    critical: Option<f64>,
) -> Vec<Option<(Comparison, Conclusion)>> {
    let (mut usable, mut upward, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    for metric in metrics {
        let series = upwards(metric);
        usable.push(series.is_some());
        if let Some(series) = series {
            let logs = Logs::of(&metric.pairs);
            let (comparison, t) = compared(&logs, metric.worse, rule, critical);
            upward.push(Series {
                ratios: series,
                t: t.map(|t| metric.worse.sign() * t),
            });
            alone.push((comparison, metric.worse));
        }
    }
    let pairs = upward.first().map_or(0, |series| series.ratios.len());
    // Joint p-values are never smaller than a metric's own, so there is usually nothing to adjust.
    let adjusted = |sign: f64, own: fn(&Comparison) -> f64| -> Vec<f64> {
        let own: Vec<f64> = alone
            .iter()
            .map(|(comparison, _)| own(comparison))
            .collect();
        let ways = if own.iter().any(|p| *p <= rule.error) && own.len() > 1 {
            Ways::of(pairs, rule.error)
        } else {
            None
        };
        let Some(ways) = ways else { return own };
        let signed: Vec<Series> = upward.iter().map(|series| series.signed(sign)).collect();
        let joint = ways.adjusted(&signed).into_iter().zip(own);
        joint.map(|(joint, own)| joint.max(own)).collect()
    };
    let p_values = adjusted(1.0, |c| c.p_worse)
        .into_iter()
        .zip(adjusted(-1.0, |c| c.p_better));
    let mut found = alone
        .iter()
        .zip(p_values)
        .map(|((comparison, worse), p)| (*comparison, concluded(comparison, *worse, p, rule)));
    usable
        .into_iter()
        .map(|usable| usable.then(|| found.next()).flatten())
        .collect()
}

/// The log ratios of a metric that has them in every pair, positive for what is worse.
fn upwards(metric: &Paired) -> Option<Vec<f64>> {
    let ratios = Logs::of(&metric.pairs).ratios;
    let usable = !ratios.is_empty() && ratios.len() == metric.pairs.len();
    let sign = metric.worse.sign();
    usable.then(|| ratios.into_iter().map(|ratio| sign * ratio).collect())
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The smallest relative worsening (an increase) that this number of pairs of runs shows about nine times out of ten,
/// if all runs differ by one coefficient of variation, and those of a pair by another. `None` for one pair, which
/// shows nothing.
pub fn detectable_by(all: f64, in_pairs: f64, pairs: usize, rule: &Rule) -> Option<f64> {
    let variance = |cv: f64| libm::log1p(cv * cv);
    let of_ratios = 2.0 * variance(in_pairs);
    let freedom = pairs as f64 - 1.0;
    let squares = Squares {
        ratios: freedom * of_ratios,
        sums: freedom * (4.0 * variance(all) - of_ratios).max(of_ratios),
        pairs,
    };
    let log = Spread::of(squares, rule.error).detectable(rule.error, None)?;
    Some(libm::expm1(log).max(rule.noise_threshold))
}

/// Compares one metric by its log ratios, at least one. Also gives by how many standard errors their mean differs
/// from 0. `critical` is the t to exceed among others.
fn compared(
    logs: &Logs,
    worse: Worse,
    rule: &Rule,
    critical: Option<f64>,
) -> (Comparison, Option<f64>) {
    let ratios = &logs.ratios;
    let mean = mean(ratios);
    let spread = Spread::of(Squares::of(logs), rule.error);
    let swaps = swap::swaps_reach(ratios.len(), rule.error);
    let (p_up, p_down, interval) = if swaps {
        let downwards: Vec<f64> = ratios.iter().map(|ratio| -ratio).collect();
        (
            swap_p(ratios),
            swap_p(&downwards),
            swap_interval(ratios, rule.error),
        )
    } else {
        let p_up = spread.p_above(mean);
        (p_up, 1.0 - p_up, spread.interval(mean, rule.error))
    };
    let agree = ratios.iter().filter(|ratio| *ratio * mean > 0.0).count();
    let relative = |log: f64| libm::expm1(log);
    let (p_worse, p_better) = match worse {
        Worse::Higher => (p_up, p_down),
        Worse::Lower => (p_down, p_up),
    };
    // From here on in the bad direction a change matters.
    let least = worse.sign() * libm::log1p(worse.sign() * rule.noise_threshold);
    let comparison = Comparison {
        pairs: ratios.len(),
        change: relative(mean),
        interval: interval.map(relative),
        p_worse,
        p_better,
        agreement: agree as f64 / ratios.len() as f64,
        detectable: spread
            .detectable(rule.error, critical)
            .map(|log| relative(worse.sign() * log.max(least)).abs()),
    };
    (comparison, spread.t(mean))
}

/// Says what each metric's comparison means. All of them together keep to the rule's error (Holm).
pub fn conclude(comparisons: &[(Comparison, Worse)], rule: &Rule) -> Vec<Conclusion> {
    let adjusted = |p: fn(&Comparison) -> f64| {
        let values: Vec<f64> = comparisons.iter().map(|(c, _)| p(c)).collect();
        holm(&values)
    };
    let p_values = adjusted(|c| c.p_worse)
        .into_iter()
        .zip(adjusted(|c| c.p_better));
    comparisons
        .iter()
        .zip(p_values)
        .map(|((comparison, worse), p)| concluded(comparison, *worse, p, rule))
        .collect()
}

/// Concludes from the p-values for worse and for better, adjusted for the number of metrics.
fn concluded(
    comparison: &Comparison,
    worse: Worse,
    (p_worse, p_better): (f64, f64),
    rule: &Rule,
) -> Conclusion {
    let is_up = comparison.change > 0.0;
    let is_worse = is_up == (worse == Worse::Higher);
    let p = if is_worse { p_worse } else { p_better };
    let matters = comparison.change.abs() >= rule.noise_threshold;
    if p <= rule.error && matters && comparison.agreement >= rule.agreement {
        if is_worse {
            Conclusion::Worse
        } else {
            Conclusion::Better
        }
    } else if within(&comparison.interval, rule.noise_threshold) {
        Conclusion::Same
    } else {
        Conclusion::Inconclusive
    }
}

fn within(interval: &Interval, threshold: f64) -> bool {
    interval.low.is_some_and(|low| low > -threshold)
        && interval.high.is_some_and(|high| high < threshold)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ratios: &[f64]) -> Comparison {
        let pairs: Vec<(f64, f64)> = ratios.iter().map(|ratio| (100.0, 100.0 * ratio)).collect();
        compare(&pairs, Worse::Higher, &Rule::default()).unwrap()
    }

    fn conclusion(ratios: &[f64]) -> Conclusion {
        conclude(&[(of(ratios), Worse::Higher)], &Rule::default())[0]
    }

    #[test]
    fn a_clear_change_is_reported_in_its_direction() {
        let up = [1.18, 1.22, 1.19, 1.21, 1.20];
        assert_eq!(conclusion(&up), Conclusion::Worse);
        assert_eq!(
            conclude(&[(of(&up), Worse::Lower)], &Rule::default()),
            [Conclusion::Inconclusive],
            "the p-values belong to the direction they were computed for"
        );
        let down = up.map(|ratio| 1.0 / ratio);
        assert_eq!(conclusion(&down), Conclusion::Better);
        let comparison = of(&up);
        assert!((comparison.change - 0.2).abs() < 1e-3, "{comparison:?}");
        assert!(comparison.interval.contains(0.2) && !comparison.interval.contains(0.1));
    }

    #[test]
    fn a_change_that_does_not_matter_is_none() {
        assert_eq!(
            conclusion(&[1.020, 1.021, 1.019, 1.022, 1.020, 1.021]),
            Conclusion::Same
        );
    }

    #[test]
    fn pairs_that_disagree_say_nothing() {
        assert_eq!(
            conclusion(&[1.3, 0.8, 1.2, 0.9, 1.4]),
            Conclusion::Inconclusive
        );
        assert_eq!(conclusion(&[1.5]), Conclusion::Inconclusive);
        let one = of(&[1.5]);
        assert_eq!((one.detectable, one.interval), (None, Interval::UNKNOWN));
    }

    #[test]
    fn values_that_have_no_ratio_are_left_out() {
        let rule = Rule::default();
        assert_eq!(compare(&[(0.0, 1.0)], Worse::Higher, &rule), None);
        let two = compare(&[(0.0, 1.0), (1.0, 1.0)], Worse::Higher, &rule).unwrap();
        assert_eq!(two.pairs, 1);
    }

    #[test]
    fn ten_pairs_are_tested_by_swapping() {
        let ratios: Vec<f64> = (0..10).map(|i| 1.1 + f64::from(i) / 100.0).collect();
        // All ten in one direction: the most extreme of 1,024 ways.
        assert_eq!(of(&ratios).p_worse, 1.0 / 1024.0);
        assert_eq!(conclusion(&ratios), Conclusion::Worse);
    }
}
