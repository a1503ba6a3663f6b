//! Percentiles, by order statistics.
//!
//! The share of the server's values below the r-th of n independent ones is Beta(r, n + 1 − r), whatever their
//! distribution. The ends of the interval are the ranks, interpolated, at which that share is beyond the percentile
//! with the wanted probability (Hutson 1999), for the effective number of independent values (Woodruff 1952; Korn and
//! Graubard 1998). A rank beyond the last value is not a bound: 200 values cannot bound a p99.9. The upper end has
//! more of the confidence ([`Tail`]).
//!
//! Calm values count as independent, and what [drift](super::drift) adds moves the ends further out.

use super::{
    EffectiveSize, Evidence, Interval, LongRun, Pace, Sample, Tail, body, critical,
    drift::{Drift, Effect},
    evidence::Far,
};

/// A percentile with what its interval needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantile<'a> {
    /// Share of values at or below it, 0–1.
    pub share: f64,
    /// The percentile of the run.
    value: f64,
    sorted: &'a [f64],
    evidence: Option<Evidence>,
    /// How the server's speed drifts, if latencies are calm.
    drift: Option<Drift>,
    far: Option<Far>,
}

/// From this number of values on, the smallest one bounds a median and higher percentiles from below, however the
/// values are correlated. For all of them to lie above it, the whole run would have to be bad luck.
const ALWAYS_BOUND: usize = 20;

/// An end of a calm percentile that is this many times the percentile is a request that stalled.
const STALL: f64 = 2.0;

/// The percentile below which a `share` of the values lies, with `value` as its estimate.
///
/// Above the median all values count as well ([`Evidence`]). If all are on one side of the `limit` that the
/// percentile is compared with, and far from it, the extreme ones are ends as soon as this number of independent
/// values would have some: there it does not matter how values are correlated.
pub fn quantile<'a>(
    sample: Sample<'a>,
    share: f64,
    value: f64,
    limit: Option<f64>,
    pace: Pace<'_>,
) -> Quantile<'a> {
    let far = limit.and_then(|limit| far(sample, limit));
    if let Some(drift) = body::drift(sample) {
        return Quantile {
            share,
            value,
            sorted: sample.sorted,
            evidence: alone(sample, value, &drift),
            drift: Some(drift),
            far,
        };
    }
    let own = own(sample, value, pace);
    let evidence = if share > 0.5 {
        own.zip(body::effective_size(sample, pace))
            .map(|(own, body)| own.beside(body))
    } else {
        own
    };
    Quantile {
        share,
        value,
        sorted: sample.sorted,
        evidence,
        drift: None,
        far,
    }
}

/// How far the values are from a limit that has all of them on one side.
fn far(sample: Sample<'_>, limit: f64) -> Option<Far> {
    let (first, last) = (*sample.sorted.first()?, *sample.sorted.last()?);
    let with_values = sample.of_requests.iter().filter(|v| !v.is_empty()).count();
    (last < limit || first > limit)
        .then(|| Far::of([first, last].into_iter(), limit, with_values))
        .flatten()
}

/// The evidence of calm values whose requests do not depend on each other, except through what drift does besides
/// moving all of them equally.
fn alone(sample: Sample<'_>, level: f64, drift: &Drift) -> Option<Evidence> {
    let (influence, share) = influence(sample, level);
    let alone = LongRun::independent(&influence)?;
    let long_run = LongRun {
        variance: alone.variance * drift.inflation(share, Effect::OnShape),
        ..alone
    };
    let count = sample.sorted.len() as f64;
    let worth = EffectiveSize::new(count, share * (1.0 - share), long_run);
    Some(Evidence::own(worth, share))
}

/// The evidence of the values for the share of them at or below a level.
fn own(sample: Sample<'_>, level: f64, pace: Pace<'_>) -> Option<Evidence> {
    let (influence, share) = influence(sample, level);
    let long_run = LongRun::of_steps(&influence, pace)?;
    let count = sample.sorted.len() as f64;
    let worth = EffectiveSize::new(count, share * (1.0 - share), long_run);
    Some(Evidence::own(worth, share))
}

/// What each request adds to the share of values at or below a level, and this share.
fn influence(sample: Sample<'_>, level: f64) -> (Vec<f64>, f64) {
    let count = sample.sorted.len() as f64;
    let share = sample.sorted.partition_point(|value| *value <= level) as f64 / count;
    let requests = sample.of_requests.count() as f64;
    let influence: Vec<f64> = sample
        .of_requests
        .iter()
        .map(|values| {
            let below = values.iter().filter(|value| **value <= level).count() as f64;
            (below - share * values.len() as f64) * requests / count
        })
        .collect();
    (influence, share)
}

