//! Little's law: requests in flight = rate of arrivals × time of a request.
//!
//! Over a whole run, from empty to empty, it is an identity, so records that break it are damaged. Within a run it
//! shows whether the server kept up: in a steady state neither side grows.
//!
//! Source: J. D. C. Little, *A Proof for the Queuing Formula: L = λW*, Operations Research 9 (1961).

use crate::{
    clock::Nanos,
    judge::{Finding, FindingKind, number},
    metrics::{Summary, millis},
    record::Record,
    run::Run,
};

/// Both sides may differ by this share, because times are rounded when they are stored.
const TOLERANCE: f64 = 0.01;

/// The growth from the second quarter of the schedule to the last one, of the requests in flight and of the median
/// time of a request, that shows a queue building up.
const GROWTH: f64 = 1.5;

/// The smallest number of requests in each of the two quarters.
const ENOUGH: usize = 20;

pub(super) fn accounting(run: &Run) -> Option<Finding> {
    let seconds = run.duration.as_secs_f64();
    if seconds <= 0.0 || run.records.is_empty() {
        return None;
    }
    let in_flight = area(run) / seconds;
    let count = run.records.len() as f64;
    let signed = |record: &Record| record.end.as_secs_f64() - record.sent.as_secs_f64();
    let mean = run.records.iter().map(signed).sum::<f64>() / count;
    let expected = count / seconds * mean;
    let difference = (in_flight - expected).abs();
    (difference > TOLERANCE * in_flight.max(expected.abs())).then(|| Finding {
        kind: FindingKind::Accounting,
        message: format!(
            "the records contradict each other: {} requests were in flight on average, but {} \
             requests a second × {} s make {} (Little's law). Requests end before they were sent \
             or after the run; if this run was not edited, please report it as a bug",
            number(in_flight),
            number(count / seconds),
            number(mean),
            number(expected),
        ),
    })
}

/// The requests in flight, integrated over the run: request-seconds.
fn area(run: &Run) -> f64 {
    let mut changes: Vec<(Nanos, f64)> = run
        .records
        .iter()
        .flat_map(|record| [(record.sent, 1.0), (record.end, -1.0)])
        .map(|(at, change)| (at.min(run.duration), change))
        .collect();
    changes.sort_by_key(|(at, _)| *at);
    let (mut depth, mut area, mut since) = (0.0_f64, 0.0, Nanos(0));
    for (at, change) in changes {
        // The number would be below 0 where a request ends before it was sent.
        area += depth.max(0.0) * (at - since).as_secs_f64();
        depth += change;
        since = at;
    }
    area
}

pub(super) fn overload(run: &Run) -> Option<Finding> {
    let setup = &run.setup;
    // A rate that rises, and one that is infinite, are meant to fill the server up.
    let rate = setup.rate.filter(|_| setup.open_loop)?;
    if !run.rate_changes.is_empty() {
        return None;
    }
    let end = run.records.iter().map(|record| record.intended).max()?;
    let quarter = |n: u64| Nanos(end.0 / 4 * n);
    let early = Quarter::of(run, quarter(1), quarter(2))?;
    let late = Quarter::of(run, quarter(3), Nanos(end.0 + 1))?;
    let grows = |early: f64, late: f64| late > GROWTH * early;
    let grew = grows(early.in_flight, late.in_flight) && grows(early.median_ms, late.median_ms);
    grew.then(|| Finding {
        kind: FindingKind::Overload,
        message: format!(
            "the server did not keep up with {} requests a second: from the second to the last \
             quarter of the schedule the requests in flight grew from {} to {} and their median time \
             from {} ms to {} ms. It completed {} a second in that time. Such latencies depend on the \
             length of the run: lower the rate, or read it as a test of overload",
            number(rate),
            number(early.in_flight),
            number(late.in_flight),
            number(early.median_ms),
            number(late.median_ms),
            number(completed(run, quarter(1), end)),
        ),
    })
}

/// The requests of a quarter of the schedule. They count from their intended time, because what
/// waits at a cap of the client waits for the server.
struct Quarter {
    in_flight: f64,
    median_ms: f64,
}

