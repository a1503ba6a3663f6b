//! Runs that several processes sent together: how they started, and how each of them performed.

use super::{ReadAudit, WatchAudit};
use crate::shard::Shard;
use serde::{Deserialize, Serialize};

/// How a shard started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShardStart {
    /// The part of the plan that it sent.
    pub shard: Shard,
    /// Name of the run, which all its shards have.
    pub run: String,
    /// Requests of the whole plan.
    pub planned: usize,
    /// Name of its machine.
    pub host: String,
    /// The common start, in nanoseconds since 1970, by the system's clock of shard 0.
    pub at: u64,
    /// Largest possible distance between its start and that of shard 0, ms; `None` if it was not measured: then the
    /// shards started by their systems' clocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound_ms: Option<f64>,
    /// How far its system's clock was ahead of that of shard 0, ms, within that bound. Nothing depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_ms: Option<f64>,
}

/// How a shard performed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShardAudit {
    /// How it started.
    #[serde(flatten)]
    pub start: ShardStart,
    /// Requests that it took up.
    pub requests: usize,
    /// How late it took them up at the 99th percentile, ms; `None` without a schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_p99_ms: Option<f64>,
    /// Number of connections opened.
    pub connections: u64,
    /// How it read the answers.
    pub reads: ReadAudit,
    /// How it and its machine kept up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<WatchAudit>,
}
