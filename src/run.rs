//! A run: what was planned, what happened, and what the client knows about itself.

use crate::{client::ReadLog, clock::Nanos, record::Record};
use serde::{Deserialize, Serialize};

/// Everything that was measured in one go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// What was asked, as far as numbers depend on it.
    pub setup: Setup,
    /// One record a request, in plan order; requests that were never sent have none.
    pub records: Vec<Record>,
    /// From the start of the schedule to the end of the last request (vLLM's duration).
    pub duration: Nanos,
    /// The client's view of itself.
    pub audit: Audit,
    /// The run was stopped before its plan was through.
    pub partial: bool,
    /// Changes of the configured rate during a ramp.
    pub rate_changes: Vec<RateChange>,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// The bench's name.
    pub name: String,
    /// Backend name, such as `openai-chat`.
    pub backend: String,
    /// Where to: a URL without secrets, or a description of the simulation.
    pub target: String,
    /// The built-in simulation answered.
    pub simulated: bool,
    /// Wire name of the model.
    pub model: Option<String>,
    /// What the tokens were counted with.
    pub tokenizer: Option<String>,
    /// Planned requests.
    pub requests: usize,
    /// Requests per second; `None` is infinite.
    pub rate: Option<f64>,
    /// Gamma shape of the gaps between requests.
    pub burstiness: f64,
    /// Requests in flight at most.
    pub max_concurrency: Option<usize>,
    /// Requests have a schedule (finite rate or ramp): open loop.
    pub open_loop: bool,
    /// The plan's seed.
    pub seed: u64,
    /// The plan's hash.
    pub plan_hash: String,
}

/// The rate that the schedule reached at a time, in whole requests per second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RateChange {
    /// Requests per second.
    pub rps: u64,
    /// Since the run's start.
    pub at: Nanos,
}

/// What the client knows about itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    /// Where receive times come from.
    pub timestamps: Timestamps,
    /// Connections opened.
    pub connections: u64,
    /// How the answers were read.
    #[serde(default)]
    pub reads: ReadAudit,
}

/// Where receive times come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timestamps {
    /// The kernel, when it received the bytes.
    Kernel,
    /// The client, when it read them.
    #[default]
    Monotonic,
    /// The simulation.
    Virtual,
}

/// How answers were read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ReadAudit {
    /// Reads whose time is the kernel's.
    pub by_kernel: u64,
    /// Reads whose time is the client's.
    pub at_read: u64,
    /// Kernel times that were not used, because the system's clock was set in between.
    pub clock_steps: u64,
    /// Token events that came in one read with the one before them.
    pub merged: u64,
    /// Those of them that had waited for the client for more than 1 ms: their own times are not known.
    pub merged_behind: u64,
    /// How long what the kernel had received waited for the client, ms: half of it at most.
    pub wait_p50_ms: f64,
    /// 99 % of it at most.
    pub wait_p99_ms: f64,
    /// All of it at most.
    pub wait_max_ms: f64,
}

impl ReadAudit {
    /// Of a client's log.
    pub fn of(log: &ReadLog) -> Self {
        ReadAudit {
            by_kernel: log.by_kernel,
            at_read: log.at_read,
            clock_steps: log.clock_steps,
            merged: log.merged,
            merged_behind: log.merged_behind,
            wait_p50_ms: log.waits.percentile_ms(50.0),
            wait_p99_ms: log.waits.percentile_ms(99.0),
            wait_max_ms: log.waits.percentile_ms(100.0),
        }
    }
}
