//! The content of an answer, taken out of its framing.

use super::chunks::Chunks;
use crate::record::RequestError;
use ureq_proto::BodyMode;

/// What is still to come of an answer.
#[derive(Debug)]
pub(super) struct Content {
    framing: Framing,
    /// The connection may carry another request afterwards.
    keeps: bool,
}

/// How its end is marked.
#[derive(Debug)]
enum Framing {
    /// So many bytes are left.
    Length(u64),
    Chunks(Chunks),
    UntilClose,
    /// All of it came.
    Over,
}

impl Content {
    /// Of an answer with such a body. `keeps` says whether the connection is kept afterwards.
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

    /// Of an answer that has not begun.
    pub(super) fn none() -> Self {
        Content {
            framing: Framing::Over,
            keeps: false,
        }
    }

    /// Whether all of it came.
    pub(super) fn is_ended(&self) -> bool {
        matches!(self.framing, Framing::Over)
    }

    /// Whether the connection may carry another request once all of it came.
    pub(super) fn keeps_connection(&self) -> bool {
        self.keeps
    }

    /// Shows what these bytes hold of the content, and says how many of them belong to it.
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

    /// The connection has ended.
    ///
    /// # Errors
    /// There should have been more. What may be missing are the trailers behind the last chunk.
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
