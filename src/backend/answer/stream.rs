//! Decoding of streamed answers, whatever the dialect.
//!
//! A dialect says what its events mean. Everything else is shared, and stricter than vLLM where its client mistakes a
//! failure for a success:
//!
//! * an error event fails the request;
//! * an end without the dialect's mark of the end is a truncation;
//! * every legal framing is read ([`sse`](super::sse)).
//!
//! It is as lenient as common clients: see [`json`](super::json). Heartbeats in any form are ignored.
//! `docs/servers.md` says what counts as what.

use super::{
    SseDecoder,
    chunk::truthy,
    error_body::{error_body, excerpt},
    foreign::{foreign, is_event_stream},
    json::mended,
    sse::Event,
};
use crate::{
    backend::Decode,
    clock::Nanos,
    record::{Channel, Reply, RequestError, TokenEvent},
};
use serde_json::value::RawValue;

/// How much of a body without events is kept to say what it was, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// How a dialect reads answers.
pub(in crate::backend) trait Dialect: Send {
    /// What cuts its streams into events.
    type Frames: Frames;

    /// What a stream that ended early lacks, behind "after 3 token events, ".
    const LACKS: &'static str;

    /// Whether something in its streams says that they are over.
    const SAYS_END: bool = true;

    /// Reads an event, a JSON object; its last byte arrived at `at`.
    fn event(&mut self, at: Nanos, json: &str, reply: &mut Reply) -> Result<(), Unread>;

    /// Returns whether the answer is complete. Default: there was a finish reason, or the mark of the end.
    fn is_complete(&self, reply: &Reply) -> bool {
        reply.finish.is_some() || reply.done
    }

    /// Reads an answer in one piece. Returns its channel, and the number of tokens if the answer says it in another
    /// way than by usage.
    fn whole(&mut self, json: &str, reply: &mut Reply) -> Result<(Channel, Option<u64>), Unread>;
}

/// Why an event or an answer could not be used.
#[derive(Debug)]
pub(in crate::backend) enum Unread {
    /// The text is not the JSON that it should be.
    Json(serde_json::Error),
    /// The server reported an error.
    Server,
    /// The answer lacks this.
    Lacks(&'static str),
    /// The answer is complete and has no tokens.
    NoTokens,
}

impl From<serde_json::Error> for Unread {
    fn from(error: serde_json::Error) -> Self {
        Unread::Json(error)
    }
}

/// Cuts a body into events.
pub(in crate::backend) trait Frames: Default + Send {
    /// The name of this kind of body.
    const NAME: &'static str;

