//! Results of sending a plan.

use super::{arrivals::ReadLog, watch::WatchLog};
use crate::{clock::Nanos, record::Record, run::Ending};
use std::time::Duration;

/// Result of sending a plan.
#[derive(Debug, Clone, Default)]
pub struct Delivery {
    /// One record per request that was taken up, in plan order.
    pub records: Vec<Record>,
    /// When the schedule started, by the driver's clock.
    pub started: Nanos,
    /// Time from the start of the schedule to the end of the last request.
    pub duration: Nanos,
    /// Number of connections opened.
    pub connections: u64,
    /// How the client read the answers.
    pub reads: ReadLog,
    /// How the client kept up; `None` on virtual time.
    pub watch: Option<WatchLog>,
    /// Time to resolve the target's name, if it has one.
    pub resolved_in: Option<Duration>,
    /// Records of the probes, in the order of their times.
    pub probes: Vec<Record>,
    /// Requests, by their places in the plan, that were not sent because an earlier one of their session failed.
    pub abandoned: Vec<usize>,
    /// How the run ended, if it had to last for a time.
    pub ending: Option<Ending>,
    /// Whether the run was stopped early.
    pub partial: bool,
}
