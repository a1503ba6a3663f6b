//! Comparison of one run with runs of another hour.
//!
//! Requests of one run share its luck (a placement, a neighbour, a clock rate), so one run cannot see how much runs
//! differ. That noise has to come from elsewhere, and everything here names where it came from ([`Noise`]). The test
//! is on the log ratio ln(new / old), where `old` is the geometric mean of the stored runs.
//!
//! * Noise of the stored runs themselves: s²·(1 + 1/K), tested by Student's t. Three runs know little of their own
//!   scatter (2 degrees of freedom need 19 standard errors at 0.14 %), so the earlier assumption counts as [`PRIOR`]
//!   degrees more: s² = (2·σ₀² + Σ(x − x̄)²) / (2 + K − 1), after Smyth's moderated t (2004). At most six degrees
//!   count; `docs/verdicts.md` has the measured false alarms.
//! * Noise from elsewhere, as a coefficient of variation: σ²·(1 + 1/K), and each run's own standard error on top,
//!   because that noise was not seen at this load. The degrees of freedom of the sum are Welch and Satterthwaite's.
//! * No noise: time is virtual and the plan is the same, so the numbers are exact.

use super::{
    Interval,
    compare::{Comparison, Rule, Worse},
    critical,
};

/// The smallest number of stored runs whose own scatter is used.
pub const FEWEST_RUNS: usize = 3;
/// Degrees of freedom that the earlier assumption about the noise counts for, in addition to stored runs.
pub const PRIOR: f64 = 2.0;
/// Degrees of freedom of stored runs count for no more than this. Latencies of a queue are skewed to the
/// right, also on a logarithmic scale, and ten runs do not show how far their tail reaches at 0.1 %.
const MOST_FREEDOM: f64 = 6.0;
/// Degrees of freedom of a spread that is given, not estimated.
const GIVEN: f64 = 1e9;

/// A number of one run, and how sure that run is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// The number, above 0.
    pub value: f64,
    /// The standard error as a share of the number. `None` when the run cannot estimate it.
    pub error: Option<f64>,
    /// Degrees of freedom of that error; infinite if the error contains their effect already.
    pub freedom: f64,
    /// The error is this run's own luck and belongs to any comparison: counts of rare events, which stored runs may
    /// all have missed.
    pub counted: bool,
}

/// Degrees of freedom of a test whose noise is that of this number of stored runs.
pub fn freedom(stored: usize) -> f64 {
    (PRIOR + stored as f64 - 1.0).min(MOST_FREEDOM)
}

/// How much runs of an unchanged server differ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Noise {
    /// Runs differ as the stored runs do; there are at least [`FEWEST_RUNS`].
    OfRuns {
        /// What was known or assumed before them: standard deviation over mean.
        before: f64,
    },
    /// Runs differ by a coefficient of variation.
    Cv {
        /// Standard deviation over mean.
        cv: f64,
        /// The coefficient's degrees of freedom; infinite where it is assumed.
        freedom: f64,
    },
    /// Runs do not differ.
    None,
}

/// Compares a new reading with stored ones. Returns `None` when a value is not above 0.
///
/// This number of `metrics` is tested together, as Bonferroni would count them; [`Comparison::detectable`] is for the
/// strictest of them.
pub fn compare(
    stored: &[Reading],
    new: Reading,
    noise: Noise,
    worse: Worse,
    rule: &Rule,
    metrics: f64,
) -> Option<Comparison> {
    let positive = |reading: &Reading| reading.value > 0.0 && reading.value.is_finite();
    if stored.is_empty() || !stored.iter().all(positive) || !positive(&new) {
        return None;
    }
    let logs: Vec<f64> = stored.iter().map(|r| libm::log(r.value)).collect();
    let count = logs.len() as f64;
    let mean = logs.iter().sum::<f64>() / count;
    let change = libm::log(new.value) - mean;
    let spread = Spread::of(&logs, mean, stored, &new, noise);
    let (p_up, interval, detectable) = match &spread {
        Some(spread) => spread.tested(change, rule, metrics),
        None => (0.5, Interval::UNKNOWN, None),
    };
    let (p_worse, sign) = match worse {
        Worse::Higher => (p_up, 1.0),
        Worse::Lower => (1.0 - p_up, -1.0),
    };
    let relative = |log: f64| libm::expm1(log);
    let least = libm::log1p(rule.noise_threshold);
    Some(Comparison {
        pairs: stored.len(),
        change: relative(change),
        interval: interval.map(relative),
        p_worse,
        p_better: 1.0 - p_worse,
        agreement: 1.0,
        detectable: detectable.map(|log: f64| relative(sign * log.max(least)).abs()),
    })
}

