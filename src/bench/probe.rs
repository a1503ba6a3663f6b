//! The probes that are sent in addition to the plan.

use super::{Bench, checked::Checked, prepare::Prepared};
use crate::{
    client::Probe,
    clock::Nanos,
    plan::{PlannedRequest, Prompt, Shape},
    problem::Problem,
};
use std::time::Duration;

/// vLLM's prompt: as little work as a request can be.
const PROMPT: &str = "Hi";

/// The smallest rate: rarer probes would be hours apart.
const FEWEST_PER_S: f64 = 1e-4;

/// The largest rate: more would be a load, not a look.
const MOST_PER_S: f64 = 1_000.0;

impl Bench {
    /// Send this many probes per second in addition to the plan, each a short prompt for one token, to see how long
    /// the server makes others wait. Only [`Metrics::probes`](crate::metrics::Metrics::probes) has their numbers,
    /// though the server has to serve them. At most 1000. Default 0: none.
    pub fn probe_rate(mut self, per_second: impl Into<f64>) -> Self {
        self.client.probe_rate = per_second.into();
        self
    }

    pub(super) fn check_probes(&self, problems: &mut Vec<Problem>) {
        let rate = self.client.probe_rate;
        if rate != 0.0 && !(FEWEST_PER_S..=MOST_PER_S).contains(&rate) {
            let fix = "must be 0 (no probes) or from 0.0001 to 1000 requests per second";
            problems.push(Problem::new("probe_rate", rate, fix));
        }
        let backend = self.wire.backend.as_ref().filter(|_| rate > 0.0);
        if let Some(backend) = backend.filter(|backend| !backend.takes(Shape::Text)) {
            let fix = "needs a backend that takes a text: a probe asks \"Hi\". Leave it out";
            problems.push(Problem::new("probe_rate", backend.name(), fix));
        }
    }
}

impl Checked {
    /// The probe that is sent in addition to the prepared plan: a short prompt and one token. It keeps the extra body
    /// of the first request, as in vLLM, except for a LoRA adapter.
    pub(super) fn probe(&self, prepared: &Prepared) -> Option<Probe> {
        let first = prepared.plan.requests.first()?;
        let mut overrides = first.overrides.clone();
        if !self.load.lora.modules.is_empty() {
            overrides.remove("model");
        }
        let request = PlannedRequest {
            at: Nanos(0),
            prompt: Prompt::Text(PROMPT.to_owned()),
            input: prepared.tokenizer.count(PROMPT, false),
            output_tokens: 1,
            id: format!("{}probe-", self.load.request_id_prefix),
            overrides,
            structure: None,
            turn: None,
            class: None,
            client: None,
        };
        let body = prepared.body_of(&request)?;
        (self.client.probe_rate > 0.0).then(|| Probe {
            request,
            body,
            interval: Duration::from_secs_f64(1.0 / self.client.probe_rate),
        })
    }
}
