//! A run: what was planned, what happened, and what the client knows about itself.

mod audit;
mod server;

pub use crate::record::{Task, Timestamps};
pub use audit::{Audit, ReadAudit, ServerTtft, WatchAudit};
pub use server::{
    Diffusion, GaugeSample, GaugeSeries, PrefixCache, ServerCounts, ServerSide, SpecDecode,
};

use crate::{clock::Nanos, plan::RateChange, record::Record};
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
    /// What the server told of itself and counted; absent if it was not asked or did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerSide>,
    /// Requests that were sent beside the plan to see how long the server makes others wait. They
    /// count in none of the run's own numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probes: Vec<Record>,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// The bench's name.
    pub name: String,
    /// Backend name, such as `openai-chat`.
    pub backend: String,
    /// What comes of requests.
    #[serde(default)]
    pub task: Task,
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
    /// Put before a request's place in the plan, it is the request's id (`x-request-id`).
    #[serde(default)]
    pub request_id_prefix: String,
    /// The plan's hash.
    pub plan_hash: String,
}

impl Run {
    /// Whether the same bench gives the same run again: the built-in simulation answered, which draws from its
    /// seed alone, on virtual time. A service of the user's own may draw random numbers there.
    pub fn is_deterministic(&self) -> bool {
        self.setup.simulated && self.audit.timestamps == Timestamps::Virtual
    }
}