impl Quarter {
    fn of(run: &Run, from: Nanos, to: Nanos) -> Option<Self> {
        let inside = |at: Nanos| from <= at && at < to;
        let times: Vec<f64> = run
            .records
            .iter()
            .filter(|record| inside(record.intended))
            .map(|record| millis(record.end - record.intended))
            .collect();
        let overlap = |record: &Record| record.end.min(to) - record.intended.max(from);
        let flown: f64 = run.records.iter().map(|r| overlap(r).as_secs_f64()).sum();
        let length = (to - from).as_secs_f64();
        (times.len() >= ENOUGH && length > 0.0).then(|| Quarter {
            in_flight: flown / length,
            median_ms: Summary::of(times).median,
        })
    }
}

/// Requests completed a second.
fn completed(run: &Run, from: Nanos, to: Nanos) -> f64 {
    let inside = |record: &&Record| record.ok() && from <= record.end && record.end < to;
    let count = run.records.iter().filter(inside).count();
    count as f64 / (to - from).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::{super::testing::quiet, *};
    use crate::plan::RateChange;
    use proptest::prelude::*;

    /// Each request takes this long, in ms; 10 of them come every second.
    fn run_with(time: impl Fn(u64) -> u64) -> Run {
        let mut run = quiet();
        for record in &mut run.records {
            record.end = Nanos(record.sent.0 + time(record.index as u64) * 1_000_000);
        }
        run.duration = run.records.iter().map(|record| record.end).max().unwrap();
        run
    }

    #[test]
    fn a_server_that_falls_behind() {
        let run = run_with(|index| 50 + 40 * index);
        let finding = overload(&run).unwrap();
        assert!(!finding.kind.invalidates());
        insta::assert_snapshot!(finding.message, @"the server did not keep up with 10.00 requests a second: from the second to the last quarter of the schedule the requests in flight grew from 10.97 to 25.10 and their median time from 1530.0 ms to 3530.0 ms. It completed 7.14 a second in that time. Such latencies depend on the length of the run: lower the rate, or read it as a test of overload");
    }

    #[test]
    fn slow_is_not_overloaded() {
        // In flight grows all the time, because nothing is done before the schedule is through.
        assert_eq!(overload(&run_with(|_| 30_000)), None);
        assert_eq!(overload(&run_with(|index| 100 + index * 37 % 200)), None);
    }

    #[test]
    fn growth_may_be_asked_for() {
        let mut run = run_with(|index| 50 + 40 * index);
        run.rate_changes = vec![RateChange {
            rps: 2,
            at: Nanos(5),
        }];
        assert_eq!(overload(&run), None);
        run.rate_changes.clear();
        run.setup.open_loop = false;
        assert_eq!(overload(&run), None);
        run.setup.open_loop = true;
        run.records.truncate(30);
        assert_eq!(overload(&run), None);
    }

    #[test]
    fn records_outside_of_the_run_are_damaged() {
        let mut run = run_with(|_| 500);
        assert_eq!(accounting(&run), None);
        run.duration.0 /= 2;
        let finding = accounting(&run).unwrap();
        assert!(finding.kind.invalidates());
        insta::assert_snapshot!(finding.message, @"the records contradict each other: 4.81 requests were in flight on average, but 19.23 requests a second × 0.500 s make 9.62 (Little's law). Requests end before they were sent or after the run; if this run was not edited, please report it as a bug");
    }

    proptest! {
        #[test]
        fn the_law_holds_for_all_records_that_are_whole(
            times in prop::collection::vec((0u64..10_000, 0u64..10_000), 1..100),
        ) {
            let mut run = quiet();
            run.records.truncate(times.len());
            for (record, (sent, time)) in run.records.iter_mut().zip(times) {
                record.sent = Nanos(sent * 1_000_000);
                record.end = Nanos((sent + time) * 1_000_000);
            }
            run.duration = run.records.iter().map(|record| record.end).max().unwrap();
            prop_assert_eq!(accounting(&run), None);
        }
    }
}
