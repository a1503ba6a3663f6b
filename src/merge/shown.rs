//! What the command that sent the shards would have shown of the whole run.

use crate::{
    grammar::ramp::{self, Ramp},
    report::{JsonOptions, VllmMetric, VllmOptions},
};
use serde::{Deserialize, Serialize};

/// The flags about the result, and what names the run in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Shown {
    pub(crate) label: Option<String>,
    pub(crate) model_id: Option<String>,
    tokenizer_id: Option<String>,
    num_prompts: usize,
    metadata: Vec<(String, String)>,
    ramp: Option<String>,
    dataset: Option<String>,
    percentile_metrics: Option<Vec<String>>,
    metric_percentiles: Vec<f64>,
    goodput_given: bool,
    tokenizer_known: bool,
}

impl Shown {
    pub(crate) fn of(options: JsonOptions) -> Self {
        let vllm = options.vllm;
        let names =
            |metrics: Vec<VllmMetric>| metrics.into_iter().map(|m| m.name().to_owned()).collect();
        Shown {
            label: options.label,
            model_id: options.model_id,
            tokenizer_id: options.tokenizer_id,
            num_prompts: options.num_prompts,
            metadata: options.metadata,
            ramp: options.ramp.map(|ramp| ramp.to_string()),
            dataset: options.dataset,
            percentile_metrics: vllm.percentile_metrics.map(names),
            metric_percentiles: vllm.metric_percentiles,
            goodput_given: vllm.goodput_given,
            tokenizer_known: vllm.tokenizer_known,
        }
    }

    /// What selects the numbers.
    pub(crate) fn vllm(&self) -> VllmOptions {
        let metrics = self.percentile_metrics.as_ref();
        let named = |name: &String| VllmMetric::named(name);
        VllmOptions {
            percentile_metrics: metrics.map(|names| names.iter().filter_map(named).collect()),
            metric_percentiles: self.metric_percentiles.clone(),
            goodput_given: self.goodput_given,
            tokenizer_known: self.tokenizer_known,
        }
    }

    pub(crate) fn ramp(&self) -> Option<Ramp> {
        ramp::parse(self.ramp.as_deref()?).ok()
    }

    /// The contents of a result file besides the run. Dates are those of the merge.
    pub(crate) fn options(
        &self,
        date: String,
        rate_change_times: Vec<String>,
        detailed: bool,
    ) -> JsonOptions {
        JsonOptions {
            date,
            label: self.label.clone(),
            model_id: self.model_id.clone(),
            tokenizer_id: self.tokenizer_id.clone(),
            num_prompts: self.num_prompts,
            metadata: self.metadata.clone(),
            ramp: self.ramp(),
            rate_change_times,
            detailed,
            dataset: self.dataset.clone(),
            vllm: self.vllm(),
        }
    }
}
