//! Decoding of OpenAI-style answers that come in one piece, chat and completions alike.

use super::{
    Decode,
    chunk::{Chunk, ReadChoice, truthy},
    error_body::{error_body, excerpt},
    foreign::foreign,
    stream::{append, saturating_u32},
};
use crate::{
    clock::Nanos,
    record::{Channel, Reply, RequestError, TokenEvent, Usage},
};

/// The largest answer, in bytes.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// Decodes one answer that is not streamed: a single token event, at the time of the last byte,
/// with all the tokens.
#[derive(Debug)]
pub(super) struct WholeDecoder {
    read: ReadChoice,
    body: Vec<u8>,
    last_byte: Nanos,
}

impl WholeDecoder {
    pub(super) fn new(read: ReadChoice) -> Self {
        WholeDecoder {
            read,
            body: Vec::new(),
            last_byte: Nanos(0),
        }
    }

    /// The body is JSON of another kind, or no JSON.
    fn unreadable(&self, error: &serde_json::Error) -> RequestError {
        let start = self.body.trim_ascii_start();
        if !start.starts_with(b"{") {
            return foreign(&self.body, "a JSON object");
        }
        if error.is_eof() {
            return RequestError::Truncated {
                message: format!("inside a JSON object of {} bytes", self.body.len()),
            };
        }
        let excerpt = excerpt(start);
        RequestError::Malformed {
            message: format!("invalid JSON ({error}): {excerpt}"),
        }
    }
}

impl Decode for WholeDecoder {
    fn data(&mut self, at: Nanos, bytes: &[u8], _reply: &mut Reply) -> Result<(), RequestError> {
        if bytes.is_empty() {
            return Ok(());
        }
        if self.body.len() + bytes.len() > MAX_BODY {
            return Err(RequestError::Malformed {
                message: format!("an answer of more than {} MiB", MAX_BODY >> 20),
            });
        }
        self.body.extend_from_slice(bytes);
        self.last_byte = at;
        Ok(())
    }

    fn end(&mut self, _at: Nanos, reply: &mut Reply) -> Result<(), RequestError> {
        let chunk: Chunk<'_> =
            serde_json::from_slice(&self.body).map_err(|e| self.unreadable(&e))?;
        if chunk.error.as_ref().is_some_and(truthy) {
            return Err(RequestError::Server {
                message: error_body(&self.body),
            });
        }
        let Some(choice) = chunk.choices.0 else {
            return Err(foreign(&self.body, "an answer with choices"));
        };
        reply.done = true;
        reply.usage = chunk.usage.map(Usage::from);
        reply.finish = choice
            .finish()
            .map_err(|e| self.unreadable(&e))?
            .map(|finish| finish.into_owned());
        let piece = (self.read)(&choice).map_err(|e| self.unreadable(&e))?;
        let counted = reply
            .usage
            .and_then(|usage| usage.completion_tokens)
            .or_else(|| choice.tokens());
        // Nothing to see: an answer all the same if tokens were generated for it.
        let channel = match piece.channel.unwrap_or(Channel::Silent) {
            Channel::Silent if counted.is_none_or(|tokens| tokens == 0) => {
                return Err(RequestError::NoTokens);
            }
            channel => channel,
        };
        append(piece, reply);
        reply.events.push(TokenEvent {
            at: self.last_byte,
            tokens: saturating_u32(counted.unwrap_or(0)),
            channel,
        });
        Ok(())
    }
}
