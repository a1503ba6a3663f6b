//! What comes of a plan.

use super::{arrivals::ReadLog, watch::WatchLog};
use crate::{clock::Nanos, record::Record};
use std::time::Duration;

/// What came of a plan.
#[derive(Debug, Clone, Default)]
pub struct Delivery {
    /// One record for each request that was taken up, in plan order.
    pub records: Vec<Record>,
    /// When the schedule started, by the driver's clock.
    pub started: Nanos,
    /// From the start of the schedule to the end of the last request.
    pub duration: Nanos,
    /// Connections opened.
    pub connections: u64,
    /// How answers were read.
    pub reads: ReadLog,
    /// How the client kept up; `None` on virtual time.
    pub watch: Option<WatchLog>,
    /// How long the resolver took for the target's name, if there was one to resolve.
    pub resolved_in: Option<Duration>,
    /// What came of the probes, in the order of their times.
    pub probes: Vec<Record>,
    /// The run was stopped early.
    pub partial: bool,
}
