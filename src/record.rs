//! Records: each request of a run as it was measured.
//!
//! A [`Run`](crate::run::Run) has one [`Record`] per request that was sent. All times are nanoseconds since
//! the start of the schedule, and what they mean for the metrics is defined in [`metrics`](crate::metrics).
//!
//! ```
//! use goodput::{Bench, record::RequestError};
//!
//! let report = Bench::new("chat")
//!     .target("sim(ttft = 50ms, itl = 10ms)")
//!     .faults("status(429)@req:1")
//!     .rate(10)
//!     .requests(20)
//!     .run_blocking()?;
//! let records = &report.run().records;
//!
//! let first = &records[0];
//! let ttft = first.events.first_at().map(|at| at - first.sent);
//! assert_eq!(ttft.unwrap().as_millis(), 50);
//!
//! let error = records[1].error.as_ref().unwrap();
//! assert!(matches!(error, RequestError::Status { status: 429, .. }));
//! println!("{error}: {}", error.hint().unwrap_or_default());
//! # Ok::<(), goodput::Error>(())
//! ```

mod error;
mod events;
mod redact;
mod turn;

pub(crate) use error::SET_THE_KEY;
pub use error::{Phase, RequestError};
pub use events::{Events, Iter};
pub(crate) use redact::redact;
pub use turn::TurnId;

use crate::{clock::Nanos, structure::Answered};
use serde::{Deserialize, Serialize};

/// Content of a token event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Text of the answer.
    Answer,
    /// Reasoning before the answer (`reasoning`, `reasoning_content`).
    Reasoning,
    /// A tool or function call.
    Tool,
    /// No visible text (an empty delta, a chunk with only a finish reason). Such an event counts for token
    /// times, as in vLLM.
    Silent,
}

/// Arrival of generated output: what vLLM calls a chunk. One event may carry several tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenEvent {
    /// When the event's last byte arrived.
    pub at: Nanos,
    /// Tokens in the event if the server reports them (`token_ids`, log-probabilities, running usage), else
    /// 0.
    pub tokens: u32,
    /// Content of the event.
    pub channel: Channel,
}

/// Token counts that the server reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt, chat template included.
    pub prompt_tokens: Option<u64>,
    /// Generated tokens.
    pub completion_tokens: Option<u64>,
    /// Prompt tokens that came from the prefix cache.
    pub cached_tokens: Option<u64>,
    /// Generated tokens that were reasoning.
    pub reasoning_tokens: Option<u64>,
}

/// Kind of result that a request asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Generated tokens.
    #[default]
    Generate,
    /// Vectors, scores or ranks: an answer without tokens, whose only latency is end-to-end.
    Pool,
}

/// Source of receive times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timestamps {
    /// The kernel, when it received the bytes.
    Kernel,
    /// The client, when it read them.
    #[default]
    Monotonic,
    /// The simulation.
    Virtual,
}

/// Source of a token count, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountSource {
    /// The server's `usage`.
    Usage,
    /// goodput's tokenizer, applied to the text.
    Tokenizer,
    /// An estimate, because there is no tokenizer.
    Estimate,
}

/// Token count with its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenCount {
    /// Tokens.
    pub tokens: u64,
    /// Source of the count.
    pub source: CountSource,
}

impl TokenCount {
    /// Counts the generated tokens of an answer from the answer alone: `usage`, else an estimate of at
    /// least one token per event.
    pub fn of_reply(reply: &Reply) -> Self {
        match reply.usage.and_then(|usage| usage.completion_tokens) {
            Some(tokens) if tokens > 0 => TokenCount {
                tokens,
                source: CountSource::Usage,
            },
            _ => TokenCount {
                tokens: reply
                    .events
                    .iter()
                    .map(|e| u64::from(e.tokens.max(1)))
                    .sum(),
                source: CountSource::Estimate,
            },
        }
    }
}

/// Times of a request as the server reports them (vLLM with `--enable-per-request-metrics`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerTimes {
    /// Time from the engine's accepting the request to scheduling it, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_ms: Option<f64>,
    /// Time from scheduling to the first token, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttft_ms: Option<f64>,
}

impl ServerTimes {
    /// Whether the server reported no times.
    pub fn is_empty(&self) -> bool {
        self.queue_ms.is_none() && self.ttft_ms.is_none()
    }
}

/// Parts of an answer that a backend's decoder collects.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reply {
    /// Token events in order of arrival.
    pub events: Events,
    /// Text of the answer (reasoning and tool calls left out, as in vLLM).
    pub text: String,
    /// Reasoning text.
    pub reasoning: String,
    /// The server's token counts.
    pub usage: Option<Usage>,
    /// The server's own times.
    pub server_times: ServerTimes,
    /// `finish_reason`.
    pub finish: Option<String>,
    /// A `[DONE]` or the backend's own end mark was seen.
    pub done: bool,
    /// When an answer without tokens (vectors, scores) was complete.
    pub answered: Option<Nanos>,
    /// When the last event came that brought tokens: text, a tool's, or counted ones that do not show.
    pub progress: Option<Nanos>,
    /// When the last event came that is the dialect's, whatever it said.
    pub heard: Option<Nanos>,
}

