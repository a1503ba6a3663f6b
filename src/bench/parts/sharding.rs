//! How a process takes part in a run of several.

use crate::{rendezvous::Appointment, shard::Shard};
use std::time::SystemTime;

/// How this process takes part in a run of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sharding {
    /// The part of the plan that it sends.
    pub(crate) shard: Shard,
    /// How it starts with the others.
    pub(crate) start: Together,
    /// What in the environment says that the process was started again.
    pub(crate) restarted: Option<String>,
    /// The name of its machine.
    pub(crate) host: String,
}

/// How shards start together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Together {
    /// There is only one.
    Alone,
    /// At a time of their systems' clocks.
    At(SystemTime),
    /// When shard 0 says so.
    Rendezvous(Appointment),
}

impl Together {
    /// At this `HOST:PORT`.
    #[cfg(feature = "cli")]
    pub(crate) fn rendezvous(
        place: String,
        token: Option<String>,
        timeout: std::time::Duration,
    ) -> Self {
        Together::Rendezvous(Appointment {
            place,
            token,
            timeout,
        })
    }
}
