//! Latency histograms in bounded memory: for live progress, merging and storage.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Number of significant decimal digits.
const DIGITS: u8 = 3;

/// The largest value that the histogram can hold, in µs: 146,000 years.
const MAX_MICROS: u64 = i64::MAX as u64 / 2;

/// Limit for the number of stored values; far below where sums of counts could overflow.
const MAX_COUNT: u64 = 1 << 40;

/// A histogram of latencies with a resolution of 1 µs or three significant digits, whichever is
/// coarser. It grows as needed, up to half a megabyte.
#[derive(Debug, Clone, PartialEq)]
pub struct LatencyHistogram(Histogram<u64>);

/// Range of values that count as equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Largest value of the bucket, in µs.
    pub micros: u64,
    /// Number of recorded values.
    pub count: u64,
}

/// Error for an unreadable stored histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HistogramError {
    /// The counts exceed what a run could have recorded.
    #[error("the stored histogram counts more than {MAX_COUNT} values: the file is damaged")]
    TooMany,
}

impl Default for LatencyHistogram {
    fn default() -> Self {
        LatencyHistogram::new()
    }
}

impl LatencyHistogram {
    /// Creates an empty histogram.
    pub fn new() -> Self {
        #[expect(
            clippy::expect_used,
            reason = "3 is within the 0 to 5 digits that are allowed"
        )]
        LatencyHistogram(Histogram::new(DIGITS).expect("a valid number of digits"))
    }

    /// Records one latency; values beyond the range count as the largest one.
    pub fn record(&mut self, latency: Duration) {
        self.record_times(latency, 1);
    }

    pub(crate) fn record_times(&mut self, latency: Duration, count: u64) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.record_many(micros, count);
    }

    fn record_many(&mut self, micros: u64, count: u64) {
        let recorded = self.0.record_n(micros.min(MAX_MICROS), count);
        debug_assert!(recorded.is_ok(), "the histogram grows up to MAX_MICROS");
    }

    /// Adds all values of another histogram.
    pub fn merge(&mut self, other: &LatencyHistogram) {
        for bucket in other.buckets() {
            self.record_many(bucket.micros, bucket.count);
        }
    }

    /// Number of recorded latencies.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// Smallest bucket bound, in ms, that at least `q` percent of the values do not exceed; NaN if there
    /// are no values.
    pub fn percentile_ms(&self, q: f64) -> f64 {
        if self.count() == 0 {
            return f64::NAN;
        }
        self.0.value_at_percentile(q.clamp(0.0, 100.0)) as f64 / 1e3
    }

    /// Buckets by ascending latency: the form in which a histogram is stored.
    pub fn buckets(&self) -> Vec<Bucket> {
        let bucket = |step: hdrhistogram::iterators::IterationValue<u64>| Bucket {
            micros: step.value_iterated_to(),
            count: step.count_at_value(),
        };
        self.0.iter_recorded().map(bucket).collect()
    }

    /// Reduces the digits to two or one if necessary, so that at most this number of buckets remains; one
    /// digit takes sixteen buckets for each doubling, whatever the number of values.
    pub fn at_most(&self, buckets: usize) -> Vec<Bucket> {
        let all = self.buckets();
        if all.len() <= buckets {
            return all;
        }
        let coarser = (1..DIGITS).rev().map(|digits| coarse(&all, digits));
        let mut last = Vec::new();
        for merged in coarser {
            last = merged;
            if last.len() <= buckets {
                break;
            }
        }
        last
    }

    /// Reads a stored histogram.
    ///
    /// # Errors
    ///
    /// The counts exceed what a run could have recorded.
    pub fn from_buckets(buckets: &[Bucket]) -> Result<Self, HistogramError> {
        let total = buckets
            .iter()
            .try_fold(0_u64, |total, bucket| total.checked_add(bucket.count));
        if total.is_none_or(|total| total > MAX_COUNT) {
            return Err(HistogramError::TooMany);
        }
        let mut histogram = LatencyHistogram::new();
        for bucket in buckets {
            histogram.record_many(bucket.micros, bucket.count);
        }
        Ok(histogram)
    }
}