impl Reply {
    /// Adds a token event.
    pub fn push(&mut self, event: TokenEvent) {
        if event.channel != Channel::Silent || event.tokens > 0 {
            self.progress = Some(event.at);
        }
        self.events.push(event);
    }
}

/// One request's life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Position in the plan.
    pub index: usize,
    /// When the plan wanted it sent. Without a schedule (infinite rate) this is when a slot of
    /// `max_concurrency` became free for it.
    pub intended: Nanos,
    /// When the client took it up; later than `intended` means that the client was late. Without a
    /// schedule this is the run's start, as in vLLM, whose requests then all wait for a slot.
    pub dispatched: Nanos,
    /// When it got its slot and its sending began, connecting included (vLLM's start time).
    pub sent: Nanos,
    /// When a connection opened for this request was ready; `None` when one was reused.
    pub connected: Option<Nanos>,
    /// When the response head arrived.
    pub head: Option<Nanos>,
    /// When the response was complete, or failed.
    pub end: Nanos,
    /// HTTP status, once there was one.
    pub status: Option<u16>,
    /// Where the times of arrivals come from: the kernel's only if all of them are. `None` if nothing
    /// arrived.
    #[serde(default)]
    pub timestamps: Option<Timestamps>,
    /// The request was sent twice: the idle connection that it was first sent on had died, and brought
    /// no byte of an answer. Its times count from the first sending.
    #[serde(default, skip_serializing_if = "is_false")]
    pub retried: bool,
    /// Number of the frontend that it went to, from 0, if the target has several URLs and it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frontend: Option<u32>,
    /// Token events in order of arrival.
    pub events: Events,
    /// When the last byte of an answer without tokens (vectors, scores) arrived.
    #[serde(default)]
    pub answered: Option<Nanos>,
    /// Tokens that were asked for; 0 where none are, or it is not known.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub asked: u64,
    /// Inputs that the request brought: texts of a batch, documents to rank, else 1.
    #[serde(default = "one")]
    pub inputs: u64,
    /// How long the recording to transcribe plays, in seconds; 0 without one.
    #[serde(default)]
    pub audio_seconds: f64,
    /// The LoRA adapter that it asked for as its model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lora: Option<String>,
    /// Name of its class, in a mix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Box<str>>,
    /// Name of the client that it is from, if the dataset says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Box<str>>,
    /// How a request with a structure was answered; `None` for a free answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structure: Option<Box<Answered>>,
    /// Session and turn; `None` for a request that is not part of a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<Box<TurnId>>,
    /// Time for which the session was waiting for the server, think time left out: on the request with which a session
    /// ended in which every request succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_e2el: Option<Nanos>,
    /// Time of the round, from its start to the end of its last request: on the request that ended last, if the plan was
    /// sent in several rounds and every request of this one succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_e2el: Option<Nanos>,
    /// Text of the answer.
    pub text: String,
    /// Reasoning text.
    pub reasoning: String,
    /// `finish_reason`.
    pub finish: Option<String>,
    /// The server's token counts.
    pub usage: Option<Usage>,
    /// The server's own times, if it reports them.
    #[serde(default, skip_serializing_if = "ServerTimes::is_empty")]
    pub server_times: ServerTimes,
    /// Prompt tokens: the server's count if given, else the plan's.
    pub input: TokenCount,
    /// Generated tokens; see [`CountSource`].
    pub output: TokenCount,
    /// Whether it is outside the steady part of its run, and so counts in no number.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cut: bool,
    /// Why it failed, if it did.
    pub error: Option<RequestError>,
}

fn one() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Record {
    /// Whether the request succeeded.
    pub fn ok(&self) -> bool {
        self.error.is_none()
    }

    /// The same record without the answer.
    pub(crate) fn without_answer(&self) -> Self {
        Record {
            index: self.index,
            intended: self.intended,
            dispatched: self.dispatched,
            sent: self.sent,
            connected: self.connected,
            head: self.head,
            end: self.end,
            status: self.status,
            timestamps: self.timestamps,
            events: self.events.clone(),
            answered: self.answered,
            inputs: self.inputs,
            audio_seconds: self.audio_seconds,
            lora: self.lora.clone(),
            class: self.class.clone(),
            client: self.client.clone(),
            structure: self.structure.clone(),
            turn: self.turn.clone(),
            session_e2el: self.session_e2el,
            round_e2el: self.round_e2el,
            text: String::new(),
            reasoning: String::new(),
            finish: self.finish.clone(),
            usage: self.usage,
            server_times: self.server_times,
            input: self.input,
            output: self.output,
            asked: self.asked,
            retried: self.retried,
            frontend: self.frontend,
            cut: self.cut,
            error: self.error.clone(),
        }
    }

    /// Moves every time in it.
    pub(crate) fn shift(&mut self, nanos: i64) {
        let own = [
            &mut self.intended,
            &mut self.dispatched,
            &mut self.sent,
            &mut self.end,
        ];
        let times = own
            .into_iter()
            .chain(&mut self.connected)
            .chain(&mut self.head)
            .chain(&mut self.answered);
        times.for_each(|at| at.0 = at.0.saturating_add_signed(nanos));
        self.events.shift(nanos);
    }
}
