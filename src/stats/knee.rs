//! The knee of a curve: beyond it, more load costs more time than it brings throughput.
//!
//! It is where the *power*, throughput over the time that a request takes, is greatest (Kleinrock 1979, *Power and
//! Deterministic Rules of Thumb for Probabilistic Problems in Computer Communications*). The power is flat there, so a knee
//! has a bracket: the points that are surely below it and surely above it.

use super::critical;
use serde::{Deserialize, Serialize};

/// A load that was tried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tried {
    /// Any unit.
    pub load: f64,
    /// What the server gave per time, above 0.
    pub throughput: f64,
    /// How long a request took, above 0.
    pub time: f64,
    /// The standard error of the time as a share of the time.
    pub error: f64,
}

impl Tried {
    fn power(&self) -> f64 {
        libm::log(self.throughput / self.time)
    }
}

/// Where a knee is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Knee {
    /// The load with the greatest power.
    pub load: f64,
    /// The highest load that is surely below the knee; `None` if the loads do not begin there.
    pub after: Option<f64>,
    /// The lowest load that is surely above the knee; `None` if the loads do not reach it.
    pub before: Option<f64>,
}

/// The knee of at least three loads. `error` is the chance that one load is wrongly taken for surely below or above.
pub fn knee(tried: &[Tried], error: f64) -> Option<Knee> {
    let mut usable: Vec<&Tried> = tried
        .iter()
        .filter(|tried| tried.power().is_finite())
        .collect();
    usable.sort_by(|a, b| a.load.total_cmp(&b.load));
    let mut loads: Vec<f64> = usable.iter().map(|tried| tried.load).collect();
    loads.dedup();
    if loads.len() < 3 {
        return None;
    }
    // Of equal ones the lowest load.
    let best = usable
        .iter()
        .rev()
        .max_by(|a, b| a.power().total_cmp(&b.power()))?;
    let beyond = critical::normal(error / 2.0);
    let may_be_best = |tried: &&&Tried| {
        let apart = libm::hypot(best.error, tried.error) * beyond;
        best.power() - tried.power() <= apart
    };
    let at_best = usable.iter().filter(may_be_best).map(|tried| tried.load);
    let (first, last) = at_best.fold((best.load, best.load), |(first, last), load| {
        (first.min(load), last.max(load))
    });
    Some(Knee {
        load: best.load,
        after: loads.iter().copied().rfind(|load| *load < first),
        before: loads.iter().copied().find(|load| *load > last),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// An M/M/1 queue: throughput λ, time 1 / (1 − λ).
    fn queue(error: f64) -> Vec<Tried> {
        let of = |load: f64| Tried {
            load,
            throughput: load,
            time: 1.0 / (1.0 - load),
            error,
        };
        (1..10).map(|step| of(f64::from(step) / 10.0)).collect()
    }

    #[rstest]
    #[case::exactly(0.0, Some(0.4), Some(0.6))]
    // λ(1 − λ) is 0.25, 0.24, 0.21, 0.16: off by 4.1 %, 17 % and 45 %.
    #[case::about(0.03, Some(0.3), Some(0.7))]
    #[case::hardly(0.5, None, None)]
    fn of_one_server_it_is_at_half_the_capacity(
        #[case] error: f64,
        #[case] after: Option<f64>,
        #[case] before: Option<f64>,
    ) {
        let knee = knee(&queue(error), 0.05).unwrap();
        assert_eq!((knee.load, knee.after, knee.before), (0.5, after, before));
    }

    #[test]
    fn a_knee_that_the_loads_do_not_reach_is_open() {
        let queue = queue(0.0);
        let below = knee(&queue[..4], 0.05).unwrap();
        assert_eq!((below.load, below.before), (0.4, None));
        let above = knee(&queue[6..], 0.05).unwrap();
        assert_eq!((above.load, above.after), (0.7, None));
        assert_eq!(knee(&queue[..2], 0.05), None);
    }

    #[test]
    fn what_gave_nothing_does_not_count() {
        let mut queue = queue(0.0);
        queue[4].throughput = 0.0;
        queue[5].time = f64::NAN;
        assert_eq!(knee(&queue, 0.05).unwrap().load, 0.4);
    }
}
