//! A number of a run with its standard error, as comparisons with other runs need it.

use super::{estimate::Estimate, slo::value};
use crate::{metrics::Metrics, run::Run, stats::Interval};
use goodput_grammar::slo::Subject;

/// The error of the interval that a standard error is taken from, where nothing gives it directly, and the number of
/// standard errors in half that interval.
const ERROR: f64 = 0.05;
const HALF: f64 = 1.96;

/// How sure a run is of a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct StandardError {
    /// The standard error of its logarithm. `None` when the run cannot estimate it.
    pub(crate) error: Option<f64>,
    /// Degrees of freedom of the standard error.
    pub(crate) freedom: f64,
}

/// How sure a run is of a number that an SLO may limit. `None` when the run does not have the number.
///
/// `turn` makes another number from it, such as the share that succeeds from the errors.
pub(crate) fn standard_error(
    subject: &Subject,
    run: &Run,
    metrics: &Metrics,
    turn: impl Fn(f64) -> f64,
) -> Option<StandardError> {
    let number = value(subject, metrics).ok()?;
    let mut values = None;
    let estimate = Estimate::of(subject, number, None, run, metrics, &mut values);
    if let Estimate::Ratio {
        ratio, root: false, ..
    } = &estimate
    {
        let error = |variance: f64| variance.sqrt() / ratio.value.abs();
        return Some(StandardError {
            error: ratio.long_run.map(|long_run| error(long_run.variance)),
            freedom: ratio.long_run.map_or(1.0, |long_run| long_run.freedom),
        });
    }
    // Drift is part of how runs differ, which comparisons know from elsewhere.
    let estimate = match estimate {
        Estimate::Percentile(quantile) => Estimate::Percentile(quantile.without_drift()),
        other => other,
    };
    Some(StandardError {
        error: of_interval(&estimate.interval(ERROR), number, turn),
        // The interval contains their effect already.
        freedom: f64::INFINITY,
    })
}

/// The longer side of an interval on the logarithmic scale, in standard errors. An end of 0 has no side
/// there.
fn of_interval(interval: &Interval, number: f64, turn: impl Fn(f64) -> f64) -> Option<f64> {
    let side = |end: f64| {
        let (end, number) = (turn(end), turn(number));
        if end > 0.0 && number > 0.0 {
            libm::log(end / number).abs()
        } else {
            0.0
        }
    };
    let (low, high) = (side(interval.low?), side(interval.high?));
    Some(low.max(high) / HALF)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::longer_side(Interval::new(80.0, 110.0), Some(0.223_143_551 / 1.96))]
    #[case::down_to_nothing(Interval::new(0.0, 110.0), Some(0.095_310_18 / 1.96))]
    #[case::open(Interval { low: Some(90.0), high: None }, None)]
    fn standard_errors_of_intervals(#[case] interval: Interval, #[case] expected: Option<f64>) {
        let error = of_interval(&interval, 100.0, |value| value);
        match (error, expected) {
            (Some(error), Some(expected)) => assert!((error - expected).abs() < 1e-6, "{error}"),
            (error, expected) => assert_eq!(error, expected),
        }
    }

    #[test]
    fn errors_are_turned_into_successes() {
        // None of 100 failed: at most 3 %, so at least 97 % succeed.
        let error = of_interval(&Interval::new(0.0, 0.03), 0.0, |share| 1.0 - share);
        assert!((error.unwrap() * 1.96 + libm::log(0.97)).abs() < 1e-9);
    }
}