impl Quantile<'_> {
    /// The same percentile, without the part of drift that moves all values.
    pub fn without_drift(mut self) -> Self {
        self.drift = None;
        self
    }

    /// The interval of the percentile, which is wrong with probability `error`.
    pub fn interval(&self, error: f64) -> Interval {
        let (low, high) = Tail::Above.errors(error);
        Interval {
            low: self.low(low, error),
            high: self.high(high, error),
        }
    }

    /// The equivalent number of independent values for one end of an interval, which is wrong with probability
    /// `error`. `None` when there are too few to estimate it.
    pub fn effective_size(&self, error: f64) -> Option<f64> {
        Some(self.evidence?.effective_size(error))
    }

    /// Where the *share* of values at or below a level would lie after `times` as many requests that
    /// look like these.
    pub fn share_interval_of(&self, level: f64, error: f64, times: f64) -> Interval {
        let below = self.sorted.partition_point(|value| *value <= level);
        let evidence = match (self.evidence, &self.drift) {
            (Some(alone), Some(drift)) => {
                Some(alone.drifting(EffectiveSize::drifting(self.share, drift)))
            }
            (evidence, _) => evidence,
        };
        super::Share {
            value: below as f64 / self.sorted.len().max(1) as f64,
            evidence: evidence.map(|evidence| evidence.far(self.far)),
            rows: None,
            tail: Tail::Below,
        }
        .interval_of(error, times)
    }

    /// The upper end. Without a value beyond the end, the error `all` goes to the other end, as in shares.
    fn high(&self, error: f64, all: f64) -> Option<f64> {
        if let Some(evidence) = self.evidence
            && self.rank(evidence.seen(error), 1.0 - error) <= evidence.seen(error)
        {
            let end = self.at(1.0 - error, evidence.effective_size(error));
            return (!self.is_stalled(end)).then(|| self.moved(end, error, 1.0));
        }
        let all_below = libm::pow(self.share, self.seen(all));
        let last = *self.sorted.last()?;
        let bounds = all_below <= all && (self.far.is_some() || !self.is_stalled(last));
        bounds.then(|| self.moved(last, all, 1.0))
    }

    fn low(&self, error: f64, all: f64) -> Option<f64> {
        if let Some(evidence) = self.evidence
            && self.rank(evidence.seen(error), error) >= 1.0
        {
            return Some(self.moved(self.at(error, evidence.effective_size(error)), error, -1.0));
        }
        let all_above = libm::pow(1.0 - self.share, self.seen(all));
        let always = self.share >= 0.5 && self.sorted.len() >= ALWAYS_BOUND;
        let first = *self.sorted.first()?;
        (all_above <= all || always).then(|| self.moved(first, all, -1.0))
    }

    /// Returns whether an end is a request that stalled where the others are calm: it says nothing about the
    /// percentile.
    fn is_stalled(&self, end: f64) -> bool {
        self.drift.is_some() && end > STALL * self.value
    }

    /// Moves an end as far from the percentile as it is when all values may move equally, in addition.
    fn moved(&self, end: f64, error: f64, up: f64) -> f64 {
        let Some(drift) = self
            .drift
            .as_ref()
            .filter(|_| end > 0.0 && self.value > 0.0)
        else {
            return end;
        };
        let far = drift.moved(libm::log(end / self.value), error);
        self.value * libm::exp(up * far)
    }

    /// The equivalent number of independent values for values beyond the extreme ones, which were not seen.
    fn seen(&self, error: f64) -> f64 {
        let seen = self.evidence.map_or(0.0, |evidence| evidence.seen(error));
        self.far.map_or(seen, |far| far.blend(seen))
    }

    /// The rank among `worth` independent values that is at or above the percentile with this
    /// probability.
    fn rank(&self, worth: f64, probability: f64) -> f64 {
        let (mut low, mut high) = (0.0, worth + 1.0);
        for _ in 0..50 {
            let middle = 0.5 * (low + high);
            let above = 1.0 - critical::beta_at_most(middle, worth + 1.0 - middle, self.share);
            if above < probability {
                low = middle;
            } else {
                high = middle;
            }
        }
        0.5 * (low + high)
    }

    /// The value of the sample that is at the percentile or above it with this probability.
    fn at(&self, probability: f64, worth: f64) -> f64 {
        let count = self.sorted.len() as f64;
        let place =
            (self.rank(worth, probability) / (worth + 1.0) * (count + 1.0)).clamp(1.0, count) - 1.0;
        let below = self.sorted[place as usize];
        let above = self.sorted[(place as usize + 1).min(self.sorted.len() - 1)];
        below + (place - place.floor()) * (above - below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Groups;
    use rstest::rstest;

    /// `count` values in no order.
    fn mixed(count: usize) -> Vec<f64> {
        let value = |i: usize| (i * 7919 % 10_007) as f64;
        (0..count).map(value).collect()
    }

    fn interval(values: &Groups, share: f64) -> Interval {
        let sorted = values.sorted();
        let value = sorted[((sorted.len() - 1) as f64 * share) as usize];
        let sample = Sample {
            of_requests: values,
            sorted: &sorted,
        };
        quantile(sample, share, value, None, Pace::Free).interval(0.05)
    }

    #[rstest]
    #[case(0.999, 200, false)]
    #[case(0.99, 200, false)]
    #[case(0.99, 600, true)]
    #[case(0.9, 200, true)]
    fn what_few_values_cannot_bound(#[case] share: f64, #[case] n: usize, #[case] bounded: bool) {
        let values = Groups::of_one(mixed(n));
        assert_eq!(interval(&values, share).high.is_some(), bounded);
    }

    #[test]
    fn the_fewest_independent_values_that_bound_a_percentile() {
        let sorted = [1.0, 2.0];
        let bounded = |share, worth| {
            let percentile = Quantile {
                share,
                sorted: &sorted,
                far: None,
                value: 1.5,
                drift: None,
                evidence: Some(Evidence::own(EffectiveSize::independent(worth), share)),
            };
            percentile.high(0.0125, 0.05).is_some()
        };
        for (share, fewest) in [(0.5, 5.0), (0.9, 29.0), (0.99, 299.0), (0.999, 2_995.0)] {
            assert!(!bounded(share, fewest - 1.0) && bounded(share, fewest));
        }
    }

    #[test]
    fn seven_values_say_nothing() {
        let values = Groups::of_one(mixed(7));
        assert_eq!(interval(&values, 0.5), Interval::UNKNOWN);
    }

    #[test]
    fn the_median_of_independent_values_has_the_ranks_of_the_textbook() {
        // 95 %, n = 100: the 40th and the 61st value; interpolation lies between them.
        let sorted: Vec<f64> = (1..=100).map(f64::from).collect();
        let median = Quantile {
            share: 0.5,
            sorted: &sorted,
            far: None,
            value: 1.5,
            drift: None,
            evidence: Some(Evidence::own(EffectiveSize::independent(100.0), 0.5)),
        };
        let (low, high) = (median.low(0.025, 0.05), median.high(0.025, 0.05));
        assert!((40.0..41.0).contains(&low.unwrap()), "{low:?}");
        assert!((60.0..61.0).contains(&high.unwrap()), "{high:?}");
    }

    #[test]
    fn gaps_of_one_request_are_not_independent() {
        // 40 requests, whose 50 gaps each are all alike: worth 40 values, not 2,000.
        let alike: Groups = mixed(40).into_iter().map(|value| [value; 50]).collect();
        let unlike: Groups = mixed(2_000).chunks(50).map(<[_]>::to_vec).collect();
        let width = |values: &Groups| {
            let interval = interval(values, 0.5);
            interval.high.unwrap() - interval.low.unwrap()
        };
        assert!(width(&alike) > 3.0 * width(&unlike));
    }

    /// Twenty to sixty values, each close to its neighbours, compared with a limit.
    fn wandering(count: usize, share: f64, limit: Option<f64>) -> Interval {
        let value = |i: usize| 30.0 * libm::exp((i as f64 / 12.0).sin());
        let values = Groups::of_one((0..count).map(value).collect());
        let sorted = values.sorted();
        let sample = Sample {
            of_requests: &values,
            sorted: &sorted,
        };
        let place = ((count - 1) as f64 * share) as usize;
        quantile(sample, share, sorted[place], limit, Pace::Free).interval(0.05)
    }

    #[rstest]
    #[case::median(20, 0.5)]
    #[case::p90(60, 0.9)]
    fn far_from_the_limit_values_count_as_independent(#[case] count: usize, #[case] share: f64) {
        assert_eq!(wandering(count, share, None).high, None);
        assert_eq!(wandering(count, share, Some(90.0)).high, None);
        for limit in [250.0, 2.0] {
            assert!(wandering(count, share, Some(limit)).high.is_some());
        }
    }

    #[test]
    fn nothing_is_concluded_beyond_the_rank() {
        for (count, share) in [(20, 0.9), (60, 0.99), (200, 0.99)] {
            assert_eq!(wandering(count, share, Some(1e6)).high, None);
        }
    }

    #[test]
    fn from_twenty_values_on_a_median_has_an_end() {
        for count in 20..60 {
            assert!(wandering(count, 0.5, None).low.is_some(), "{count}");
        }
    }
}
