//! A sum over a sum: means, tokens per second.
//!
//! The interval is symmetric in 1 / R, not in R. A queue's mean wait goes with 1 / (1 − ρ), and what a run estimates
//! evenly is the slack 1 − ρ; on this scale the ends are where they belong near saturation, and where the noise is
//! small no scale matters. When the half width comes near R itself there is no upper end. Latencies have more of the
//! confidence at that end ([`Tail`]), and none before the run can be assumed to have met its stalls. What
//! [drift](super::drift) adds to calm latencies is counted, too.

use super::{Interval, LongRun, Pace, Tail, drift::Drift};
use goodput_grammar::proof;

/// When half the width is this share of the ratio on the scale of 1 / R there is no upper end: it would be more than
/// five times the ratio, and move by as much from run to run.
const TOO_WIDE: f64 = 0.8;

/// A ratio with what its interval needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// The ratio itself.
    pub value: f64,
    /// The ratio's variance.
    pub long_run: Option<LongRun>,
    /// The variance with what drift adds, if latencies are calm.
    pub drifting: Option<LongRun>,
    /// The number of requests that contribute to the ratio.
    pub requests: usize,
    /// The side of the long tail.
    pub tail: Tail,
}

/// The ratio of the sums of pairs (part, whole) in plan order. `None` when the sum of the wholes is 0.
pub fn ratio(pairs: &[(f64, f64)], pace: Pace<'_>, tail: Tail) -> Option<Ratio> {
    let part: f64 = pairs.iter().map(|(part, _)| part).sum();
    let whole: f64 = pairs.iter().map(|(_, whole)| whole).sum();
    if whole <= 0.0 {
        return None;
    }
    let value = part / whole;
    let share = whole / pairs.len() as f64;
    let influence: Vec<f64> = pairs
        .iter()
        .map(|(part, whole)| (part - value * whole) / share)
        .collect();
    let drift = match tail {
        Tail::Above => drift(pairs),
        Tail::None | Tail::Below => None,
    };
    let alone = LongRun::independent(&influence).filter(|_| drift.is_some());
    Some(Ratio {
        value,
        long_run: match drift {
            Some(_) => alone,
            None => LongRun::of(&influence, pace),
        },
        drifting: alone.zip(drift.as_ref()).map(|(alone, drift)| {
            alone.with_errors(&drift.errors(alone.variance, alone.freedom, value))
        }),
        requests: pairs.iter().filter(|(_, whole)| *whole > 0.0).count(),
        tail,
    })
}

/// How the server drifts. `None` if latencies are not calm.
fn drift(pairs: &[(f64, f64)]) -> Option<Drift> {
    let whole = pairs.iter().filter(|(_, whole)| *whole > 0.0);
    let values: Vec<f64> = whole.map(|(part, whole)| part / whole).collect();
    Drift::of(&values)
}

impl Ratio {
    /// The interval of the ratio, which is wrong with probability `error`.
    pub fn interval(&self, error: f64) -> Interval {
        self.interval_of(error, 1.0)
    }

    /// The interval that the ratio would have after `times` as many requests that look like these.
    pub fn interval_of(&self, error: f64, times: f64) -> Interval {
        let Some(long_run) = self.drifting.or(self.long_run) else {
            return Interval::UNKNOWN;
        };
        let (low, high) = self.tail.errors(error);
        let end = |error| long_run.end(error) / times.sqrt();
        let (below, above) = (end(low), end(high));
        let stalls_met = self.tail != Tail::Above
            || times * self.requests as f64 >= proof::to_meet_stalls(error);
        if self.value <= 0.0 {
            let high = if stalls_met { above } else { f64::INFINITY };
            return Interval::new(self.value - below, self.value + high);
        }
        let high = if stalls_met && above < TOO_WIDE * self.value {
            self.value / (1.0 - above / self.value)
        } else {
            f64::INFINITY
        };
        Interval::new(self.value / (1.0 + below / self.value), high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_much_noise_leaves_no_upper_end() {
        let pairs: Vec<(f64, f64)> = (0..40).map(|i| (f64::from(i / 20), 1.0)).collect();
        let interval = ratio(&pairs, Pace::Free, Tail::Above)
            .unwrap()
            .interval(0.05);
        assert!(interval.low.is_some_and(|low| low < 0.5));
        assert_eq!(interval.high, None);
    }

    #[test]
    fn without_requests_there_is_no_ratio() {
        assert_eq!(ratio(&[], Pace::Free, Tail::Above), None);
        let few = ratio(&[(3.0, 1.0), (5.0, 1.0)], Pace::Free, Tail::Above).unwrap();
        assert_eq!((few.value, few.interval(0.05)), (4.0, Interval::UNKNOWN));
    }

    #[test]
    fn more_requests_narrow_it() {
        let pairs: Vec<(f64, f64)> = (0..60).map(|i| (f64::from(i * 7 % 11), 1.0)).collect();
        let ratio = ratio(&pairs, Pace::Free, Tail::None).unwrap();
        let (now, later) = (ratio.interval(0.05), ratio.interval_of(0.05, 4.0));
        assert!(now.low < later.low && later.high < now.high);
    }
}
