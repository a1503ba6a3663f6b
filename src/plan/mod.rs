//! What will be asked and when, worked out before the first byte is sent.

use crate::{clock::Nanos, record::TokenCount};
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

/// When requests are sent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Arrivals {
    /// Requests per second; infinite sends all at once (or as fast as `max_concurrency` lets).
    pub rate: f64,
    /// Gamma shape of the gaps: 1 is Poisson, infinite is constant.
    pub burstiness: f64,
    /// A rising rate instead of a constant one.
    #[serde(skip)]
    pub ramp: Option<goodput_grammar::ramp::Ramp>,
    /// Requests in flight at most.
    pub max_concurrency: Option<usize>,
}

impl Arrivals {
    /// Whether requests have a schedule of their own (finite rate or ramp).
    pub fn open_loop(&self) -> bool {
        self.rate.is_finite() || self.ramp.is_some()
    }
}
