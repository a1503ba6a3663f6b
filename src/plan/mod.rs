//! What will be asked and when, worked out before the first byte is sent.
//!
//! A plan is dataset × arrivals × seed. The same three give the same plan on every machine, and
//! with the same tokenizer the prompts and send times of `vllm bench serve` with that seed.

mod arrivals;
mod dataset;
mod describe;
mod error;
mod hash;
mod numpy;
#[cfg(test)]
mod testing;
mod tokenizer;

pub use arrivals::{Arrivals, rate_changes, schedule};
pub use error::PlanError;
pub use tokenizer::{Codec, Tokenizer, TokenizerSpec};

use crate::{clock::Nanos, record::TokenCount};
use goodput_grammar::dataset::{Dataset, Random};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Every request of a run with its intended send time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The requests in send order.
    pub requests: Vec<PlannedRequest>,
    /// Remarks that the user should read, such as which lengths are estimates.
    pub notes: Vec<String>,
}

/// One request of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedRequest {
    /// Intended send time; 0 for all at an infinite rate.
    pub at: Nanos,
    /// What is asked.
    pub prompt: Prompt,
    /// Length of the prompt as the plan knows it.
    pub input: TokenCount,
    /// Output tokens to ask for.
    pub output_tokens: u64,
    /// Value of the `x-request-id` header.
    pub id: String,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// Text.
    Text(String),
    /// Token ids, for servers that take them (completions).
    Tokens(Vec<u32>),
    /// Ready chat messages, a JSON array.
    Messages(Vec<Value>),
}

/// Everything that a plan follows from.
#[derive(Debug, Clone, Copy)]
pub struct PlanSpec<'a> {
    /// What is asked.
    pub dataset: &'a Dataset,
    /// When it is asked.
    pub arrivals: &'a Arrivals,
    /// How many requests; a dataset that must not repeat rows may have fewer.
    pub requests: usize,
    /// Of all draws, as `vllm bench serve --seed`.
    pub seed: u64,
    /// What prompts are made and counted with.
    pub tokenizer: &'a Tokenizer,
    /// Whether the backend's prompts may be token ids.
    pub takes_token_ids: bool,
    /// Put before a request's number to make its id.
    pub request_id_prefix: &'a str,
}

/// Makes a plan.
///
/// # Errors
///
/// There is nothing to send, the arrivals have no schedule, the dataset's file cannot be used, or
/// the backend does not take the prompts. All that can be known at once is told at once.
pub fn build(spec: &PlanSpec<'_>) -> Result<Plan, PlanError> {
    let mut mistakes = spec.arrivals.mistakes();
    if spec.requests == 0 {
        mistakes.push("the plan has 0 requests; ask for 1 at least".into());
    }
    let ids = matches!(
        spec.dataset,
        Dataset::Random(Random {
            token_ids: true,
            ..
        })
    );
    if ids && !spec.takes_token_ids {
        mistakes.push(
            "the dataset makes prompts of token ids (token_ids), which this backend does not take; \
             leave token_ids out, or use a completions backend"
                .into(),
        );
    }
    PlanError::check(mistakes)?;

    let samples = dataset::sample(spec)?;
    let times = schedule(spec.arrivals, samples.rows.len(), spec.seed);
    let requests = samples
        .rows
        .into_iter()
        .zip(times)
        .enumerate()
        .map(|(index, (sample, at))| PlannedRequest {
            at,
            prompt: sample.prompt,
            input: sample.input,
            output_tokens: sample.output_tokens,
            id: format!("{}{index}", spec.request_id_prefix),
        })
        .collect();
    Ok(Plan {
        requests,
        notes: samples.notes,
    })
}
