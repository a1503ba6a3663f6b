//! OpenAI's answers with `choices`: chat, completions and transcriptions, streamed and whole.
//!
//! The dialect decides what moves the token clock, and follows vLLM 0.33. Usage is read from any event that has it,
//! also one with choices; the last one counts.
//!
//! # Cost
//!
//! One pass of a typed parse an event. Token text without escapes is borrowed until it is appended to the reply, so a
//! token event costs no allocation beyond the growth of the reply.

use super::{
    SseDecoder,
    chunk::{Chunk, Piece, ReadChoice, truthy},
    error_body::error_message,
    json,
    stream::{Dialect, Unread, saturating_u32},
};
use crate::{
    clock::Nanos,
    record::{Channel, Reply, TokenEvent, Usage},
};

/// Reads the choices of one answer.
#[derive(Debug)]
pub(in crate::backend) struct OpenAi {
    read: ReadChoice,
    /// There was usage in an event without choices, which only the last event of an answer has.
    closing_usage: bool,
    /// The running count of generated tokens at the last token event, if that event had one.
    running: Option<u64>,
    /// There were choices besides the first, whose tokens the server counts, too.
    several: bool,
}

impl OpenAi {
    pub(in crate::backend) fn new(read: ReadChoice) -> Self {
        OpenAi {
            read,
            closing_usage: false,
            running: Some(0),
            several: false,
        }
    }

    /// The server's counts. If they cover several choices, they are not the first one's.
    fn counted(&self, chunk: &Chunk<'_>) -> Option<Usage> {
        let counted = Usage::from(chunk.usage?);
        Some(if self.several {
            Usage {
                completion_tokens: None,
                reasoning_tokens: None,
                ..counted
            }
        } else {
            counted
        })
    }

    /// The growth of the running usage. Unknown unless the token event before had usage too: llama.cpp sends the
    /// total with the last event only.
    fn newly_counted(&self, running: Option<u64>) -> Option<u64> {
        Some(running?.saturating_sub(self.running?))
    }
}

impl Dialect for OpenAi {
    type Frames = SseDecoder;
    const LACKS: &'static str = "with neither a finish reason nor [DONE]";

    fn event(&mut self, at: Nanos, json: &str, reply: &mut Reply) -> Result<(), Unread> {
        let chunk: Chunk<'_> = serde_json::from_str(json)?;
        if chunk.error.as_ref().is_some_and(truthy) {
            return Err(Unread::Server);
        }
        self.several |= chunk.choices.others;
        let usage = self.counted(&chunk);
        if usage.is_some() {
            reply.usage = usage;
        }
        chunk.server_times(&mut reply.server_times);
        let Some(choice) = chunk.choices.first else {
            if chunk.choices.others {
                return Ok(());
            }
            self.closing_usage |= usage.is_some();
            return match usage {
                Some(_) => Ok(()),
                None => no_error_in(json),
            };
        };
        let piece = (self.read)(&choice);
        match choice.finish() {
            Some(finish) => reply.finish = Some(finish.into_owned()),
            // It was not the end, then.
            None if piece
                .channel
                .is_some_and(|channel| channel != Channel::Silent) =>
            {
                reply.finish = None;
            }
            None => {}
        }
        if let Some(channel) = piece.channel {
            let running = usage.and_then(|usage| usage.completion_tokens);
            // Usage that is followed by more neither closed the answer nor counted it whole.
            self.closing_usage = false;
            if usage.is_none() && channel != Channel::Silent {
                reply
                    .usage
                    .as_mut()
                    .map(|stale| stale.completion_tokens.take());
            }
            let tokens = choice.tokens().or_else(|| self.newly_counted(running));
            self.running = running;
            reply.push(TokenEvent {
                at,
                tokens: saturating_u32(tokens.unwrap_or(0)),
                channel,
            });
        }
        append(piece, reply);
        Ok(())
    }

    fn is_complete(&self, reply: &Reply) -> bool {
        reply.finish.is_some() || reply.done || self.closing_usage
    }

    fn whole(&mut self, json: &str, reply: &mut Reply) -> Result<(Channel, Option<u64>), Unread> {
        let chunk: Chunk<'_> = serde_json::from_str(json)?;
        if chunk.error.as_ref().is_some_and(truthy) {
            return Err(Unread::Server);
        }
        chunk.server_times(&mut reply.server_times);
        self.several = chunk.choices.others;
        reply.usage = self.counted(&chunk);
        let choice = chunk.choices.first.ok_or(Unread::Lacks("choices"))?;
        reply.finish = choice.finish().map(|finish| finish.into_owned());
        let piece = (self.read)(&choice);
        let channel = piece.channel.unwrap_or(Channel::Silent);
        append(piece, reply);
        Ok((channel, choice.tokens()))
    }
}

/// Appends a piece's texts to the reply.
fn append(piece: Piece<'_>, reply: &mut Reply) {
    if let Some(text) = piece.text {
        reply.text.push_str(&text);
    }
    if let Some(reasoning) = piece.reasoning {
        reply.reasoning.push_str(&reasoning);
    }
}

/// An event with neither choices nor usage may be an error in a form of its own; others, such as
/// pings, mean nothing.
fn no_error_in(json: &str) -> Result<(), Unread> {
    match json::value(json).as_ref().and_then(error_message) {
        Some(_) => Err(Unread::Server),
        None => Ok(()),
    }
}
