//! How a run went over its time: a few numbers for each of some equal steps.

use super::{
    LatencyHistogram,
    definition::definition,
    request::{Basis, gaps},
};
use crate::{clock::Nanos, record::Record, run::Run};
use goodput_grammar::slo::Latency;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The largest number of steps.
const STEPS: u64 = 100;

/// The number of requests that a step should have on average.
const EACH: u64 = 10;

/// How a run went over its time, in columns with a value for each step. The steps are of equal length, and the first
/// begins with the run. Ends that are [cut off](crate::run::Steady) are included.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// Length of a step, s: 1, 2 or 5 times a power of ten.
    pub step_s: f64,
    /// Requests that were due.
    pub due: Vec<u64>,
    /// Requests that were sent.
    pub sent: Vec<u64>,
    /// Requests that succeeded.
    pub completed: Vec<u64>,
    /// Requests that failed.
    pub failed: Vec<u64>,
    /// The largest number of requests in flight at one moment of the step.
    pub in_flight: Vec<u64>,
    /// TTFT of successes, by when their latency starts; empty without any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ttft_ms: Vec<Spot>,
    /// ITL of successes, by when a gap ends; empty without any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub itl_ms: Vec<Spot>,
    /// E2EL of successes, by when their latency starts; empty without any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub e2el_ms: Vec<Spot>,
}

/// A latency in one step, ms, with three significant digits: median, 99th percentile and largest value; `None` without
/// any value.
pub type Spot = Option<(f64, f64, f64)>;

impl Course {
    /// The course of a run; `None` if it has no requests or took no time.
    pub fn of(run: &Run) -> Option<Self> {
        let steps = (run.records.len() as u64 / EACH).clamp(1, STEPS);
        let over = Nanos(run.duration.0.max(1));
        if run.records.is_empty() || run.duration.0 == 0 {
            return None;
        }
        let step = round_up(over.0.div_ceil(steps));
        let steps = over.0.div_ceil(step) as usize;
        let at = |time: Nanos| ((time.0 / step) as usize).min(steps - 1);
        let mut course = Course {
            step_s: Nanos(step).as_secs_f64(),
            due: vec![0; steps],
            sent: vec![0; steps],
            completed: vec![0; steps],
            failed: vec![0; steps],
            in_flight: in_flight(&run.records, steps, at),
            ..Course::default()
        };
        for record in &run.records {
            course.due[at(record.intended)] += 1;
            course.sent[at(record.sent)] += 1;
            let ends = if record.ok() {
                &mut course.completed
            } else {
                &mut course.failed
            };
            ends[at(record.end)] += 1;
        }
        let basis = Basis::of_gate(run);
        let from_start = |latency| {
            let values = definition(latency).values;
            spots(&run.records, steps, |record| {
                let place = at(basis.start(record));
                let span = |ms: f64| Duration::from_secs_f64(ms.max(0.0) / 1e3);
                let values = values(record, basis).into_iter();
                values.map(|ms| (place, span(ms))).collect()
            })
        };
        course.ttft_ms = from_start(Latency::Ttft);
        course.e2el_ms = from_start(Latency::E2el);
        course.itl_ms = spots(&run.records, steps, |record| {
            let ends = record.events.iter().skip(1).map(|event| at(event.at));
            ends.zip(gaps(record)).collect()
        });
        Some(course)
    }
}

/// 1, 2 or 5 times a power of ten.
fn round_up(nanos: u64) -> u64 {
    let power = 10_u64.pow(nanos.ilog10());
    [1, 2, 5, 10]
        .map(|factor| power.saturating_mul(factor))
        .into_iter()
        .find(|round| *round >= nanos)
        .unwrap_or(nanos)
}

