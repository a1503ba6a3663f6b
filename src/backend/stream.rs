//! Decoding of OpenAI-style event streams, chat and completions alike.
//!
//! What moves the token clock is the dialect's matter and follows vLLM 0.33. Everything else is
//! shared, and stricter than vLLM where its client mistakes a failure for a success:
//!
//! * an error event fails the request;
//! * usage is read from any event that has it, also one with choices; the last one counts;
//! * an end without `finish_reason`, closing usage or `[DONE]` is a truncation;
//! * every legal framing is read ([`sse`](super::sse)).
//!
//! # Cost
//!
//! One pass of a typed parse an event. Token text without escapes is borrowed until it is appended
//! to the reply, so a token event costs no allocation beyond the growth of the reply.

use super::{
    Decode,
    chunk::{Chunk, Piece, ReadChoice, truthy},
    error_body::{error_body, error_message, excerpt},
    foreign::{foreign, is_event_stream},
    sse::{Event, SseDecoder},
};
use crate::{
    clock::Nanos,
    record::{Channel, Reply, RequestError, TokenEvent, Usage},
};
use serde_json::Value;

/// How much of a body without events is kept to say what it was, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// Decodes one streamed answer.
#[derive(Debug)]
pub(super) struct StreamDecoder {
    sse: SseDecoder,
    state: State,
    /// The beginning of the body, as long as it has brought no event.
    head: Vec<u8>,
}

#[derive(Debug)]
struct State {
    read: ReadChoice,
    /// There was an event.
    any_event: bool,
    /// There was usage in an event without choices, which only the last event of an answer has.
    closing_usage: bool,
    /// The running count of generated tokens at the last token event, if that event had one.
    running: Option<u64>,
    /// The body is over: what is unreadable now was cut off.
    ending: bool,
}

impl StreamDecoder {
    pub(super) fn new(read: ReadChoice) -> Self {
        StreamDecoder {
            sse: SseDecoder::default(),
            state: State {
                read,
                any_event: false,
                closing_usage: false,
                running: Some(0),
                ending: false,
            },
            head: Vec::new(),
        }
    }
}

impl Decode for StreamDecoder {
    fn data(&mut self, at: Nanos, bytes: &[u8], reply: &mut Reply) -> Result<(), RequestError> {
        let state = &mut self.state;
        self.sse
            .feed(at, bytes, |event| state.event(&event, reply))?;
        if !state.any_event {
            let room = MAX_HEAD - self.head.len();
            self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
        Ok(())
    }

    fn end(&mut self, _at: Nanos, reply: &mut Reply) -> Result<(), RequestError> {
        let state = &mut self.state;
        state.ending = true;
        self.sse.finish(|event| state.event(&event, reply))?;
        if !state.any_event && !is_event_stream(&self.head) {
            return Err(foreign(&self.head, "an event stream"));
        }
        if reply.finish.is_none() && !reply.done && !state.closing_usage {
            let events = reply.events.len();
            return Err(RequestError::Truncated {
                message: format!(
                    "after {events} token events, with neither a finish reason nor [DONE]"
                ),
            });
        }
        let generated = reply.usage.and_then(|usage| usage.completion_tokens);
        let silent = reply.events.iter().all(|e| e.channel == Channel::Silent);
        if reply.events.is_empty() || silent && generated == Some(0) {
            return Err(RequestError::NoTokens);
        }
        Ok(())
    }
}

impl State {
    fn event(&mut self, event: &Event<'_>, reply: &mut Reply) -> Result<(), RequestError> {
        self.any_event = true;
        let data = event.data.trim_ascii();
        if data.is_empty() {
            return Ok(());
        }
        if data == b"[DONE]" {
            reply.done = true;
            return Ok(());
        }
        if event.name == b"error" {
            return Err(server(data));
        }
        let text = std::str::from_utf8(data).map_err(|e| self.unreadable("UTF-8", &e, data))?;
        if !text.starts_with('{') {
            return Err(self.unreadable("event", &"not a JSON object", data));
        }
        let chunk: Chunk<'_> =
            serde_json::from_str(text).map_err(|e| self.unreadable("JSON", &e, data))?;
        if chunk.error.as_ref().is_some_and(truthy) {
            return Err(server(data));
        }
        let usage = chunk.usage.map(Usage::from);
        if usage.is_some() {
            reply.usage = usage;
        }
        let Some(choice) = chunk.choices.0 else {
            self.closing_usage |= usage.is_some();
            return match usage {
                Some(_) => Ok(()),
                None => no_error_in(text),
            };
        };
        let wrong = |e: serde_json::Error| self.unreadable("JSON", &e, data);
        if let Some(finish) = choice.finish().map_err(wrong)? {
            reply.finish = Some(finish.into_owned());
        }
        let piece = (self.read)(&choice).map_err(wrong)?;
        if let Some(channel) = piece.channel {
            let running = usage.and_then(|usage| usage.completion_tokens);
            // Usage that more came after neither closed the answer nor counted all of it.
            self.closing_usage = false;
            if usage.is_none() && channel != Channel::Silent {
                reply
                    .usage
                    .as_mut()
                    .map(|stale| stale.completion_tokens.take());
            }
            let tokens = choice.tokens().or_else(|| self.newly_counted(running));
            self.running = running;
            reply.events.push(TokenEvent {
                at: event.at,
                tokens: saturating_u32(tokens.unwrap_or(0)),
                channel,
            });
        }
        append(piece, reply);
        Ok(())
    }

    /// What the running usage grew by. Unknown unless the token event before had one too:
    /// llama.cpp sends the total with the last event only.
    fn newly_counted(&self, running: Option<u64>) -> Option<u64> {
        Some(running?.saturating_sub(self.running?))
    }

    fn unreadable(&self, what: &str, why: &dyn std::fmt::Display, data: &[u8]) -> RequestError {
        let excerpt = excerpt(data);
        if self.ending {
            RequestError::Truncated {
                message: format!("inside an event: {excerpt}"),
            }
        } else {
            RequestError::Malformed {
                message: format!("invalid {what} ({why}) in the stream: {excerpt}"),
            }
        }
    }
}

/// Appends a piece's texts to the reply.
pub(super) fn append(piece: Piece<'_>, reply: &mut Reply) {
    if let Some(text) = piece.text {
        reply.text.push_str(&text);
    }
    if let Some(reasoning) = piece.reasoning {
        reply.reasoning.push_str(&reasoning);
    }
}

pub(super) fn saturating_u32(tokens: u64) -> u32 {
    u32::try_from(tokens).unwrap_or(u32::MAX)
}

/// An event with neither choices nor usage may be an error in a form of its own; others, such as
/// pings, mean nothing.
fn no_error_in(json: &str) -> Result<(), RequestError> {
    match serde_json::from_str::<Value>(json)
        .ok()
        .as_ref()
        .and_then(error_message)
    {
        Some(message) => Err(RequestError::Server { message }),
        None => Ok(()),
    }
}

fn server(data: &[u8]) -> RequestError {
    RequestError::Server {
        message: error_body(data),
    }
}
