//! One sample in a few numbers.

use super::LatencyHistogram;
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::{sync::Arc, time::Duration};

/// A sample's statistics, computed as numpy does.
///
/// All of them are NaN for an empty sample, so that no comparison with a limit holds: a run in which
/// everything failed must not look fast. vLLM's table and result file have vLLM's 0 there.
#[derive(Debug, Clone)]
pub struct Summary {
    /// How many values.
    pub count: u64,
    /// Arithmetic mean.
    pub mean: f64,
    /// 50th percentile.
    pub median: f64,
    /// Standard deviation of the population (divided by the count, not by one less).
    pub std: f64,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// The values in rising order. Shared, because a run may have millions of gaps between tokens.
    values: Arc<Vec<f64>>,
    /// How many values of the sample are at or before each of `values`; empty when each stands
    /// for itself alone.
    cumulative: Vec<u64>,
}

impl Default for Summary {
    /// The summary of no values.
    fn default() -> Self {
        Summary {
            count: 0,
            mean: f64::NAN,
            median: f64::NAN,
            std: f64::NAN,
            min: f64::NAN,
            max: f64::NAN,
            values: Arc::default(),
            cumulative: Vec::new(),
        }
    }
}

/// Equal samples; their statistics follow.
impl PartialEq for Summary {
    fn eq(&self, other: &Self) -> bool {
        (&self.values, &self.cumulative) == (&other.values, &other.cumulative)
    }
}

impl Summary {
    /// Summarises finite values in any order.
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        Summary::sorted(values, Vec::new())
    }

    /// [`of`](Summary::of) for large samples: `sample` is gone through twice, so that no memory is
    /// taken in vain.
    pub fn of_many<I: Iterator<Item = f64>>(sample: impl Fn() -> I) -> Self {
        let mut values = Vec::with_capacity(sample().count());
        values.extend(sample());
        Summary::of(values)
    }

    /// Summarises a sample in which each value occurs as often as its weight says. Weights come
    /// from servers and may be huge, so values are never repeated in memory. `sample` is gone through
    /// twice.
    pub fn weighted<I: Iterator<Item = (f64, u64)>>(sample: impl Fn() -> I) -> Self {
        let sample = || sample().filter(|(_, weight)| *weight > 0);
        // Nearly all servers send one token at a time.
        if sample().all(|(_, weight)| weight == 1) {
            return Summary::of_many(|| sample().map(|(value, _)| value));
        }
        let mut values: Vec<(f64, u64)> = sample().collect();
        values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut total = 0_u64;
        let cumulative = values
            .iter()
            .map(|(_, weight)| {
                total = total.saturating_add(*weight);
                total
            })
            .collect();
        Summary::sorted(
            values.into_iter().map(|(value, _)| value).collect(),
            cumulative,
        )
    }

    /// The summary of this sample and another; neither has weights. It is that of all values at once, because they are
    /// summed up in their order.
    pub(super) fn with(&self, other: Summary) -> Summary {
        if self.is_empty() {
            return other;
        }
        if other.is_empty() {
            return self.clone();
        }
        let mut values = Vec::with_capacity(self.values.len() + other.values.len());
        values.extend_from_slice(&self.values);
        values.extend_from_slice(&other.values);
        // The stable sort finds the two ranges that are in order, and merges them.
        values.sort_by(f64::total_cmp);
        Summary::sorted(values, Vec::new())
    }

    fn sorted(values: Vec<f64>, cumulative: Vec<u64>) -> Self {
        let (Some(&min), Some(&max)) = (values.first(), values.last()) else {
            return Summary::default();
        };
        let mut summary = Summary {
            count: cumulative.last().copied().unwrap_or(values.len() as u64),
            min,
            max,
            values: Arc::new(values),
            cumulative,
            ..Summary::default()
        };
        summary.mean = summary.average(|value| value).clamp(min, max);
        let mean = summary.mean;
        summary.std = summary.average(|value| (value - mean).powi(2)).sqrt();
        summary.median = summary.percentile(50.0);
        summary
    }

    fn average(&self, of: impl Fn(f64) -> f64) -> f64 {
        let mut before = 0;
        let mut sum = 0.0;
        for (position, &value) in self.values.iter().enumerate() {
            let through = self.cumulative.get(position).copied();
            let through = through.unwrap_or(position as u64 + 1);
            sum += of(value) * (through - before) as f64;
            before = through;
        }
        sum / self.count as f64
    }

    /// The sample, taken as milliseconds, in a form that can be stored and merged.
    pub fn histogram(&self) -> LatencyHistogram {
        let mut histogram = LatencyHistogram::new();
        let mut before = 0;
        for (position, &ms) in self.values.iter().enumerate() {
            let through = self.cumulative.get(position).copied();
            let through = through.unwrap_or(position as u64 + 1);
            histogram.record_times(Duration::from_secs_f64(ms.max(0.0) / 1e3), through - before);
            before = through;
        }
        histogram
    }

    /// All values in rising order, if none has a weight.
    pub(crate) fn in_order(&self) -> Option<&Arc<Vec<f64>>> {
        self.cumulative.is_empty().then_some(&self.values)
    }

    /// Whether the sample has no value.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The `q`-th percentile, `q` from 0 to 100 (clamped), by linear interpolation between the
    /// two nearest ranks: numpy's default method, "type 7" of Hyndman and Fan. NaN without values.
    pub fn percentile(&self, q: f64) -> f64 {
        if self.is_empty() {
            return f64::NAN;
        }
        let last = self.count - 1;
        let rank = q.clamp(0.0, 100.0) / 100.0 * last as f64;
        let below = (rank.floor() as u64).min(last);
        let (low, high) = (self.at(below), self.at((below + 1).min(last)));
        let part = rank - below as f64;
        // Starting from the nearer end keeps the result between the two and symmetric.
        if part < 0.5 {
            low + (high - low) * part
        } else {
            high - (high - low) * (1.0 - part)
        }
    }

    fn at(&self, rank: u64) -> f64 {
        let position = if self.cumulative.is_empty() {
            rank as usize
        } else {
            self.cumulative.partition_point(|through| *through <= rank)
        };
        self.values.get(position).copied().unwrap_or(self.max)
    }
}

