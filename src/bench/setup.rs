//! What was asked, as a run stores it.

use super::{checked::Checked, prepare::Prepared};
use crate::{address::Endpoint, redact, run::Setup, targets::Place};

impl Checked {
    /// What is asked with the prepared plan, where numbers depend on it.
    pub(super) fn setup(&self, place: &Place, prepared: &Prepared) -> Setup {
        Setup {
            name: self.name.clone(),
            backend: prepared.backend.name().to_owned(),
            task: prepared.backend.task(),
            target: self.target.describe(),
            frontends: frontends(place),
            simulated: matches!(place, Place::Simulation(_)),
            model: Some(prepared.model.clone()).filter(|name| !name.is_empty()),
            tokenizer: prepared.tokenizer.name().map(str::to_owned),
            requests: prepared.plan.share(self.shard()),
            rounds: 1,
            classes: self.classes(&prepared.plan),
            rate: (self.load.rate.is_finite() && !prepared.plan.timed).then_some(self.load.rate),
            ramp: self.load.ramp.map(|ramp| ramp.to_string()),
            burstiness: self.load.burstiness,
            max_concurrency: self.load.max_concurrency,
            open_loop: self.load.open_loop(&prepared.plan),
            seed: self.load.seed,
            request_id_prefix: self.load.request_id_prefix.clone(),
            plan_hash: prepared.plan.hash(),
            bench: self.written.clone(),
        }
    }
}

/// URLs of a target that has several.
fn frontends(place: &Place) -> Vec<String> {
    match place {
        Place::Endpoint(Endpoint::Urls(origins)) => origins
            .iter()
            .map(|origin| redact::own(&origin.base()))
            .collect(),
        _ => Vec::new(),
    }
}
