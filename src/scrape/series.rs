//! A bounded series of samples.

use crate::{
    clock::Nanos,
    run::{GaugeSample, GaugeSeries},
};
use std::time::Duration;

/// Maximum number of samples: more than a plot shows, and little compared with the records of a run.
const MOST: usize = 1_000;

/// Samples at equal intervals. When the series is full, it drops every second sample and doubles the
/// interval, so that it covers a run of any length.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    interval: Duration,
    samples: Vec<GaugeSample>,
}

impl Series {
    pub(crate) fn new(interval: Duration) -> Self {
        Series {
            interval,
            samples: Vec::new(),
        }
    }

    /// Due time of the next sample: at once, then one interval after the last.
    pub(crate) fn due(&self) -> Nanos {
        let last = self.samples.last();
        last.map_or(Nanos(0), |sample| sample.at.after(self.interval))
    }

    pub(crate) fn push(&mut self, sample: GaugeSample) {
        if self.samples.len() == MOST {
            let mut even = false;
            self.samples.retain(|_| {
                even = !even;
                even
            });
            self.interval *= 2;
            if sample.at < self.due() {
                return;
            }
        }
        self.samples.push(sample);
    }

    /// The series of a run with this start and duration; `None` without samples.
    pub(crate) fn of_run(mut self, start: Nanos, duration: Nanos) -> Option<GaugeSeries> {
        let run = start..=Nanos(start.0 + duration.0);
        self.samples.retain(|sample| run.contains(&sample.at));
        for sample in &mut self.samples {
            sample.at.0 -= start.0;
        }
        (!self.samples.is_empty()).then_some(GaugeSeries {
            interval_ms: self.interval.as_secs_f64() * 1e3,
            samples: self.samples,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sampled(interval: u64, until: u64) -> Series {
        let mut series = Series::new(Duration::from_nanos(interval));
        while series.due().0 <= until {
            let at = series.due();
            series.push(GaugeSample {
                at,
                ..GaugeSample::default()
            });
        }
        series
    }

    proptest! {
        #[test]
        fn it_spans_any_run_with_few_samples(interval in 1u64..1_000, samples in 0u64..9_000) {
            let until = interval * samples;
            let series = sampled(interval, until).of_run(Nanos(0), Nanos(until)).unwrap();
            let count = series.samples.len();
            prop_assert!(count <= MOST);
            prop_assert!(samples < MOST as u64 || count >= MOST / 2);
            let distance = (series.interval_ms * 1e6).round() as u64;
            let even = series.samples.windows(2).all(|two| two[1].at.0 - two[0].at.0 == distance);
            prop_assert!(even);
            let last = series.samples[count - 1].at.0;
            prop_assert!(until - last < distance);
        }
    }

    #[test]
    fn what_came_before_and_after_the_run_is_not_of_it() {
        let series = sampled(10, 100).of_run(Nanos(35), Nanos(45)).unwrap();
        let at: Vec<u64> = series.samples.iter().map(|sample| sample.at.0).collect();
        assert_eq!(at, [5, 15, 25, 35, 45]);
        assert_eq!(sampled(10, 30).of_run(Nanos(35), Nanos(45)), None);
    }
}
