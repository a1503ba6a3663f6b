//! Arrival times of requests: vLLM's arrival process, computed before the first send.
//!
//! The gap before request *i* is `Gamma(shape = burstiness, scale = 1 / (rate_i · burstiness))`
//! from numpy's legacy generator, `1 / rate_i` at infinite burstiness and 0 at an infinite rate.
//! Times are the running sum, so the first request is delayed, too. At a constant rate the times are then
//! scaled so that the last request leaves at exactly `requests / rate`: the actual rate is exact, and the
//! process is Poisson conditioned on its last arrival. A ramp sets `rate_i` by request index, not by time,
//! and is not scaled.

use super::numpy::RandomState;
use crate::clock::Nanos;
use goodput_grammar::ramp::{Ramp, RampKind};
use serde::{Deserialize, Serialize};

/// Arrival process of requests.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Arrivals {
    /// Requests per second; infinite sends all at once (or as fast as `max_concurrency` allows).
    pub rate: f64,
    /// Gamma shape of the gaps: 1 is Poisson, infinite is constant.
    pub burstiness: f64,
    /// Changing rate instead of a constant one.
    #[serde(skip)]
    pub ramp: Option<Ramp>,
    /// Maximum number of requests in flight.
    pub max_concurrency: Option<usize>,
}

impl Arrivals {
    /// Whether requests have a schedule (a finite rate or a ramp).
    pub fn open_loop(&self) -> bool {
        self.rate.is_finite() || self.ramp.is_some()
    }

    /// Requests per second around request `index` of `requests`.
    fn rate_at(&self, index: usize, requests: usize) -> f64 {
        match self.ramp {
            Some(ramp) => rate_at(ramp, index, requests),
            None => self.rate,
        }
    }

    /// Mistakes of these arrivals, as sentences.
    pub(super) fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        if self.burstiness.is_nan() || self.burstiness <= 0.0 {
            mistakes.push(format!(
                "burstiness is {}; it must be above 0 (1 is Poisson, inf is constant gaps)",
                self.burstiness
            ));
        }
        match self.ramp {
            None if self.rate.is_nan() || self.rate <= 0.0 => mistakes.push(format!(
                "rate is {}; it must be above 0 requests per second (inf sends all at once)",
                self.rate
            )),
            Some(Ramp { start, end, .. })
                if !(start.is_finite() && end.is_finite() && start > 0.0 && end > 0.0) =>
            {
                mistakes.push(format!(
                    "the ramp goes from {start} to {end} requests per second; both must be finite \
                     and above 0"
                ));
            }
            _ => {}
        }
        mistakes
    }
}

/// Send times of `requests` requests, in order, for a seed as in `vllm bench serve --seed`.
///
/// Rates and the burstiness must be positive.
pub fn schedule(arrivals: &Arrivals, requests: usize, seed: u64) -> Vec<Nanos> {
    schedule_from(arrivals, requests, RandomState::new(seed))
}

/// [`schedule`], drawn from a stream that other draws have already used.
pub(super) fn schedule_from(
    arrivals: &Arrivals,
    requests: usize,
    mut random: RandomState,
) -> Vec<Nanos> {
    let mut now = 0.0;
    let mut times: Vec<f64> = (0..requests)
        .map(|index| {
            now += gap(
                arrivals.rate_at(index, requests),
                arrivals.burstiness,
                &mut random,
            );
            now
        })
        .collect();
    if arrivals.ramp.is_none() && now != 0.0 {
        let stretch = requests as f64 / arrivals.rate / now;
        times.iter_mut().for_each(|time| *time *= stretch);
    }
    times.into_iter().map(Nanos::from_secs_f64).collect()
}

/// Draws the seconds before a request at this rate.
fn gap(rate: f64, burstiness: f64, random: &mut RandomState) -> f64 {
    if rate.is_infinite() {
        0.0
    } else if burstiness.is_infinite() {
        1.0 / rate
    } else {
        1.0 / (rate * burstiness) * random.gamma(burstiness)
    }
}