impl Serialize for Summary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("count", &self.count)?;
        map.serialize_entry("mean", &self.mean)?;
        map.serialize_entry("std", &self.std)?;
        map.serialize_entry("min", &self.min)?;
        map.serialize_entry("p50", &self.median)?;
        map.serialize_entry("p90", &self.percentile(90.0))?;
        map.serialize_entry("p95", &self.percentile(95.0))?;
        map.serialize_entry("p99", &self.percentile(99.0))?;
        map.serialize_entry("p99.9", &self.percentile(99.9))?;
        map.serialize_entry("max", &self.max)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(0.0, 1.0)]
    #[case(25.0, 1.75)]
    #[case(50.0, 2.5)]
    #[case(99.0, 3.97)]
    #[case(100.0, 4.0)]
    #[case(-3.0, 1.0)]
    #[case(250.0, 4.0)]
    fn interpolates_like_numpy(#[case] q: f64, #[case] expected: f64) {
        let summary = Summary::of(vec![4.0, 1.0, 3.0, 2.0]);
        assert!((summary.percentile(q) - expected).abs() < 1e-12);
    }

    #[test]
    fn std_is_the_populations() {
        let summary = Summary::of(vec![2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert_eq!((summary.mean, summary.std), (5.0, 2.0));
    }

    /// A limit on a run in which everything failed must not hold, from either side.
    #[test]
    fn no_comparison_with_an_empty_sample_holds() {
        for summary in [
            Summary::of(vec![]),
            Summary::weighted(|| [(7.0, 0)].into_iter()),
        ] {
            assert!(summary.is_empty());
            let Summary {
                mean,
                median,
                std,
                min,
                max,
                ..
            } = summary;
            for value in [mean, median, std, min, max, summary.percentile(99.0)] {
                assert!(value.is_nan(), "{value}");
            }
            assert_eq!(summary, Summary::default());
            let json = serde_json::to_value(&summary).unwrap();
            assert_eq!(
                (&json["count"], &json["p99"]),
                (&0.into(), &serde_json::Value::Null)
            );
        }
    }

    #[test]
    fn huge_weights_cost_no_memory() {
        let summary = Summary::weighted(|| [(1.0, u64::MAX), (2.0, u64::MAX)].into_iter());
        assert_eq!(summary.count, u64::MAX);
        assert_eq!(summary.median, 1.0);
    }

    proptest! {
        #[test]
        fn percentiles_rise_and_stay_within_bounds(
            values in prop::collection::vec(-1e6_f64..1e6, 1..60),
            a in 0.0_f64..100.0,
            b in 0.0_f64..100.0,
        ) {
            let summary = Summary::of(values);
            let (low, high) = (summary.percentile(a.min(b)), summary.percentile(a.max(b)));
            prop_assert!(summary.min <= low && low <= high && high <= summary.max);
            prop_assert!(summary.min <= summary.mean && summary.mean <= summary.max);
        }

        #[test]
        fn a_weight_is_a_repetition(
            values in prop::collection::vec((0_u32..50, 0_u64..6), 0..30),
            q in 0.0_f64..100.0,
        ) {
            let repeated = values
                .iter()
                .flat_map(|&(value, n)| std::iter::repeat_n(f64::from(value), n as usize))
                .collect();
            let weighted = || values.iter().map(|&(value, n)| (f64::from(value), n));
            let (repeated, weighted) = (Summary::of(repeated), Summary::weighted(weighted));
            prop_assert_eq!(repeated.count, weighted.count);
            if repeated.is_empty() {
                return Ok(());
            }
            prop_assert_eq!(repeated.percentile(q), weighted.percentile(q));
            prop_assert!((repeated.mean - weighted.mean).abs() < 1e-9);
            prop_assert!((repeated.std - weighted.std).abs() < 1e-9);
        }
    }
}
