//! Whether requests come faster than they are answered.
//!
//! The time in which requests are due is cut into blocks, each with the mean number of requests in flight. A line through
//! them says how many of the requests that come stay: that number over the number that comes is the growth of the queue. A
//! server that keeps up has 0; one that gets a tenth more than it can answer has about 9 %. By Little's law the latency
//! grows with the number in flight, so this is the scheduling delay that grows, too.

use crate::{
    metrics::Basis,
    run::Run,
    stats::{self, Interval, Slope},
};
use goodput_grammar::proof::BLOCKS;

/// The largest number of blocks, and the smallest number of requests in one.
const MOST: usize = 32;
const IN_BLOCK: usize = 20;

/// How a queue grows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Growth {
    /// Relative to the mean number of requests in flight, for each request that comes.
    slope: Slope,
    in_flight: f64,
}

impl Growth {
    /// The share of the requests that come and stay.
    pub(super) fn value(&self) -> f64 {
        self.slope.value * self.in_flight
    }

    pub(super) fn interval(&self, error: f64) -> Interval {
        self.slope.interval(error).map(|end| end * self.in_flight)
    }

    pub(super) fn interval_of(&self, error: f64, times: f64) -> Interval {
        let interval = self.slope.interval_of(error, times);
        interval.map(|end| end * self.in_flight)
    }
}

/// How the queue grew in a run; `None` if the run is too short to show it.
pub(super) fn growth(run: &Run) -> Option<Growth> {
    let basis = Basis::of_gate(run);
    let mut requests: Vec<(f64, f64)> = run
        .records
        .iter()
        .map(|record| (basis.start(record).as_secs_f64(), record.end.as_secs_f64()))
        .collect();
    requests.sort_by(|a, b| a.0.total_cmp(&b.0));
    let blocks = (requests.len() / IN_BLOCK).min(MOST);
    let (from, to) = (requests.first()?.0, requests.last()?.0);
    if (blocks as u64) < BLOCKS || to <= from {
        return None;
    }
    let length = (to - from) / blocks as f64;
    let come = requests.len() as f64 / blocks as f64;
    let points: Vec<(f64, f64)> = (0..blocks)
        .map(|block| {
            let (begin, end) = (
                from + length * block as f64,
                from + length * (block + 1) as f64,
            );
            let inside = requests.iter().take_while(|(start, _)| *start < end);
            let time: f64 = inside
                .map(|(start, over)| (over.min(end) - start.max(begin)).max(0.0))
                .sum();
            (come * block as f64, time / length)
        })
        .collect();
    let in_flight = points.iter().map(|(_, level)| level).sum::<f64>() / blocks as f64;
    let slope = stats::slope(&points)?;
    Some(Growth { slope, in_flight })
}

/// The smallest growth that says that a server does not keep up, and how likely that may be wrong.
const GROWS: f64 = 0.02;
const SURELY: f64 = 0.01;

/// Whether a server kept up with the load of a run; a run that is too short to show it counts as kept up.
pub(crate) fn keeps_up(run: &Run) -> bool {
    let least = growth(run).and_then(|growth| growth.interval(2.0 * SURELY).low);
    least.is_none_or(|least| least <= GROWS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Nanos,
        metrics::testing::{record, run_of},
        record::Record,
        stats::testing::Queue,
    };

    /// A run of the queue with this utilisation.
    fn run(load: f64, requests: usize, seed: u64) -> Run {
        let (gaps, waits) = Queue::steady(load).run(requests, seed);
        let mut now = 0.0;
        let records = gaps
            .iter()
            .zip(&waits)
            .enumerate()
            .map(|(index, (gap, wait))| {
                now += gap;
                Record {
                    index,
                    intended: Nanos::from_secs_f64(now),
                    sent: Nanos::from_secs_f64(now),
                    end: Nanos::from_secs_f64(now + wait),
                    ..record(0, &[1], 1)
                }
            });
        run_of(records.collect())
    }

    #[test]
    fn what_is_not_answered_in_time_is_the_growth() {
        // 1.25 times what it can do: a fifth stays.
        let mean = |load: f64| {
            let found = (0..20).map(|seed| growth(&run(load, 2_000, seed)).unwrap().value());
            found.sum::<f64>() / 20.0
        };
        assert!((mean(1.25) - 0.2).abs() < 0.02, "{}", mean(1.25));
        assert!(mean(0.6).abs() < 0.005, "{}", mean(0.6));
    }

    #[test]
    fn an_overload_is_seen_and_a_busy_server_is_not_accused() {
        let accused = |load: f64| {
            (0..100)
                .filter(|seed| !keeps_up(&run(load, 1_000, *seed)))
                .count()
        };
        assert!(accused(0.9) <= 2, "{}", accused(0.9));
        assert!(accused(1.25) >= 98, "{}", accused(1.25));
    }

    #[test]
    fn the_interval_has_the_truth() {
        for (load, truth) in [(0.7, 0.0), (1.1, 1.0 - 1.0 / 1.1)] {
            let has = |seed: &u64| {
                let interval = growth(&run(load, 2_000, *seed)).unwrap().interval(0.05);
                interval.low.unwrap() <= truth && truth <= interval.high.unwrap()
            };
            let covered = (0..200).filter(has).count();
            assert!(covered >= 182, "{load}: {covered}");
        }
    }

    #[test]
    fn a_short_run_shows_none() {
        assert_eq!(growth(&run(0.7, 159, 1)), None);
        assert!(growth(&run(0.7, 160, 1)).is_some());
    }
}