    /// Takes bytes that arrived at `at` and shows every event that they complete.
    fn feed<F>(&mut self, at: Nanos, bytes: &[u8], visit: F) -> Result<(), RequestError>
    where
        F: FnMut(Event<'_>) -> Result<(), RequestError>;

    /// The body is over: shows the last event if its end never came.
    fn finish<F>(&mut self, visit: F) -> Result<(), RequestError>
    where
        F: FnMut(Event<'_>) -> Result<(), RequestError>;

    /// The number of bytes that wait for the end of their event.
    fn held(&self) -> usize;

    /// Returns whether a body without events that begins like this is of this kind nevertheless.
    fn is_one(head: &[u8]) -> bool;
}

impl Frames for SseDecoder {
    const NAME: &'static str = "an event stream";

    fn feed<F>(&mut self, at: Nanos, bytes: &[u8], visit: F) -> Result<(), RequestError>
    where
        F: FnMut(Event<'_>) -> Result<(), RequestError>,
    {
        self.feed(at, bytes, visit)
    }

    fn finish<F>(&mut self, visit: F) -> Result<(), RequestError>
    where
        F: FnMut(Event<'_>) -> Result<(), RequestError>,
    {
        self.finish(visit)
    }

    fn held(&self) -> usize {
        self.held()
    }

    fn is_one(head: &[u8]) -> bool {
        is_event_stream(head)
    }
}

/// Decodes one streamed answer.
#[derive(Debug)]
pub(in crate::backend) struct StreamDecoder<D: Dialect> {
    frames: D::Frames,
    state: State<D>,
    /// The beginning of the body, until there is an event.
    head: Vec<u8>,
}

#[derive(Debug)]
struct State<D> {
    dialect: D,
    /// There was an event of the dialect.
    any_event: bool,
    /// The last event that was not of the dialect, to show it if nothing better comes.
    aside: Option<String>,
    /// The body is over: what is unreadable now was cut off.
    ending: bool,
}

impl<D: Dialect> StreamDecoder<D> {
    pub(in crate::backend) fn new(dialect: D) -> Self {
        StreamDecoder {
            frames: D::Frames::default(),
            state: State {
                dialect,
                any_event: false,
                aside: None,
                ending: false,
            },
            head: Vec::new(),
        }
    }
}

impl<D: Dialect> Decode for StreamDecoder<D> {
    fn data(&mut self, at: Nanos, bytes: &[u8], reply: &mut Reply) -> Result<(), RequestError> {
        let state = &mut self.state;
        self.frames
            .feed(at, bytes, |event| state.event(&event, reply))?;
        if !state.any_event {
            let room = MAX_HEAD - self.head.len();
            self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
        Ok(())
    }

    fn held(&self) -> usize {
        self.frames.held()
    }

    fn said_end(&self, reply: &Reply) -> bool {
        let said = reply.done || reply.finish.is_some();
        D::SAYS_END && said && self.state.dialect.is_complete(reply)
    }

    fn end(&mut self, _at: Nanos, reply: &mut Reply) -> Result<(), RequestError> {
        let said = self.said_end(reply);
        let state = &mut self.state;
        state.ending = true;
        match self.frames.finish(|event| state.event(&event, reply)) {
            // The answer was complete before the event that was cut off, such as one with usage.
            Err(RequestError::Truncated { .. }) if said => {}
            finished => finished?,
        }
        if !state.any_event && !D::Frames::is_one(&self.head) {
            return Err(foreign(&self.head, D::Frames::NAME));
        }
        if !state.dialect.is_complete(reply) {
            let events = reply.events.len();
            let mut message = format!("after {events} token events, {}", D::LACKS);
            if let Some(aside) = &state.aside {
                message += &format!(". An event was not JSON: {aside}");
            }
            return Err(RequestError::Truncated { message });
        }
        let generated = reply.usage.and_then(|usage| usage.completion_tokens);
        let silent = reply.events.iter().all(|e| e.channel == Channel::Silent);
        if reply.events.is_empty() || silent && generated == Some(0) {
            return Err(RequestError::NoTokens);
        }
        Ok(())
    }
}

impl<D: Dialect> State<D> {
    fn event(&mut self, event: &Event<'_>, reply: &mut Reply) -> Result<(), RequestError> {
        let data = event.data.trim_ascii();
        // Bytes behind the end are not part of the answer.
        if data.is_empty() || reply.done {
            return Ok(());
        }
        if data == b"[DONE]" {
            self.any_event = true;
            reply.heard = Some(event.at);
            reply.done = true;
            return Ok(());
        }
        if event.name == b"error" {
            return Err(server(data));
        }
        // A heartbeat, in whatever form.
        if !data.starts_with(b"{") {
            self.aside = Some(excerpt(data));
            return Ok(());
        }
        self.any_event = true;
        // By the standard of event streams, invalid UTF-8 is replaced.
        let text = String::from_utf8_lossy(data);
        let read = match self.dialect.event(event.at, &text, reply) {
            Err(Unread::Json(error)) => match mended(&text) {
                Some(json) => self.dialect.event(event.at, &json, reply),
                None => Err(Unread::Json(error)),
            },
            read => read,
        };
        reply.heard = Some(event.at);
        read.map_err(|unread| match unread {
            Unread::Server => server(data),
            Unread::Json(error) => {
                let message = format!("invalid JSON ({error}) in the stream: {}", excerpt(data));
                self.unreadable(data, RequestError::Malformed { message })
            }
            Unread::NoTokens => RequestError::NoTokens,
            Unread::Lacks(what) => {
                let message = format!("invalid event (no {what}) in the stream: {}", excerpt(data));
                self.unreadable(data, RequestError::Foreign { message })
            }
        })
    }

    /// The error of an event. If the body ended inside the event, only that counts.
    fn unreadable(&self, data: &[u8], wrong: RequestError) -> RequestError {
        if self.ending {
            RequestError::Truncated {
                message: format!("inside an event: {}", excerpt(data)),
            }
        } else {
            wrong
        }
    }
}

/// Adds a token event and its text, unless that is a tool's. Without text the event is silent.
pub(in crate::backend) fn push(
    at: Nanos,
    channel: Channel,
    text: &str,
    tokens: u64,
    reply: &mut Reply,
) {
    match channel {
        Channel::Answer => reply.text.push_str(text),
        Channel::Reasoning => reply.reasoning.push_str(text),
        Channel::Tool | Channel::Silent => {}
    }
    let channel = if text.is_empty() {
        Channel::Silent
    } else {
        channel
    };
    reply.push(TokenEvent {
        at,
        tokens: saturating_u32(tokens),
        channel,
    });
}

/// The channel of a text: silent if it is empty.
pub(in crate::backend) fn seen(text: &str) -> Channel {
    if text.is_empty() {
        Channel::Silent
    } else {
        Channel::Answer
    }
}

/// Returns an error if a field `error` says that something went wrong.
pub(in crate::backend) fn error_in(error: Option<&RawValue>) -> Result<(), Unread> {
    match error.filter(truthy) {
        Some(_) => Err(Unread::Server),
        None => Ok(()),
    }
}

pub(in crate::backend) fn saturating_u32(tokens: u64) -> u32 {
    u32::try_from(tokens).unwrap_or(u32::MAX)
}

fn server(data: &[u8]) -> RequestError {
    RequestError::Server {
        message: error_body(data),
    }
}
