//! The times of one request.

use crate::{clock::Nanos, record::Record, run::Run};
use serde::Serialize;
use std::time::Duration;

/// From when a request's latency counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// From when it was sent: vLLM's, and the gate's in closed loop.
    Sent,
    /// From when the plan wanted it sent: the gate's in open loop, so that a wait in front of
    /// the server counts as the user would feel it.
    Intended,
}

impl Basis {
    /// The basis of the gate's numbers.
    pub fn of_gate(run: &Run) -> Self {
        if run.setup.open_loop {
            Basis::Intended
        } else {
            Basis::Sent
        }
    }

    /// When a request's latency starts.
    pub fn start(self, record: &Record) -> Nanos {
        match self {
            Basis::Sent => record.sent,
            Basis::Intended => record.intended,
        }
    }
}

/// When a request started and when its tokens came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestTimes {
    start: Nanos,
    /// `None` for an answer without tokens.
    first: Option<Nanos>,
    last: Nanos,
    output_tokens: u64,
}

impl RequestTimes {
    /// The times of a request; `None` if it has neither a token event nor an answer without tokens.
    /// Failed requests that streamed something have times too: whether they count is the caller's
    /// decision.
    pub fn of(record: &Record, basis: Basis) -> Option<Self> {
        Some(RequestTimes {
            start: basis.start(record),
            first: record.events.first_at(),
            last: record.events.last_at().or(record.answered)?,
            output_tokens: record.output.tokens,
        })
    }

    /// Time to the first token event, if there was one.
    pub fn ttft(&self) -> Option<Duration> {
        Some(self.first? - self.start)
    }

    /// Time to the last token event, or to the end of an answer without tokens.
    pub fn e2el(&self) -> Duration {
        self.last - self.start
    }

    /// Time from the first token event to the last.
    pub fn decode(&self) -> Duration {
        self.last - self.first.unwrap_or(self.last)
    }

    /// Time per output token after the first, ms; `None` when there is no second token.
    pub fn tpot_ms(&self) -> Option<f64> {
        let later_tokens = self.later_tokens();
        (later_tokens > 0).then(|| millis(self.decode()) / later_tokens as f64)
    }

    /// Tokens after the first.
    pub fn later_tokens(&self) -> u64 {
        self.output_tokens.saturating_sub(1)
    }
}

/// A span in milliseconds.
pub(crate) fn millis(span: Duration) -> f64 {
    span.as_nanos() as f64 / 1e6
}

/// The gaps between neighbouring token events.
pub(crate) fn gaps(record: &Record) -> impl Iterator<Item = Duration> {
    let events = record.events.iter();
    let later = events.clone().skip(1);
    events.zip(later).map(|(event, next)| next.at - event.at)
}
