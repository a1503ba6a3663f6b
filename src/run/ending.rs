//! How a run ended that lasts for a time, or that one of its states may end.

use crate::clock::Nanos;
use serde::{Deserialize, Serialize};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ending {
    /// Why nothing more was sent.
    #[serde(flatten)]
    pub why: EndReason,
    /// When the client stopped sending, since the start of the schedule.
    pub at: Nanos,
    /// Requests that were given up, because they had not ended when the grace period was over.
    #[serde(default)]
    pub given_up: usize,
}

/// Why a run sent nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum EndReason {
    /// The whole plan was sent.
    Plan,
    /// The time of the run was over.
    Time,
    /// Too many of the last requests failed.
    Errors {
        /// How many of them failed.
        failed: u64,
        /// How many they were.
        of: u64,
    },
    /// Too many requests were in flight.
    InFlight {
        /// How many.
        in_flight: u64,
    },
    /// A trial of a search had shown on which side of the edge it is.
    Decided,
    /// The requests in flight grew and grew.
    Saturated {
        /// How many there were on average early in the run.
        early: f64,
        /// How many there were on average in its last eighth.
        late: f64,
    },
}

impl Ending {
    /// How both of two parts of a run ended, which were sent at the same time.
    pub(crate) fn and(self, other: Ending) -> Ending {
        Ending {
            // What ended one ended all, even if another had sent its part before.
            why: if self.why == EndReason::Plan {
                other.why
            } else {
                self.why
            },
            at: self.at.max(other.at),
            given_up: self.given_up + other.given_up,
        }
    }
}

impl EndReason {
    /// Returns whether a state of the run ended it, and not its plan or its time.
    pub fn is_state(self) -> bool {
        !matches!(self, EndReason::Plan | EndReason::Time | EndReason::Decided)
    }
}
