//! Sampling flags.

use crate::{backend, problem::Problem};
use serde_json::{Map, Value};

/// Sampling parameters; put into the body when given, below --extra-body.
#[derive(Debug, clap::Args)]
pub(super) struct Sampling {
    /// Sampling temperature. Default: the server's.
    #[arg(long)]
    temperature: Option<f64>,
    /// Nucleus sampling.
    #[arg(long)]
    top_p: Option<f64>,
    /// Top-k sampling.
    #[arg(long, allow_negative_numbers = true)]
    top_k: Option<i64>,
    /// Min-p sampling.
    #[arg(long)]
    min_p: Option<f64>,
    /// Frequency penalty.
    #[arg(long, allow_negative_numbers = true)]
    frequency_penalty: Option<f64>,
    /// Presence penalty.
    #[arg(long, allow_negative_numbers = true)]
    presence_penalty: Option<f64>,
    /// Repetition penalty.
    #[arg(long)]
    repetition_penalty: Option<f64>,
}

impl Sampling {
    pub(super) fn check(&self, backend: &str, problems: &mut Vec<Problem>) {
        let refuses = backend::by_name(backend).is_some_and(|backend| !backend.takes_sampling());
        if refuses && !self.body().is_empty() {
            let fix = "has no sampling flags such as --temperature. Put the server's own parameters \
                       into --extra-body";
            problems.push(Problem::new("--backend", backend, fix));
        }
    }

    pub(super) fn body(&self) -> Map<String, Value> {
        let floats = [
            ("top_p", self.top_p),
            ("min_p", self.min_p),
            ("temperature", self.temperature),
            ("frequency_penalty", self.frequency_penalty),
            ("presence_penalty", self.presence_penalty),
            ("repetition_penalty", self.repetition_penalty),
        ];
        let floats = floats
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), Value::from(value?))));
        let top_k = self.top_k.map(|k| ("top_k".to_owned(), Value::from(k)));
        floats.chain(top_k).collect()
    }
}