/// The largest number of requests at one moment of each step. A request that ends when another is sent is not in flight
/// with it.
fn in_flight(records: &[Record], steps: usize, at: impl Fn(Nanos) -> usize) -> Vec<u64> {
    let mut changes: Vec<(Nanos, i64)> = records
        .iter()
        .flat_map(|record| [(record.sent, 1), (record.end.max(record.sent), -1)])
        .collect();
    changes.sort_unstable();
    let mut most = vec![0; steps];
    let (mut now, mut step) = (0_i64, 0);
    for (time, change) in changes {
        // What is still in flight when a step begins is in flight in it.
        while step < at(time) {
            step += 1;
            most[step] = now;
        }
        now += change;
        most[step] = most[step].max(now);
    }
    most.into_iter()
        .map(|most| most.max(0).cast_unsigned())
        .collect()
}

fn spots(
    records: &[Record],
    steps: usize,
    values: impl Fn(&Record) -> Vec<(usize, Duration)>,
) -> Vec<Spot> {
    let mut histograms: Vec<Option<LatencyHistogram>> = vec![None; steps];
    for record in records.iter().filter(|record| record.ok()) {
        for (step, latency) in values(record) {
            histograms[step].get_or_insert_default().record(latency);
        }
    }
    if histograms.iter().all(Option::is_none) {
        return Vec::new();
    }
    let spot = |histogram: LatencyHistogram| {
        let at = |q| rounded(histogram.percentile_ms(q));
        (at(50.0), at(99.0), at(100.0))
    };
    histograms.into_iter().map(|one| one.map(spot)).collect()
}

/// One digit more than the histogram is sure of.
fn rounded(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{record, run_of};
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(1, 1)]
    #[case(11, 20)]
    #[case(2_000, 2_000)]
    #[case(5_001, 10_000)]
    fn steps_are_round(#[case] nanos: u64, #[case] step: u64) {
        assert_eq!(round_up(nanos), step);
    }

    #[test]
    fn every_request_is_in_its_steps() {
        // 40 requests in 4 s, one each 100 ms; each takes 250 ms to its first token, and 20 ms to the next one.
        let records = (0..40).map(|k| record(k * 100, &[k * 100 + 250, k * 100 + 270], 2));
        let mut run = run_of(records.collect());
        run.duration = Nanos(4_170_000_000);
        let course = Course::of(&run).unwrap();
        assert_eq!(course.step_s, 2.0);
        assert_eq!(course.due, [20, 20, 0]);
        assert_eq!(course.sent, [20, 20, 0]);
        assert_eq!(course.completed, [18, 20, 2]);
        assert_eq!(course.failed, [0, 0, 0]);
        assert_eq!(course.in_flight, [3, 3, 2]);
        let (p50, p99, max) = course.ttft_ms[0].unwrap();
        assert!(
            [p50, p99, max].iter().all(|ms| (250.0..250.3).contains(ms)),
            "{p50}"
        );
        assert_eq!(course.ttft_ms[2], None);
        assert!(course.itl_ms[2].is_some(), "{course:?}");
        assert!(course.e2el_ms[1].unwrap().2 < 270.3);
    }

    #[test]
    fn nothing_has_no_course() {
        assert_eq!(Course::of(&run_of(Vec::new())), None);
        let failed = Record {
            error: Some(crate::record::RequestError::NoTokens),
            ..record(0, &[], 0)
        };
        let course = Course::of(&run_of(vec![failed])).unwrap();
        assert_eq!((course.failed, course.ttft_ms), (vec![1], Vec::new()));
    }

    proptest! {
        #[test]
        fn counts_add_up_and_what_is_in_flight_is_the_peak(
            spans in proptest::collection::vec((0_u64..5_000, 1_u64..900), 1..200)
        ) {
            let records: Vec<_> = spans
                .iter()
                .map(|(at, took)| record(*at, &[at + took], 1))
                .collect();
            let run = run_of(records);
            let course = Course::of(&run).unwrap();
            let all = spans.len() as u64;
            prop_assert_eq!(course.due.iter().sum::<u64>(), all);
            prop_assert_eq!(course.completed.iter().sum::<u64>(), all);
            let metrics = crate::metrics::measure(&run, &[]);
            let peak = course.in_flight.iter().max().copied().unwrap();
            prop_assert_eq!(peak, metrics.peaks.exact_concurrent_requests);
        }
    }
}
