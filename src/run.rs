//! Runs: what was planned, what happened, and how the client itself performed.
//!
//! A [`Run`] is the measured data of a bench, before any statistics: [`metrics`](crate::metrics) turns a
//! run into numbers, and [`judge`](crate::judge) compares those with limits.
//! [`Report::run`](crate::Report::run) returns the run of a report.
//!
//! ```
//! use goodput::Bench;
//!
//! let report = Bench::new("chat")
//!     .target("sim(ttft = 50ms, itl = 10ms)")
//!     .rate(10)
//!     .requests(20)
//!     .seed(7)
//!     .run_blocking()?;
//! let run = report.run();
//!
//! assert_eq!(run.setup.seed, 7);
//! assert!(run.setup.simulated && run.setup.open_loop);
//! assert_eq!(run.records.len(), 20);
//! assert!(run.records.iter().all(|record| record.ok()));
//! # Ok::<(), goodput::Error>(())
//! ```

mod audit;
mod client;
mod ending;
mod part;
mod server;
mod shards;
mod steady;

pub use crate::record::{Task, Timestamps};
pub use audit::{Audit, ServerTtft};
pub use client::{ReadAudit, WatchAudit};
pub use ending::{EndReason, Ending};
pub use server::{
    Diffusion, GaugeSample, GaugeSeries, PrefixCache, ServerCounts, ServerSide, SpecDecode,
};
pub use shards::{ShardAudit, ShardStart};
pub use steady::Steady;

use crate::{clock::Nanos, plan::RateChange, record::Record};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Measured data of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Settings that the numbers depend on.
    pub setup: Setup,
    /// One record per request, in plan order; requests that were never sent have none.
    pub records: Vec<Record>,
    /// Time from the start of the schedule to the end of the last request (vLLM's duration).
    pub duration: Nanos,
    /// How the client itself performed.
    pub audit: Audit,
    /// Whether the run was stopped before the end of its plan.
    pub partial: bool,
    /// Requests, by their places in the plan, that were not sent because an earlier one of their session failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub abandoned: Vec<usize>,
    /// How the run ended, if it had to last for a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Ending>,
    /// The part that counts, if ends of the run are cut off. Records outside are marked as [`cut`](Record::cut).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steady: Option<Steady>,
    /// The requests that were sent before the plan, if there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<WarmUp>,
    /// Changes of the configured rate during a ramp.
    pub rate_changes: Vec<RateChange>,
    /// What the server reported about itself and counted; `None` if it was not asked or does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerSide>,
    /// Probes: requests outside the plan that show how long the server makes others wait. The run's own
    /// numbers do not include them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probes: Vec<Record>,
}

/// Requests that were sent before a plan. They count in no number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarmUp {
    /// Requests.
    pub requests: usize,
    /// Requests that failed.
    pub failed: usize,
    /// From the first to the end of the last.
    pub duration: Nanos,
}

/// Settings of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// Name of the bench.
    pub name: String,
    /// Name of the backend, such as `openai-chat`.
    pub backend: String,
    /// Kind of result that the requests ask for.
    #[serde(default)]
    pub task: Task,
    /// Target: a URL without secrets, or a description of the simulation.
    pub target: String,
    /// URLs of the target, in their order, if it has several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frontends: Vec<String>,
    /// Whether the built-in simulation answered.
    pub simulated: bool,
    /// Model name on the wire.
    pub model: Option<String>,
    /// Tokenizer that counted the tokens.
    pub tokenizer: Option<String>,
    /// Number of planned requests, of all rounds together.
    pub requests: usize,
    /// How many times the plan was sent, each time after the last answer; 1 unless the bench asks for more.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub rounds: usize,
    /// Names of the classes of requests that the plan has, in the order of the mix; empty without a mix.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// Requests per second; `None` is infinite.
    pub rate: Option<f64>,
    /// The ramp of the rate, such as `linear 1..10`; `None` without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp: Option<String>,
    /// Gamma shape of the gaps between requests.
    pub burstiness: f64,
    /// Maximum number of requests in flight.
    pub max_concurrency: Option<usize>,
    /// Whether requests have a schedule (a finite rate or a ramp): open loop.
    pub open_loop: bool,
    /// Seed of the plan.
    pub seed: u64,
    /// Prefix of request ids (`x-request-id`); the place in the plan follows.
    #[serde(default)]
    pub request_id_prefix: String,
    /// Hash of the plan.
    pub plan_hash: String,
    /// Every setting of the bench as it was run, by part, under the names of the attribute's keys. Credentials and values of
    /// headers are masked. `Null` if the run was not made by a bench.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub bench: Value,
}

/// Rounds of a plan that is sent once.
pub(crate) fn once() -> usize {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
pub(crate) fn is_once(rounds: &usize) -> bool {
    *rounds == 1
}

impl Run {
    /// The round of a request of the plan, counted from 0.
    pub fn round_of(&self, record: &Record) -> usize {
        let rounds = self.setup.rounds.max(1);
        let each = (self.setup.requests / rounds).max(1);
        (record.index / each).min(rounds - 1)
    }

    /// The URL that a request went to, if the target has several.
    pub fn url_of(&self, record: &Record) -> Option<&str> {
        let frontend = usize::try_from(record.frontend?).ok()?;
        self.setup.frontends.get(frontend).map(String::as_str)
    }

    /// Whether the same bench gives the same run again: the built-in simulation answered on virtual time,
    /// and draws from its seed alone. A service of the user's own may draw random numbers there.
    pub fn is_deterministic(&self) -> bool {
        self.setup.simulated && self.audit.timestamps == Timestamps::Virtual
    }
}
