//! How answers are read, whatever the dialect: framing, errors, ends.

mod chunk;
mod error_body;
mod foreign;
mod json;
mod lines;
mod openai;
mod pooled;
pub mod sse;
mod stream;
mod usage;
mod whole;

pub use error_body::error_body;
pub(super) use {
    chunk::{Choice, Piece, is_first, length, truthy},
    json::{count, elements, flag, lenient, name, string, word},
    lines::Lines,
    openai::OpenAi,
    sse::SseDecoder,
    stream::{Dialect, Unread, error_in, push, seen},
};

use super::Decode;
use pooled::Pooled;
use stream::StreamDecoder;
use whole::{Generated, WholeDecoder};

/// The decoder of an answer of generated tokens.
pub(super) fn decoder<D: Dialect + 'static>(dialect: D, stream: bool) -> Box<dyn Decode> {
    if stream {
        Box::new(StreamDecoder::new(dialect))
    } else {
        whole(dialect)
    }
}

/// The decoder of an answer of generated tokens that comes in one piece.
pub(super) fn whole<D: Dialect + 'static>(dialect: D) -> Box<dyn Decode> {
    Box::new(WholeDecoder::new(Generated(dialect)))
}

/// The decoder of an answer without tokens.
pub(super) fn pooled() -> Box<dyn Decode> {
    Box::new(WholeDecoder::new(Pooled))
}
