//! The load: prompts, their number and their times.

use super::written::{any_span, any_text, number, states, text};
use crate::{
    bench::lora::Lora,
    plan::{Arrivals, Plan},
};
use goodput_grammar::{
    cut::Cut,
    dataset::{self, Dataset},
    names,
    ramp::Ramp,
    search::{Budget, Search},
    stop_if::StopIf,
};
use serde::Serialize;
use std::time::Duration;

/// The load, with prompts, their number and their times: everything that a plan is made from.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Load {
    #[serde(serialize_with = "text")]
    pub(crate) dataset: Dataset,
    pub(crate) requests: usize,
    /// Whether the bench says how many.
    #[serde(skip)]
    pub(crate) counted: bool,
    /// How long requests are sent.
    #[serde(serialize_with = "any_span")]
    pub(crate) duration: Option<Duration>,
    /// What counts in no number at the start of the run.
    #[serde(serialize_with = "any_text")]
    pub(crate) cut_start: Option<Cut>,
    /// What counts in no number at its end.
    #[serde(serialize_with = "any_text")]
    pub(crate) cut_end: Option<Cut>,
    /// States of the run in which nothing more is sent.
    #[serde(serialize_with = "states")]
    pub(crate) stop_if: Vec<StopIf>,
    /// How long answers are waited for once nothing more is sent.
    #[serde(serialize_with = "any_span")]
    pub(crate) grace: Option<Duration>,
    /// What is searched for, if the load is not given.
    #[serde(serialize_with = "any_text")]
    pub(crate) search: Option<Search>,
    /// What the search may spend.
    #[serde(serialize_with = "any_text")]
    pub(crate) search_budget: Option<Budget>,
    /// How many times the plan is sent.
    pub(crate) rounds: usize,
    /// Requests a second.
    #[serde(serialize_with = "number")]
    pub(crate) rate: f64,
    #[serde(serialize_with = "number")]
    pub(crate) burstiness: f64,
    #[serde(serialize_with = "any_text")]
    pub(crate) ramp: Option<Ramp>,
    pub(crate) max_concurrency: Option<usize>,
    /// Rounds before those, which count in no number.
    pub(crate) warmup_rounds: usize,
    /// What stands before every prompt; `auto` until the bench is checked.
    pub(crate) salt: Option<String>,
    pub(crate) seed: u64,
    #[serde(serialize_with = "text")]
    pub(crate) request_id_prefix: String,
    #[serde(flatten)]
    pub(crate) lora: Lora,
}

impl Load {
    /// Whether requests are sent at the times of a recorded trace, where the settings decide that.
    pub(crate) fn replays(&self) -> bool {
        matches!(&self.dataset, Dataset::TimedTrace(trace) if trace.self_timed)
    }

    /// Whether requests have times of their own.
    pub(crate) fn open_loop(&self, plan: &Plan) -> bool {
        plan.timed || self.arrivals().open_loop()
    }

    /// How many sessions may go on at a time: the dataset says so, else a closed loop has one for each client.
    pub(crate) fn max_sessions(&self, plan: &Plan) -> Option<usize> {
        let clients = self.max_concurrency.filter(|_| !self.open_loop(plan));
        self.dataset.max_sessions().or(clients)
    }

    pub(crate) fn arrivals(&self) -> Arrivals {
        Arrivals {
            rate: self.rate,
            burstiness: self.burstiness,
            ramp: self.ramp,
            max_concurrency: self.max_concurrency,
        }
    }
}

impl Default for Load {
    fn default() -> Self {
        Load {
            dataset: Dataset::Random(dataset::Random::default()),
            requests: names::DEFAULT_REQUESTS as usize,
            counted: false,
            duration: None,
            cut_start: None,
            cut_end: None,
            stop_if: Vec::new(),
            grace: None,
            search: None,
            search_budget: None,
            rounds: 1,
            warmup_rounds: 0,
            rate: f64::INFINITY,
            burstiness: 1.0,
            ramp: None,
            max_concurrency: None,
            salt: None,
            seed: 0,
            request_id_prefix: "goodput-".to_owned(),
            lora: Lora::default(),
        }
    }
}