/// The smallest relative worsening (an increase) that one stored run shows about nine times out of ten, if runs differ by
/// this coefficient of variation and requests add nothing to it.
pub fn detectable_by(cv: f64, rule: &Rule, metrics: usize) -> Option<f64> {
    let metrics = metrics as f64;
    let reading = Reading {
        value: 1.0,
        error: Some(0.0),
        freedom: f64::INFINITY,
        counted: false,
    };
    let noise = Noise::Cv {
        cv,
        freedom: f64::INFINITY,
    };
    compare(&[reading], reading, noise, Worse::Higher, rule, metrics)?.detectable
}

/// The scatter of a log ratio if nothing has changed.
struct Spread {
    error: f64,
    freedom: f64,
}

impl Spread {
    /// The scatter. `None` when it cannot be known.
    fn of(
        logs: &[f64],
        mean: f64,
        stored: &[Reading],
        new: &Reading,
        noise: Noise,
    ) -> Option<Self> {
        let count = logs.len() as f64;
        let square = |reading: &Reading| reading.error.map(|error| error * error);
        let own = || -> Option<Vec<(f64, f64)>> {
            let mut parts = vec![(square(new)?, new.freedom.min(GIVEN))];
            for reading in stored {
                parts.push((
                    square(reading)? / (count * count),
                    reading.freedom.min(GIVEN),
                ));
            }
            Some(parts)
        };
        let parts = match noise {
            Noise::None => Vec::new(),
            Noise::Cv { cv, freedom } => {
                let variance = libm::log1p(cv * cv) * (1.0 + 1.0 / count);
                let mut parts = own()?;
                parts.push((variance, freedom.min(GIVEN)));
                parts
            }
            Noise::OfRuns { .. } if logs.len() < FEWEST_RUNS => return None,
            Noise::OfRuns { before } => {
                let squares: f64 = logs.iter().map(|log| (log - mean) * (log - mean)).sum();
                let squares = PRIOR * libm::log1p(before * before) + squares;
                let variance = squares / (PRIOR + count - 1.0) * (1.0 + 1.0 / count);
                let mut parts = vec![(variance, freedom(logs.len()))];
                if new.counted {
                    parts.extend(own()?);
                }
                parts
            }
        };
        let variance: f64 = parts.iter().map(|(variance, _)| variance).sum();
        let weighted: f64 = parts.iter().map(|(v, freedom)| v * v / freedom).sum();
        Some(Spread {
            error: variance.sqrt(),
            freedom: if weighted > 0.0 {
                (variance * variance / weighted).max(1.0)
            } else {
                GIVEN
            },
        })
    }

    /// How likely a log ratio above this is, the interval of the change, and the change that would be seen.
    fn tested(&self, change: f64, rule: &Rule, metrics: f64) -> (f64, Interval, Option<f64>) {
        if self.error == 0.0 {
            let p_up = match change.total_cmp(&0.0) {
                std::cmp::Ordering::Greater => 0.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 1.0,
            };
            return (p_up, Interval::new(change, change), Some(0.0));
        }
        let t = |beyond| critical::t(self.freedom, beyond);
        let half = t(rule.error) * self.error;
        let strictest = rule.error / metrics.max(1.0);
        (
            critical::t_above(self.freedom, change / self.error),
            Interval::new(change - half, change + half),
            Some((t(strictest) + t(0.1)) * self.error),
        )
    }
}

