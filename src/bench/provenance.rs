//! What a run says of itself when it is kept.

use super::{Bench, prepare::Prepared};
use crate::{
    baseline::{Asked, Host, Provenance, Told},
    redact,
    targets::Place,
};
use serde_json::Value;
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_128;

impl Bench {
    /// Of the bench whose requests are ready: what is asked is taken from what is sent, so that the two agree.
    /// `server` is what the server says of itself.
    pub(super) fn provenance(
        &self,
        place: &Place,
        prepared: &Prepared,
        target: &str,
        server: &BTreeMap<String, String>,
    ) -> Provenance {
        let arrivals = self.load.arrivals();
        let ramp = self.load.ramp.map(|ramp| ramp.to_string());
        let schedule = ramp.unwrap_or_else(|| match self.load.rate.is_finite() {
            true => format!(
                "{} a second, burstiness {}",
                arrivals.rate, arrivals.burstiness
            ),
            false => "all at once".to_owned(),
        });
        let sent = &prepared.options;
        let extra_body = (!sent.extra_body.is_empty()).then(|| {
            let text = Value::Object(sent.extra_body.clone()).to_string();
            format!("{:032x}", xxh3_128(text.as_bytes()))
        });
        let limits: Vec<String> = self
            .demands
            .goodput
            .iter()
            .map(ToString::to_string)
            .collect();
        Provenance {
            asked: Asked {
                plan: prepared.plan.hash(),
                dataset: self.load.dataset.to_string(),
                arrivals: schedule,
                requests: self.load.requests,
                seed: self.load.seed,
                max_concurrency: self.load.max_concurrency,
                backend: prepared.backend.name().to_owned(),
                endpoint: self.wire.endpoint.as_deref().map(redact::own),
                model: prepared.model.clone(),
                stream: sent.stream,
                ignore_eos: sent.ignore_eos,
                logprobs: sent.logprobs,
                extra_body,
                clock: match place.is_on_virtual_time() {
                    true => "virtual",
                    false => "real",
                }
                .to_owned(),
                target: match place {
                    Place::Endpoint(_) => "server",
                    Place::Simulation(_) => "simulation",
                    Place::Service(_) => "service",
                }
                .to_owned(),
            },
            told: Told {
                target: redact::own(target),
                server: server
                    .iter()
                    .map(|(name, value)| (name.clone(), redact::text(value)))
                    .collect(),
                tokenizer: prepared.tokenizer.name().map(str::to_owned),
                limits: limits.join(" "),
                goodput: env!("CARGO_PKG_VERSION").to_owned(),
                host: Host::this(),
            },
        }
    }
}
