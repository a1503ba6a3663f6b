//! Content of an answer, without its framing.

use super::chunks::Chunks;
use crate::record::RequestError;
use ureq_proto::BodyMode;

/// Rest of an answer.
#[derive(Debug)]
pub(super) struct Content {
    framing: Framing,
    /// Whether the connection may carry another request afterwards.
    keeps: bool,
}

/// How the end is marked.
#[derive(Debug)]
enum Framing {
    /// Number of bytes that remain.
    Length(u64),
    Chunks(Chunks),
    UntilClose,
    /// The end came.
    Over,
}

impl Content {
    /// Content of an answer with such a body. `keeps`: the connection stays open afterwards.
    pub(super) fn new(mode: BodyMode, keeps: bool) -> Self {
        let framing = match mode {
            BodyMode::NoBody | BodyMode::LengthDelimited(0) => Framing::Over,
            BodyMode::LengthDelimited(length) => Framing::Length(length),
            BodyMode::Chunked => Framing::Chunks(Chunks::default()),
            BodyMode::CloseDelimited => Framing::UntilClose,
        };
        Content {
            keeps: keeps && !matches!(framing, Framing::UntilClose),
            framing,
        }
    }

    /// Content of an answer that has not begun.
    pub(super) fn none() -> Self {
        Content {
            framing: Framing::Over,
            keeps: false,
        }
    }

    /// Whether the end came.
    pub(super) fn is_ended(&self) -> bool {
        matches!(self.framing, Framing::Over)
    }

    /// Whether the connection may carry another request after the end.
    pub(super) fn keeps_connection(&self) -> bool {
        self.keeps
    }

    /// Passes the content among these bytes to the callback, and returns how many bytes belong to it.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        mut show: impl FnMut(&[u8]) -> Result<(), RequestError>,
    ) -> (usize, Result<(), RequestError>) {
        match &mut self.framing {
            Framing::Over => (0, Ok(())),
            Framing::UntilClose => (bytes.len(), show(bytes)),
            Framing::Length(left) => {
                let length = usize::try_from(*left).unwrap_or(usize::MAX);
                let length = length.min(bytes.len());
                *left -= length as u64;
                if *left == 0 {
                    self.framing = Framing::Over;
                }
                (length, show(&bytes[..length]))
            }
            Framing::Chunks(chunks) => {
                let taken = chunks.take(bytes, show);
                if chunks.is_over() {
                    self.framing = Framing::Over;
                }
                taken
            }
        }
    }

    /// Handles the end of the connection.
    ///
    /// # Errors
    /// The content is incomplete. Only the trailers behind the last chunk may be missing.
    pub(super) fn close(&mut self) -> Result<(), RequestError> {
        self.keeps = false;
        let complete = match &self.framing {
            Framing::Over | Framing::UntilClose => true,
            Framing::Length(_) => false,
            Framing::Chunks(chunks) => chunks.had_last_chunk(),
        };
        if complete {
            self.framing = Framing::Over;
            return Ok(());
        }
        Err(RequestError::Truncated {
            message: "the connection was closed before the answer was complete".into(),
        })
    }
}
