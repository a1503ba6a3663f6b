//! Decoding of answers that come in one piece, whatever the dialect.

use super::{
    error_body::{error_body, excerpt},
    foreign::foreign,
    json::mended,
    stream::{Dialect, Unread, saturating_u32},
};
use crate::{
    backend::Decode,
    clock::Nanos,
    record::{Channel, Reply, RequestError, TokenEvent},
};

/// The largest answer, in bytes.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// Reads a complete body.
pub(in crate::backend) trait ReadWhole: Send {
    /// Reads a complete body; its last byte arrived at `at`.
    fn read(&mut self, at: Nanos, json: &str, reply: &mut Reply) -> Result<(), Unread>;
}

/// Generated text: a single token event, at the time of the last byte, with all the tokens.
#[derive(Debug)]
pub(in crate::backend) struct Generated<D>(pub(in crate::backend) D);

impl<D: Dialect> ReadWhole for Generated<D> {
    fn read(&mut self, at: Nanos, json: &str, reply: &mut Reply) -> Result<(), Unread> {
        let (channel, tokens) = self.0.whole(json, reply)?;
        let counted = reply
            .usage
            .and_then(|usage| usage.completion_tokens)
            .or(tokens);
        // An answer without text counts if tokens were generated for it.
        if channel == Channel::Silent && counted.is_none_or(|tokens| tokens == 0) {
            return Err(Unread::NoTokens);
        }
        reply.done = true;
        reply.push(TokenEvent {
            at,
            tokens: saturating_u32(counted.unwrap_or(0)),
            channel,
        });
        Ok(())
    }
}

/// Decodes one answer that is not streamed.
#[derive(Debug)]
pub(in crate::backend) struct WholeDecoder<R> {
    reader: R,
    body: Vec<u8>,
    last_byte: Nanos,
}

impl<R> WholeDecoder<R> {
    pub(in crate::backend) fn new(reader: R) -> Self {
        WholeDecoder {
            reader,
            body: Vec::new(),
            last_byte: Nanos(0),
        }
    }

    /// The error of a body that is JSON of another kind, or not JSON.
    fn unreadable(&self, error: &serde_json::Error) -> RequestError {
        let start = self.body.strip_prefix(b"\xEF\xBB\xBF");
        let start = start.unwrap_or(&self.body).trim_ascii_start();
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

impl<R: ReadWhole> Decode for WholeDecoder<R> {
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

    fn held(&self) -> usize {
        self.body.len()
    }

    fn end(&mut self, _at: Nanos, reply: &mut Reply) -> Result<(), RequestError> {
        let text = String::from_utf8_lossy(&self.body);
        let json = text.trim_start_matches('\u{feff}').trim();
        let read = match self.reader.read(self.last_byte, json, reply) {
            Err(Unread::Json(error)) => match mended(json) {
                Some(json) => self.reader.read(self.last_byte, &json, reply),
                None => Err(Unread::Json(error)),
            },
            read => read,
        };
        read.map_err(|why| match why {
            Unread::NoTokens => RequestError::NoTokens,
            Unread::Server => RequestError::Server {
                message: error_body(&self.body),
            },
            Unread::Json(error) => self.unreadable(&error),
            Unread::Lacks(what) => foreign(&self.body, &format!("an answer with {what}")),
        })
    }
}
