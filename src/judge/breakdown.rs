//! Where the time of a run's requests went: by phase, by length, by part of the run. Small enough to be stored, and
//! what [`attribute`](super::attribute) compares with another run's.
//!
//! A request's end-to-end latency is the sum of four phases:
//!
//! | Phase | From | To |
//! |---|---|---|
//! | client queue | the intended send time | sending: lateness, and the wait for a slot of `max_concurrency` |
//! | connect | sending | the connection is there; 0 where one was reused |
//! | first token | sending, or the connection | the first token event: network, the server's queue, prefill |
//! | decode | the first token event | the last |

use crate::{
    clock::Nanos,
    metrics::{Basis, millis},
    record::Record,
    run::Run,
    stats::{LongRun, Pace},
};
use serde::{Deserialize, Serialize};

/// The largest number of blocks that a run is cut into, in the order of the plan.
const BLOCKS: usize = 32;
/// The smallest number of requests in a block.
const FEWEST: usize = 4;

/// A phase of a request's latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Before sending, in the client.
    ClientQueue,
    /// Opening a connection.
    Connect,
    /// From sending, or the connection, to the first token.
    FirstToken,
    /// From the first token to the last.
    Decode,
}

impl Part {
    /// All phases in the order of time.
    pub const ALL: [Part; 4] = [
        Part::ClientQueue,
        Part::Connect,
        Part::FirstToken,
        Part::Decode,
    ];

    /// The phase's mean, taken from means in the order of [`Part::ALL`].
    pub(crate) fn mean(self, phases: &[Mean]) -> Mean {
        let place = Part::ALL.iter().position(|part| *part == self);
        let mean = place.and_then(|place| phases.get(place));
        mean.copied().unwrap_or_default()
    }

    fn of(self, times: &Times) -> f64 {
        match self {
            Part::ClientQueue => times.queue,
            Part::Connect => times.connect,
            Part::FirstToken => times.first,
            Part::Decode => times.decode,
        }
    }
}

/// Where the time of a run went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Breakdown {
    /// The mean of each phase, in the order of [`Part::ALL`].
    pub phases: Vec<Mean>,
    /// Mean time of decoding over the tokens after the first, ms a token; 0 without any.
    pub token_ms: f64,
    /// Mean time to first token by the server's own count, if it reported one.
    pub server_ttft_ms: Option<f64>,
    /// The phases by parts of the run.
    pub blocks: Blocks,
    /// Groups of requests by the length of the prompt.
    pub prompts: Vec<Length>,
    /// Groups of requests by the length of the answer.
    pub answers: Vec<Length>,
}

/// A mean, with its standard error for requests that depend on each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    /// ms.
    pub ms: f64,
    /// Standard error of the mean, ms; `None` for fewer than eight requests.
    pub error: Option<f64>,
    /// Degrees of freedom of the standard error.
    pub freedom: f64,
}

/// Parts of the run, in columns of equal length: requests that follow each other in the plan.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Blocks {
    /// When the first request of each was due, s since the run's start.
    pub start_s: Vec<f64>,
    /// Successes.
    pub ok: Vec<u64>,
    /// Failures.
    pub failed: Vec<u64>,
    /// Mean wait in the client, ms.
    pub client_queue_ms: Vec<f64>,
    /// Mean time of connecting, ms.
    pub connect_ms: Vec<f64>,
    /// Mean time to the first token after that, ms.
    pub first_token_ms: Vec<f64>,
    /// Mean time of decoding, ms.
    pub decode_ms: Vec<f64>,
    /// Mean tokens after the first.
    pub later_tokens: Vec<f64>,
}

/// Requests of about one length.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Length {
    /// The largest number of tokens in the group, a power of two; all have more than half of that.
    pub at_most: u64,
    /// Successes.
    pub requests: u64,
    /// Time to the first token, connecting left out.
    pub first_token: Mean,
    /// Time of decoding over the tokens after the first, ms a token.
    pub token: Mean,
}

/// The phases of a success, ms.
struct Times {
    queue: f64,
    connect: f64,
    first: f64,
    decode: f64,
    later_tokens: f64,
}

impl Times {
    fn of(record: &Record, basis: Basis) -> Option<Self> {
        let (first, last) = (record.events.first_at()?, record.events.last_at()?);
        let ready = record.connected.unwrap_or(record.sent).max(record.sent);
        let span = |from: Nanos, to: Nanos| millis(to - from);
        record.ok().then(|| Times {
            queue: span(basis.start(record), record.sent),
            connect: span(record.sent, ready),
            first: span(ready, first),
            decode: span(first, last),
            later_tokens: record.output.tokens.saturating_sub(1) as f64,
        })
    }

    fn token(&self) -> Option<f64> {
        (self.later_tokens > 0.0).then(|| self.decode / self.later_tokens)
    }
}