/// Time at which the schedule reached a rate, in whole requests per second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RateChange {
    /// Requests per second.
    pub rps: u64,
    /// Time since the run's start.
    pub at: Nanos,
}

/// Requests per second of a ramp around request `index` of `requests`.
pub(crate) fn rate_at(ramp: Ramp, index: usize, requests: usize) -> f64 {
    let Ramp { kind, start, end } = ramp;
    let progress = index as f64 / requests.saturating_sub(1).max(1) as f64;
    match kind {
        RampKind::Linear => start + (end - start) * progress,
        RampKind::Exponential => start * libm::pow(end / start, progress),
    }
}

/// When a ramp's schedule reached each whole number of requests per second (vLLM's
/// `rps_change_events`): its start at 0, then every integer crossed, at the request that crossed
/// it. Empty without a ramp.
pub fn rate_changes(arrivals: &Arrivals, schedule: &[Nanos]) -> Vec<RateChange> {
    let Some(ramp) = arrivals.ramp else {
        return Vec::new();
    };
    let mut reached = ramp.start as u64;
    let mut changes = vec![RateChange {
        rps: reached,
        at: Nanos(0),
    }];
    for (index, &at) in schedule.iter().enumerate() {
        let rate = arrivals.rate_at(index, schedule.len()) as u64;
        changes.extend((reached + 1..=rate).map(|rps| RateChange { rps, at }));
        reached = reached.max(rate);
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::golden;
    use proptest::prelude::*;
    use rstest::rstest;

    fn steady(rate: f64, burstiness: f64) -> Arrivals {
        Arrivals {
            rate,
            burstiness,
            ramp: None,
            max_concurrency: None,
        }
    }

    fn ramp(kind: RampKind, start: f64, end: f64) -> Arrivals {
        Arrivals {
            ramp: Some(Ramp { kind, start, end }),
            ..steady(f64::INFINITY, f64::INFINITY)
        }
    }

    #[rstest]
    #[case::poisson(steady(10.0, 1.0), [0.09225866, 0.237847554, 0.34486861, 0.436121845, 0.5])]
    #[case::bursty(steady(10.0, 0.5), [0.078640916, 0.176494368, 0.222924139, 0.272457924, 0.5])]
    #[case::even(steady(10.0, 4.0), [0.15290412, 0.236704491, 0.39601949, 0.435153375, 0.5])]
    #[case::constant(steady(10.0, f64::INFINITY), [0.1, 0.2, 0.3, 0.4, 0.5])]
    #[case::linear(
        ramp(RampKind::Linear, 1.0, 5.0),
        [1.0, 1.5, 1.833333333, 2.083333333, 2.283333333]
    )]
    #[case::exponential(ramp(RampKind::Exponential, 1.0, 16.0), [1.0, 1.5, 1.75, 1.875, 1.9375])]
    fn the_published_schedules_hold(#[case] arrivals: Arrivals, #[case] seconds: [f64; 5]) {
        assert_eq!(
            schedule(&arrivals, 5, 0),
            seconds.map(Nanos::from_secs_f64),
            "the published times have 9 digits, which are whole nanoseconds"
        );
    }

    #[test]
    fn schedules_agree_with_vllm() {
        for case in golden("schedules.json")["schedules"].as_array().unwrap() {
            let number = |key: &str| case[key].as_f64().unwrap_or(f64::INFINITY);
            let arrivals = Arrivals {
                ramp: case["ramp"].as_array().map(|ramp| Ramp {
                    kind: match ramp[0].as_str().unwrap() {
                        "linear" => RampKind::Linear,
                        _ => RampKind::Exponential,
                    },
                    start: ramp[1].as_f64().unwrap(),
                    end: ramp[2].as_f64().unwrap(),
                }),
                ..steady(number("rate"), number("burstiness"))
            };
            let at: Vec<f64> = serde_json::from_value(case["at"].clone()).unwrap();
            let expected: Vec<Nanos> = at.into_iter().map(Nanos::from_secs_f64).collect();
            let seed = case["seed"].as_u64().unwrap();
            assert_eq!(
                schedule(&arrivals, expected.len(), seed),
                expected,
                "{case}"
            );
        }
    }

    #[test]
    fn the_spread_of_gaps_follows_the_burstiness() {
        for burstiness in [0.25, 1.0, 9.0] {
            let times = schedule(&steady(1.0, burstiness), 40_000, 1);
            let gaps: Vec<f64> = times
                .windows(2)
                .map(|pair| (pair[1] - pair[0]).as_secs_f64())
                .collect();
            let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
            let variance =
                gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
            let expected = 1.0 / burstiness.sqrt();
            let spread = variance.sqrt() / mean;
            assert!(
                (spread / expected - 1.0).abs() < 0.05,
                "{burstiness}: {spread}"
            );
        }
    }

    #[test]
    fn an_infinite_rate_sends_all_at_once() {
        assert_eq!(schedule(&steady(f64::INFINITY, 1.0), 3, 0), [Nanos(0); 3]);
        assert_eq!(schedule(&steady(5.0, 1.0), 0, 0), []);
    }

    #[test]
    fn a_ramp_reports_every_integer_it_crosses() {
        let arrivals = ramp(RampKind::Exponential, 1.0, 16.0);
        let times = schedule(&arrivals, 5, 0);
        let changes: Vec<(u64, Nanos)> = rate_changes(&arrivals, &times)
            .into_iter()
            .map(|change| (change.rps, change.at))
            .collect();
        assert_eq!(changes[0], (1, Nanos(0)));
        assert_eq!(changes[1], (2, times[1]));
        assert_eq!(changes[2..4], [(3, times[2]), (4, times[2])]);
        assert_eq!(changes.len(), 16);
        assert_eq!(changes[15], (16, times[4]));
        assert_eq!(rate_changes(&steady(3.0, 1.0), &times), []);
    }

    #[rstest]
    #[case(steady(0.0, 1.0), "rate is 0")]
    #[case(steady(f64::NAN, 1.0), "rate is NaN")]
    #[case(steady(1.0, -2.0), "burstiness is -2")]
    #[case(ramp(RampKind::Linear, 0.0, 4.0), "from 0 to 4")]
    fn impossible_arrivals_are_named(#[case] arrivals: Arrivals, #[case] part: &str) {
        let mistakes = arrivals.mistakes();
        assert_eq!(mistakes.len(), 1);
        assert!(mistakes[0].contains(part), "{mistakes:?}");
    }

    proptest! {
        #[test]
        fn the_last_request_leaves_at_n_over_rate(
            rate in 0.01..10_000.0,
            burstiness in prop_oneof![0.05..20.0, Just(f64::INFINITY)],
            requests in 1usize..200,
            seed: u64,
        ) {
            let arrivals = steady(rate, burstiness);
            let times = schedule(&arrivals, requests, seed);
            prop_assert!(times.is_sorted());
            let end = requests as f64 / rate;
            let last = times[requests - 1].as_secs_f64();
            prop_assert!((last - end).abs() <= 1e-9 + end * 1e-12, "{last} {end}");
            prop_assert_eq!(&times, &schedule(&arrivals, requests, seed));
        }

        #[test]
        fn a_ramp_rises_and_ends_at_its_rate(
            start in 1.0..50.0f64, more in 0.0..50.0f64, requests in 2usize..100,
        ) {
            for kind in [RampKind::Linear, RampKind::Exponential] {
                let arrivals = ramp(kind, start, start + more);
                let times = schedule(&arrivals, requests, 0);
                prop_assert!(times.is_sorted());
                let last = (times[requests - 1] - times[requests - 2]).as_secs_f64();
                prop_assert!((last - 1.0 / (start + more)).abs() < 1e-8);
            }
        }
    }
}
