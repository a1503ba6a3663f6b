//! Limits on a run: `p99(ttft) < 300ms, goodput >= 95%, errors < 1%, throughput(output) > 1000`.

use crate::{Mistake, Mistakes};
use std::fmt;

/// A latency that a run has many values of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Latency {
    /// `ttft`: time to the first token of any kind.
    Ttft,
    /// `ttfat`: time to the first answer token (reasoning left out).
    Ttfat,
    /// `tpot`: time per output token, the first one excluded.
    Tpot,
    /// `itl`: gap between consecutive token events.
    Itl,
    /// `e2el`: end-to-end latency.
    E2el,
}

/// How many values become one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stat {
    /// `mean(…)`
    Mean,
    /// `median(…)`
    Median,
    /// `std(…)`: population standard deviation.
    Std,
    /// `min(…)`
    Min,
    /// `max(…)`
    Max,
    /// `p99(…)`, `p99.9(…)`: percentile 0–100, by linear interpolation.
    Percentile(f64),
}

/// What is counted per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Throughput {
    /// `throughput(requests)`: completed requests per second.
    Requests,
    /// `throughput(input)`: prompt tokens per second.
    Input,
    /// `throughput(output)`: generated tokens per second.
    Output,
    /// `throughput(total)`: both.
    Total,
}

/// The number of a run that is limited.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Subject {
    /// `p99(ttft)` and the like; limits are in milliseconds.
    Latency(Stat, Latency),
    /// `goodput`: share of requests within all per-request limits, 0–1.
    Goodput,
    /// `errors`: share of requests that failed, 0–1.
    Errors,
    /// `throughput(output)` and the like; limits are per second.
    Throughput(Throughput),
}

/// `<`, `<=`, `>`, `>=`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

/// One limit on a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Slo {
    /// The limited number.
    pub subject: Subject,
    /// How it must relate to the limit.
    pub op: Op,
    /// The limit: milliseconds, a ratio 0–1, or per second, as the subject says.
    pub limit: f64,
}

/// Reads a comma-separated list of limits.
pub fn parse(_text: &str) -> Result<Vec<Slo>, Mistakes> {
    Err(vec![Mistake::new("not yet")])
}

/// Reads one subject, such as `p99(ttft)`.
pub fn parse_subject(_text: &str) -> Result<Subject, Mistake> {
    Err(Mistake::new("not yet"))
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not yet")
    }
}

impl fmt::Display for Slo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not yet")
    }
}
