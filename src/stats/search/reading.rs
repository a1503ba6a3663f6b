//! What a trial says about one demand.

use crate::stats::{LongRun, Pace};

/// What a trial says about one demand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// The logarithm of the load.
    pub(super) load: f64,
    pub(super) found: Found,
    /// The values that it comes from.
    pub(super) values: f64,
    /// How many times as much it varies as if its values did not depend on each other, and the degrees of freedom of
    /// that estimate. `None` if the trial does not show it.
    pub(super) scatter: Option<(f64, f64)>,
}

/// The number that a demand limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Found {
    /// A share of the values is beyond the limit, and a share may be.
    Beyond { share: f64, allowed: f64 },
    /// The logarithm of a mean, relative to its limit.
    Level(f64),
}

impl Reading {
    /// A trial at this load, of whose values a share of `allowed` may be beyond a limit. Each request has a number of
    /// values, of which some are beyond. `None` without values.
    pub fn beyond(load: f64, requests: &[(f64, f64)], allowed: f64) -> Option<Self> {
        let of = |which: fn(&(f64, f64)) -> f64| requests.iter().map(which).sum::<f64>();
        let (beyond, values) = (of(|request| request.0), of(|request| request.1));
        if values <= 0.0 {
            return None;
        }
        let share = beyond / values;
        let rest: Vec<f64> = requests
            .iter()
            .map(|(beyond, values)| beyond - share * values)
            .collect();
        // The arrivals of another run would be others, so all of its luck counts.
        let long_run = LongRun::of_steps(&rest, Pace::Free).filter(|_| share > 0.0 && share < 1.0);
        let each = values / requests.len() as f64;
        Some(Reading {
            load: libm::log(load),
            found: Found::Beyond { share, allowed },
            values,
            scatter: long_run.map(|long_run| {
                let variance = long_run.variance / (each * each);
                (
                    variance * values / (share * (1.0 - share)),
                    long_run.freedom,
                )
            }),
        })
    }

    /// A trial at this load, whose mean is limited. Each request has a sum of values and their number. `None` without
    /// values, and if their mean is not above 0.
    pub fn level(load: f64, requests: &[(f64, f64)], limit: f64) -> Option<Self> {
        let of = |which: fn(&(f64, f64)) -> f64| requests.iter().map(which).sum::<f64>();
        let (sum, values) = (of(|request| request.0), of(|request| request.1));
        let mean = sum / values;
        if values <= 0.0 || mean <= 0.0 {
            return None;
        }
        let rest: Vec<f64> = requests
            .iter()
            .map(|(sum, values)| sum - mean * values)
            .collect();
        let long_run = LongRun::of(&rest, Pace::Free)?;
        let each = values / requests.len() as f64;
        let variance = long_run.variance / (each * each) / (mean * mean);
        Some(Reading {
            load: libm::log(load),
            found: Found::Level(libm::log(mean / limit)),
            values,
            scatter: Some((variance * values, long_run.freedom)),
        })
    }

    /// The same trial, if requests came faster than they were answered: the longer it had gone on, the more of them
    /// would have been beyond any limit.
    #[must_use]
    pub fn overloaded(self) -> Self {
        match self.found {
            Found::Beyond { allowed, .. } => Reading {
                found: Found::Beyond {
                    share: 1.0,
                    allowed,
                },
                scatter: None,
                ..self
            },
            Found::Level(level) => Reading {
                found: Found::Level(level.max(1.0)),
                scatter: None,
                ..self
            },
        }
    }

    /// Whether the demand held.
    pub fn holds(&self) -> bool {
        match self.found {
            Found::Beyond { share, allowed } => share <= allowed,
            Found::Level(level) => level <= 0.0,
        }
    }
}
