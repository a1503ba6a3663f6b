//! The highest load at which the SLOs hold, as a search found it.

use super::{
    curve::{CurvePoint, Load},
    number::Number,
    quantity::{Unit, number},
    slo_result::{Found, SloResult},
};
use crate::stats::{Interval, normal};
use goodput_grammar::slo::{Slo, Subject};
use serde::{Deserialize, Serialize};

/// The highest load at which the SLOs hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Capacity {
    /// What the load is.
    pub over: Load,
    /// The SLOs that must hold.
    pub slos: Vec<String>,
    /// The load at which the first of them stops to hold, in requests per second or in flight; a whole number for a concurrency. `None` if the trials do not
    /// show it.
    pub value: Option<f64>,
    /// Where that load is, in the same unit, with the confidence below. An end is `None` if the trials do not show it.
    pub interval: Interval,
    /// The confidence of the interval, above 0.5 and below 1.
    pub confidence: f64,
    /// All that is known, if the search has not found both sides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<Bound>,
    /// The highest load up to the value at which a trial kept the SLOs.
    pub passing: Option<f64>,
    /// The lowest load from the value on at which a trial broke one.
    pub failing: Option<f64>,
    /// Why the search ended.
    pub stopped: Stopped,
    /// Requests of all trials.
    pub requests: u64,
    /// How long all trials took together, s.
    pub seconds: f64,
    /// The trials in their order.
    pub trials: Vec<Trial>,
}

/// What is known if one side of the edge was not found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The SLOs hold at this load, the highest that was tried.
    AtLeast(f64),
    /// The SLOs do not hold at this load, the lowest that was tried.
    Below(f64),
}

/// Why a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// The interval was narrow enough.
    Precise,
    /// What it is compared with was decided.
    Decided,
    /// The budget was spent.
    Budget,
    /// The highest load that may be tried holds.
    HighestHolds,
    /// The lowest load that may be tried does not.
    LowestFails,
    /// The search was ended from outside.
    Ended,
}

/// One run of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// What the server gave.
    #[serde(flatten)]
    pub point: CurvePoint,
    /// Whether it only had to show on which side it is.
    pub short: bool,
    /// Whether the SLOs held.
    pub side: TrialSide,
    /// Whether the server kept up: requests did not come faster than they were answered.
    pub kept_up: bool,
    /// The number of each SLO, in the order of the SLOs and in the units of their limits.
    pub numbers: Vec<Option<f64>>,
}

/// Whether the SLOs held in a trial, by its numbers alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrialSide {
    /// All held.
    Holds,
    /// One did not.
    Fails,
}

impl Capacity {
    /// Compares the capacity with what is demanded.
    pub(crate) fn decide(&self, slo: &Slo) -> SloResult {
        let value = match (self.value, self.bound) {
            (Some(value), _) => value,
            (None, Some(Bound::AtLeast(load) | Bound::Below(load))) => load,
            (None, None) => f64::NAN,
        };
        let (low, high) = match self.bound {
            Some(Bound::AtLeast(load)) => (Some(load), None),
            // It is below that load, not at it.
            Some(Bound::Below(load)) => (None, Some(load.next_down())),
            None => (self.interval.low, self.interval.high),
        };
        let found = Found {
            value,
            interval: Some(Interval { low, high }),
            about: format!(
                " by {} requests in {} trials",
                self.requests,
                self.trials.len()
            ),
        };
        SloResult::decide(slo, self.confidence, found, |_| None)
    }

    /// The value with its standard error, as the interval has it; `None` if there is no value.
    pub(crate) fn number(&self) -> Option<Number> {
        let Interval { low, high } = self.interval;
        let half = || Some(libm::log(high? / low?) / 2.0 / normal((1.0 - self.confidence) / 2.0));
        Some(Number {
            value: self.value?,
            of: None,
            error: half().filter(|error| error.is_finite()),
            sensitivity: None,
            freedom: None,
        })
    }

    /// The answer in a sentence.
    pub fn sentence(&self) -> String {
        let unit = Unit::of(&Subject::Max(self.over.into()));
        let slos = self.slos.join(", ");
        let answer = match (self.bound, self.value) {
            (Some(Bound::AtLeast(load)), _) => format!(
                "{slos} still holds at {}, the highest {} that was tried",
                unit.measured(load),
                self.over.name()
            ),
            (Some(Bound::Below(load)), _) => format!(
                "{slos} fails already at {}, the lowest {} that was tried",
                unit.measured(load),
                self.over.name()
            ),
            (None, Some(value)) => format!(
                "{slos} holds up to {}{}",
                unit.measured(value),
                unit.interval(&self.interval)
            ),
            (None, None) => format!(
                "too few trials to say up to which {} {slos} holds",
                self.over.name()
            ),
        };
        format!(
            "{answer}, confidence {}",
            Unit::Ratio.exact(self.confidence)
        )
    }

    /// How the search went, in a sentence.
    pub fn effort(&self) -> String {
        let why = match self.stopped {
            Stopped::Precise => "the interval is narrow enough",
            Stopped::Decided => "the SLO was decided",
            Stopped::Budget => "its budget was spent",
            Stopped::HighestHolds => "the highest load holds",
            Stopped::LowestFails => "the lowest load fails",
            Stopped::Ended => "it was ended",
        };
        let side = |load: Option<f64>| load.map_or_else(|| "-".to_owned(), number);
        format!(
            "{} trials, {} requests, {} s; highest that passed {}, lowest that failed {}; the search ended because {why}",
            self.trials.len(),
            self.requests,
            number(self.seconds),
            side(self.passing),
            side(self.failing),
        )
    }
}
