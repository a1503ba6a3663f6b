//! Limits on one request: `ttft:200 tpot:50 e2el:5000`.

use crate::{Mistake, Mistakes};
use std::time::Duration;

/// What a limit on one request may be set on. `itl` is not among them: it has no value per request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestMetric {
    /// Time to first token.
    Ttft,
    /// Time per output token, the first one excluded.
    Tpot,
    /// End-to-end latency.
    E2el,
}

/// One limit: the request is good only if its value is at most this (inclusive, as in vLLM).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLimit {
    /// The limited quantity.
    pub metric: RequestMetric,
    /// The largest good value.
    pub at_most: Duration,
}

/// Reads `ttft:200 tpot:50ms e2el:5s`: pairs separated by spaces or commas, bare numbers in
/// milliseconds.
pub fn parse(_text: &str) -> Result<Vec<RequestLimit>, Mistakes> {
    Err(vec![Mistake::new("not yet")])
}