/// How likely a difference is at least as large as this one, in either direction, when there is none: by
/// Welch's t, whose degrees of freedom are the squared variance over the sum of each part's square over its
/// own degrees of freedom (`weighted`).
pub fn two_sided(difference: f64, variance: f64, weighted: f64) -> f64 {
    if variance <= 0.0 {
        return if difference == 0.0 { 1.0 } else { 0.0 };
    }
    let freedom = if weighted > 0.0 {
        (variance * variance / weighted).max(1.0)
    } else {
        GIVEN
    };
    2.0 * critical::t_above(freedom, difference.abs() / variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::compare::{Conclusion, conclude};
    use rstest::rstest;

    fn reading(value: f64, error: Option<f64>) -> Reading {
        Reading {
            value,
            error,
            freedom: f64::INFINITY,
            counted: false,
        }
    }

    fn of(stored: &[f64], new: f64, noise: Noise) -> Comparison {
        let stored: Vec<Reading> = stored.iter().map(|v| reading(*v, Some(0.0))).collect();
        let new = reading(new, Some(0.0));
        compare(&stored, new, noise, Worse::Higher, &Rule::default(), 1.0).unwrap()
    }

    const ASSUMED: Noise = Noise::Cv {
        cv: 0.04,
        freedom: f64::INFINITY,
    };

    /// One stored run, no error of its own: √2 · 4 % · 2.326 = 13.2 % on the logarithmic scale.
    #[test]
    fn assumed_noise_is_of_both_runs() {
        let same = of(&[100.0], 100.0, ASSUMED);
        assert!(
            (same.interval.high.unwrap() - 0.1406).abs() < 5e-4,
            "{same:?}"
        );
        assert!((of(&[100.0], 114.2, ASSUMED).p_worse - 0.01).abs() < 1e-3);
        let rule = Rule::default();
        let conclusion = |new| conclude(&[(of(&[100.0], new, ASSUMED), Worse::Higher)], &rule)[0];
        assert_eq!(conclusion(112.0), Conclusion::Inconclusive);
        assert_eq!(conclusion(116.0), Conclusion::Worse);
        assert_eq!(conclusion(86.0), Conclusion::Better);
    }

    #[test]
    fn stored_runs_tell_their_own_noise() {
        let noise = Noise::OfRuns { before: 0.04 };
        let quiet = of(&[100.0, 101.0, 99.0, 100.0, 100.5], 112.0, noise);
        let loud = of(&[100.0, 115.0, 88.0, 104.0, 95.0], 112.0, noise);
        assert!(
            quiet.p_worse < 0.01 && loud.p_worse > 0.05,
            "{quiet:?} {loud:?}"
        );
        assert!(quiet.detectable < loud.detectable);
        let rule = Rule::default();
        let stored = [reading(100.0, Some(0.0)), reading(101.0, Some(0.0))];
        let two = compare(
            &stored,
            reading(150.0, None),
            noise,
            Worse::Higher,
            &rule,
            1.0,
        )
        .unwrap();
        assert_eq!((two.interval, two.detectable), (Interval::UNKNOWN, None));
    }

    #[rstest]
    #[case(100.0, 0.5, Conclusion::Same)]
    #[case(104.9, 0.0, Conclusion::Same)]
    #[case(105.0, 0.0, Conclusion::Worse)]
    #[case(90.0, 1.0, Conclusion::Better)]
    fn without_noise_numbers_are_what_they_are(
        #[case] new: f64,
        #[case] p: f64,
        #[case] conclusion: Conclusion,
    ) {
        let comparison = of(&[100.0], new, Noise::None);
        assert_eq!(comparison.p_worse, p);
        assert!((comparison.detectable.unwrap() - 0.05).abs() < 1e-12);
        let rule = Rule {
            noise_threshold: 0.05 - 1e-12,
            ..Rule::default()
        };
        assert_eq!(
            conclude(&[(comparison, Worse::Higher)], &rule),
            [conclusion]
        );
    }

    /// Five runs without a failure do not prove that the sixth has none: its own scatter counts.
    #[test]
    fn a_few_failures_in_a_run_are_not_compared_with_no_noise_at_all() {
        let share = |value: f64, error: f64| Reading {
            counted: true,
            ..reading(value, Some(error))
        };
        let stored = [share(0.999, 0.013); 5];
        let noise = Noise::OfRuns { before: 0.0 };
        let rule = Rule::default();
        let of = |new| {
            compare(&stored, new, noise, Worse::Lower, &rule, 1.0)
                .unwrap()
                .p_worse
        };
        assert!(of(share(0.95, 0.03)) > 0.01);
        assert!(of(share(0.6, 0.05)) < 1e-6);
    }

    #[test]
    fn an_error_that_is_not_known_leaves_everything_open() {
        let stored = [reading(100.0, None)];
        let rule = Rule::default();
        let compare = |stored: &[Reading], new| {
            compare(
                stored,
                reading(new, Some(0.1)),
                ASSUMED,
                Worse::Higher,
                &rule,
                1.0,
            )
        };
        let unknown = compare(&stored, 200.0).unwrap();
        assert_eq!(
            (unknown.p_worse, unknown.interval),
            (0.5, Interval::UNKNOWN)
        );
        assert_eq!(compare(&stored, 0.0), None);
        assert_eq!(compare(&[], 1.0), None);
    }
}
