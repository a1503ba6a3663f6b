//! Numbers sorted into buckets.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// The unit of a histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Kept in nanoseconds, shown in seconds.
    Seconds,
    Count,
}

impl Unit {
    fn scale(self) -> f64 {
        match self {
            Unit::Seconds => 1e9,
            Unit::Count => 1.0,
        }
    }
}

/// How many numbers were at most each of some bounds, and their sum. Whole numbers all through, so
/// that the order of additions does not matter.
#[derive(Debug)]
pub(super) struct Histogram {
    unit: Unit,
    bounds: Vec<u64>,
    /// Counts: one more than bounds, because the last is beyond them all.
    counts: Vec<AtomicU64>,
    sum: AtomicU64,
}

impl Histogram {
    pub(super) fn new(bounds: &[f64], unit: Unit) -> Self {
        let scaled = bounds.iter().map(|bound| (bound * unit.scale()).round());
        Histogram {
            unit,
            bounds: scaled.map(|bound| bound as u64).collect(),
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
        }
    }

    pub(super) fn observe(&self, number: u64) {
        let bucket = self.bounds.partition_point(|&bound| bound < number);
        self.counts[bucket].fetch_add(1, Relaxed);
        self.sum.fetch_add(number, Relaxed);
    }

    pub(super) fn observe_time(&self, time: Duration) {
        self.observe(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Each bound with the number of values that were at most that; `None` means without a bound.
    pub(super) fn buckets(&self) -> impl Iterator<Item = (Option<f64>, u64)> {
        let scale = self.unit.scale();
        let bounds = self.bounds.iter().map(move |&bound| bound as f64 / scale);
        let counts = self.counts.iter().scan(0, |total, count| {
            *total += count.load(Relaxed);
            Some(*total)
        });
        bounds.map(Some).chain([None]).zip(counts)
    }

    pub(super) fn sum(&self) -> f64 {
        self.sum.load(Relaxed) as f64 / self.unit.scale()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn buckets_hold_what_is_at_most_their_bound(numbers in prop::collection::vec(0..40_u64, 0..60)) {
            let histogram = Histogram::new(&[1.0, 5.0, 20.0], Unit::Count);
            numbers.iter().for_each(|&number| histogram.observe(number));
            for (bound, count) in histogram.buckets() {
                let within = numbers.iter().filter(|&&n| bound.is_none_or(|bound| n as f64 <= bound));
                prop_assert_eq!(count, within.count() as u64);
            }
            prop_assert_eq!(histogram.sum(), numbers.iter().sum::<u64>() as f64);
        }
    }

    #[test]
    fn seconds_are_kept_in_nanoseconds() {
        let histogram = Histogram::new(&[0.001, 0.1], Unit::Seconds);
        histogram.observe_time(Duration::from_millis(100));
        histogram.observe_time(Duration::from_nanos(1));
        let buckets: Vec<_> = histogram.buckets().collect();
        assert_eq!(buckets, [(Some(0.001), 1), (Some(0.1), 2), (None, 2)]);
        assert_eq!(histogram.sum(), 0.100_000_001);
    }
}