impl Mean {
    fn of(series: &[f64]) -> Self {
        let long_run = LongRun::of(series, Pace::Free);
        Mean {
            ms: mean(series.iter().copied()),
            error: long_run.map(|long_run| long_run.variance.sqrt()),
            freedom: long_run.map_or(0.0, |long_run| long_run.freedom),
        }
    }
}

impl Breakdown {
    /// The time of a run by phases, parts and lengths.
    pub fn of(run: &Run) -> Self {
        let basis = Basis::of_gate(run);
        let times: Vec<(&Record, Option<Times>)> = run
            .records
            .iter()
            .map(|record| (record, Times::of(record, basis)))
            .collect();
        let good: Vec<(&Record, &Times)> = times
            .iter()
            .filter_map(|(record, times)| Some((*record, times.as_ref()?)))
            .collect();
        let series = |part: Part| -> Vec<f64> { good.iter().map(|(_, t)| part.of(t)).collect() };
        let tokens: f64 = good.iter().map(|(_, t)| t.later_tokens).sum();
        let decode: f64 = good.iter().map(|(_, t)| t.decode).sum();
        Breakdown {
            phases: Part::ALL.map(|part| Mean::of(&series(part))).to_vec(),
            token_ms: if tokens > 0.0 { decode / tokens } else { 0.0 },
            server_ttft_ms: run.audit.server_ttft.map(|ttft| ttft.mean_ms),
            blocks: Blocks::of(&times),
            prompts: lengths(&good, |record| record.input.tokens),
            answers: lengths(&good, |record| record.output.tokens),
        }
    }

    pub(crate) fn phase(&self, part: Part) -> Mean {
        part.mean(&self.phases)
    }
}

impl Blocks {
    fn of(times: &[(&Record, Option<Times>)]) -> Self {
        let mut blocks = Blocks::default();
        if times.is_empty() {
            return blocks;
        }
        let count = (times.len() / FEWEST).clamp(1, BLOCKS);
        for block in 0..count {
            let place = |number: usize| number * times.len() / count;
            let part = &times[place(block)..place(block + 1)];
            let good: Vec<&Times> = part
                .iter()
                .filter_map(|(_, times)| times.as_ref())
                .collect();
            let of = |value: &dyn Fn(&Times) -> f64| mean(good.iter().map(|times| value(times)));
            blocks.start_s.push(part[0].0.intended.as_secs_f64());
            blocks.ok.push(good.len() as u64);
            blocks.failed.push((part.len() - good.len()) as u64);
            blocks.client_queue_ms.push(of(&|t| t.queue));
            blocks.connect_ms.push(of(&|t| t.connect));
            blocks.first_token_ms.push(of(&|t| t.first));
            blocks.decode_ms.push(of(&|t| t.decode));
            blocks.later_tokens.push(of(&|t| t.later_tokens));
        }
        blocks
    }

    /// The mean of a phase in each block, ms a request.
    pub(crate) fn column(&self, part: Part) -> &[f64] {
        match part {
            Part::ClientQueue => &self.client_queue_ms,
            Part::Connect => &self.connect_ms,
            Part::FirstToken => &self.first_token_ms,
            Part::Decode => &self.decode_ms,
        }
    }

    /// The mean of a phase in each block, ms; decoding by token. `None` where there is none.
    pub(crate) fn of_phase(&self, part: Part) -> Vec<Option<f64>> {
        let tokens = |block: usize| match part {
            Part::Decode => self.later_tokens.get(block).copied().unwrap_or(0.0),
            _ => 1.0,
        };
        let value = |(block, ms): (usize, &f64)| {
            let tokens = tokens(block);
            let any = self.ok.get(block).is_some_and(|ok| *ok > 0) && tokens > 0.0;
            any.then(|| ms / tokens)
        };
        self.column(part).iter().enumerate().map(value).collect()
    }
}

/// Groups requests by powers of two.
fn lengths(good: &[(&Record, &Times)], tokens: impl Fn(&Record) -> u64) -> Vec<Length> {
    let bound = |record: &Record| tokens(record).max(1).next_power_of_two();
    let mut bounds: Vec<u64> = good.iter().map(|(record, _)| bound(record)).collect();
    bounds.sort_unstable();
    bounds.dedup();
    let group = |at_most: u64| {
        let within = || {
            good.iter()
                .filter(move |(record, _)| bound(record) == at_most)
        };
        let first: Vec<f64> = within().map(|(_, times)| times.first).collect();
        let token: Vec<f64> = within().filter_map(|(_, times)| times.token()).collect();
        Length {
            at_most,
            requests: first.len() as u64,
            first_token: Mean::of(&first),
            token: Mean::of(&token),
        }
    };
    bounds.into_iter().map(group).collect()
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1) as f64;
    values.sum::<f64>() / count
}
