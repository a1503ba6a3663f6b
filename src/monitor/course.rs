//! The run over time, in a bounded number of steps.

use crate::{clock::Nanos, metrics::LatencyHistogram};
use std::time::Duration;

/// The most spots; beyond, every second one goes, and further ones are twice as far apart.
pub(super) const MOST: usize = 300;

/// The time between spots at the start of a run.
const EVERY: Duration = Duration::from_secs(1);

/// What a run asks for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Schedule {
    /// Requests at these times since the start.
    Times(Vec<Nanos>),
    /// Requests per second.
    Rate(f64),
    /// Requests at no times that are known before.
    Open,
}

impl Schedule {
    /// Requests due per second between two times; NaN if that is not known.
    fn between(&self, from: f64, to: f64) -> f64 {
        match self {
            Schedule::Times(times) => {
                let due = |at: f64| times.partition_point(|time| time.as_secs_f64() <= at);
                (due(to) - due(from)) as f64 / (to - from)
            }
            Schedule::Rate(rate) => *rate,
            Schedule::Open => f64::NAN,
        }
    }
}

/// A step of a run. Rates are per second over the step, latencies in ms of what ended in it; NaN if there are none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spot {
    /// The end of the step, in seconds since the start.
    pub(super) at: f64,
    pub(super) asked: f64,
    pub(super) sent: f64,
    pub(super) in_flight: f64,
    /// p50 and p99.
    pub(super) ttft: [f64; 2],
    pub(super) itl: [f64; 2],
}

/// The steps of a run.
#[derive(Debug)]
pub(super) struct Course {
    schedule: Schedule,
    pub(super) spots: Vec<Spot>,
    every: Duration,
    /// What ended since the last spot.
    ttft: LatencyHistogram,
    itl: LatencyHistogram,
    at: f64,
    sent: u64,
}

impl Course {
    pub(super) fn new(schedule: Schedule) -> Self {
        Course {
            schedule,
            spots: Vec::new(),
            every: EVERY,
            ttft: LatencyHistogram::new(),
            itl: LatencyHistogram::new(),
            at: 0.0,
            sent: 0,
        }
    }

    pub(super) fn ttft(&mut self, latency: Duration) {
        self.ttft.record(latency);
    }

    pub(super) fn itl(&mut self, gap: Duration) {
        self.itl.record(gap);
    }

    /// Adds a spot if it is time: `at` seconds since the start, with these counts.
    pub(super) fn step(&mut self, at: f64, sent: u64, in_flight: u64) {
        let took = at - self.at;
        if took < self.every.as_secs_f64() {
            return;
        }
        let percentiles = |latencies: &LatencyHistogram| {
            [50.0, 99.0].map(|percent| latencies.percentile_ms(percent))
        };
        self.spots.push(Spot {
            at,
            asked: self.schedule.between(self.at, at),
            sent: sent.saturating_sub(self.sent) as f64 / took,
            in_flight: in_flight as f64,
            ttft: percentiles(&self.ttft),
            itl: percentiles(&self.itl),
        });
        (self.at, self.sent) = (at, sent);
        self.ttft = LatencyHistogram::new();
        self.itl = LatencyHistogram::new();
        if self.spots.len() >= MOST {
            let mut keep = false;
            self.spots.retain(|_| {
                keep = !keep;
                keep
            });
            self.every *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_a_step() {
        let times = (1..=40).map(|tenth| Nanos(tenth * 100_000_000)).collect();
        let mut course = Course::new(Schedule::Times(times));
        course.ttft(Duration::from_millis(50));
        course.step(0.5, 5, 3);
        assert_eq!(course.spots, []);
        course.step(2.0, 16, 3);
        course.step(4.0, 40, 0);
        let [first, second] = course.spots[..] else {
            panic!("{:?}", course.spots)
        };
        assert_eq!((first.asked, first.sent, first.in_flight), (10.0, 8.0, 3.0));
        assert_eq!((second.asked, second.sent), (10.0, 12.0));
        assert!((first.ttft[0] - 50.0).abs() < 0.1 && second.ttft[0].is_nan());
    }

    #[test]
    fn a_long_run_has_no_more_spots() {
        let mut course = Course::new(Schedule::Rate(7.0));
        for second in 1..100_000_u64 {
            course.step(second as f64, second, 0);
        }
        assert!(course.spots.len() < MOST, "{}", course.spots.len());
        assert!(course.spots.iter().all(|spot| spot.asked == 7.0));
        assert!(course.spots.is_sorted_by(|a, b| a.at < b.at));
    }
}
