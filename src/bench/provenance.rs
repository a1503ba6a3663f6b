//! What a run stores about how it was made.

use super::{
    checked::Checked,
    classes,
    parts::{Load, Wire},
    prepare::Prepared,
};
use crate::{
    backend::WireOptions,
    baseline::{Circumstances, ComparedLoad, Host, Provenance},
    grammar::duration::format as format_span,
    redact,
    targets::Place,
};
use serde_json::Value;
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_128;

impl Checked {
    /// The provenance of a bench whose requests are ready. It is taken from what is sent, so that the two agree.
    /// `server` is what the server says about itself.
    pub(super) fn provenance(
        &self,
        place: &Place,
        prepared: &Prepared,
        target: &str,
        server: &BTreeMap<String, String>,
    ) -> Provenance {
        // All fields of the parts are listed, so that a new one does not compile before it is decided whether it
        // changes the load.
        let Load {
            dataset,
            requests,
            // The duration has become their number.
            counted: _,
            duration,
            cut_start,
            cut_end,
            // They end a run, and the part of the plan that was sent is another run.
            stop_if: _,
            grace: _,
            // A search has no baseline.
            search: _,
            search_budget: _,
            rounds,
            salt,
            warmup_rounds,
            rate,
            burstiness,
            ramp,
            max_concurrency,
            seed,
            // Only names requests.
            request_id_prefix: _,
            // The plan has the adapters, as fields of requests.
            lora: _,
        } = &self.load;
        let Wire {
            endpoint,
            // As prepared.
            backend: _,
            tokenizer: _,
            // As sent.
            model: _,
            stream: _,
            ignore_eos: _,
            logprobs: _,
            // The plan has the structures of its requests.
            structured_output: _,
            structured_output_ratio: _,
            extra_body: _,
            // They say who asks, not what.
            headers: _,
            api_key: _,
        } = &self.wire;
        let WireOptions {
            model,
            stream,
            ignore_eos,
            // The dataset decides about it.
            ignoring_classes: _,
            logprobs,
            extra_body,
        } = &prepared.options;
        let arrivals = match ramp {
            Some(ramp) => ramp.to_string(),
            None if rate.is_finite() => format!("{rate} a second, burstiness {burstiness}"),
            None => "all at once".to_owned(),
        };
        let extra_body = (!extra_body.is_empty()).then(|| {
            let text = Value::Object(extra_body.clone()).to_string();
            format!("{:032x}", xxh3_128(text.as_bytes()))
        });
        Provenance {
            load: ComparedLoad {
                plan: prepared.plan.hash(),
                dataset: dataset.to_string(),
                arrivals,
                requests: *requests,
                duration: duration.map(format_span),
                cut_start: cut_start.as_ref().map(ToString::to_string),
                cut_end: cut_end.as_ref().map(ToString::to_string),
                rounds: *rounds,
                warmup_rounds: *warmup_rounds,
                salted: salt.is_some(),
                seed: *seed,
                max_concurrency: *max_concurrency,
                backend: prepared.backend.name().to_owned(),
                endpoint: endpoint.as_deref().map(redact::own),
                model: model.clone(),
                stream: *stream,
                ignore_eos: *ignore_eos,
                logprobs: *logprobs,
                extra_body,
                clock: if place.is_on_virtual_time() {
                    "virtual"
                } else {
                    "real"
                }
                .to_owned(),
                target: match place {
                    Place::Endpoint(_) => "server",
                    Place::Simulation(_) => "simulation",
                    Place::Service(_) => "service",
                }
                .to_owned(),
            },
            circumstances: Circumstances {
                target: redact::own(target),
                server: server
                    .iter()
                    .map(|(name, value)| (name.clone(), redact::text(value)))
                    .collect(),
                tokenizer: prepared.tokenizer.name().map(str::to_owned),
                limits: classes::limits_text(&self.load, &self.demands),
                goodput: env!("CARGO_PKG_VERSION").to_owned(),
                host: Host::this(),
            },
        }
    }
}