/// Merges buckets to fewer digits, each with its largest value.
fn coarse(buckets: &[Bucket], digits: u8) -> Vec<Bucket> {
    let Ok(grid) = Histogram::<u64>::new(digits) else {
        return buckets.to_vec();
    };
    let mut merged: Vec<Bucket> = Vec::new();
    for bucket in buckets {
        let micros = grid.highest_equivalent(bucket.micros.min(MAX_MICROS));
        match merged.last_mut() {
            Some(last) if last.micros == micros => last.count += bucket.count,
            _ => merged.push(Bucket {
                micros,
                count: bucket.count,
            }),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn histogram(micros: &[u64]) -> LatencyHistogram {
        let mut histogram = LatencyHistogram::new();
        for &value in micros {
            histogram.record(Duration::from_micros(value));
        }
        histogram
    }

    #[test]
    fn any_duration_is_accepted() {
        let mut histogram = histogram(&[0, 1, u64::MAX]);
        histogram.record(Duration::MAX);
        assert_eq!(histogram.count(), 4);
        assert!(histogram.percentile_ms(100.0) >= MAX_MICROS as f64 / 1e3 * 0.999);
        assert_eq!(histogram.percentile_ms(0.0), 0.0);
    }

    #[test]
    fn an_empty_histogram_has_no_percentiles() {
        assert!(LatencyHistogram::new().percentile_ms(99.0).is_nan());
        assert!(LatencyHistogram::new().percentile_ms(f64::NAN).is_nan());
    }

    #[test]
    fn absurd_counts_are_refused() {
        for counts in [vec![MAX_COUNT + 1], vec![u64::MAX, 1]] {
            let bucket = |count| Bucket { micros: 5, count };
            let buckets: Vec<_> = counts.into_iter().map(bucket).collect();
            assert_eq!(
                LatencyHistogram::from_buckets(&buckets),
                Err(HistogramError::TooMany)
            );
        }
    }

    /// Latencies from microseconds to hours, as likely in each magnitude.
    fn latencies() -> impl Strategy<Value = Vec<u64>> {
        let latency = (0_u32..35).prop_flat_map(|bits| 0..(1_u64 << bits) + 1);
        prop::collection::vec(latency, 1..80)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn percentiles_are_within_a_thousandth(mut values in latencies(), q in 0.1_f64..100.0) {
            let found = histogram(&values).percentile_ms(q) * 1e3;
            values.sort_unstable();
            let rank = (q / 100.0 * values.len() as f64).ceil() as usize;
            let exact = values[rank.clamp(1, values.len()) - 1] as f64;
            prop_assert!((found - exact).abs() <= (exact * 1e-3).max(1.0), "{found} {exact}");
        }

        #[test]
        fn merging_is_recording_everything(a in latencies(), b in latencies()) {
            let mut merged = histogram(&a);
            merged.merge(&histogram(&b));
            let all = histogram(&[a, b].concat());
            prop_assert_eq!(merged.buckets(), all.buckets());
            prop_assert_eq!(merged.count(), all.count());
        }

        #[test]
        fn fewer_buckets_keep_every_value_within_their_width(
            values in prop::collection::vec(1_u64..(1 << 35), 1..400),
        ) {
            let fine = histogram(&values);
            let few = fine.at_most(300);
            prop_assert!(few.len() <= 300, "{}", few.len());
            prop_assert_eq!(few.iter().map(|bucket| bucket.count).sum::<u64>(), fine.count());
            let read = LatencyHistogram::from_buckets(&few).unwrap();
            let (a, b) = (fine.percentile_ms(50.0), read.percentile_ms(50.0));
            prop_assert!(b >= a * 0.999 && b <= a * 1.07 + 0.001, "{a} {b}");
        }

        #[test]
        fn storage_keeps_everything(values in latencies()) {
            let histogram = histogram(&values);
            let stored = serde_json::to_string(&histogram.buckets()).unwrap();
            let buckets: Vec<Bucket> = serde_json::from_str(&stored).unwrap();
            let read = LatencyHistogram::from_buckets(&buckets).unwrap();
            prop_assert_eq!(read.buckets(), histogram.buckets());
        }
    }
}
