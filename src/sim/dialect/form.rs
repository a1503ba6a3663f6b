//! How the answers of a dialect are worded.

use super::{facts::Facts, openai, template::Template};
use bytes::Bytes;
use serde_json::Value;
use std::fmt;

/// Media type of an event stream.
pub(crate) const EVENT_STREAM: &str = "text/event-stream; charset=utf-8";

/// The words of one dialect for one answer.
pub(crate) trait Form: fmt::Debug + Send + Sync {
    /// Media type of the stream.
    fn media(&self) -> &'static str {
        EVENT_STREAM
    }

    /// Returns whether tokens that are ready at once have events of their own. vLLM and SGLang put them into one.
    fn is_one_by_one(&self) -> bool {
        false
    }

    /// The key of the text in an answer in one piece.
    fn text_key(&self) -> &'static str;

    /// The events before the first token.
    fn opening(&self, facts: &mut Facts) -> Vec<Bytes> {
        let _ = facts;
        Vec::new()
    }

    /// The event of tokens; `last` is true if they include the answer's last token.
    fn token(&self, facts: &Facts, last: bool) -> Template;

    /// The events after the last of this number of tokens: usage, and the mark of the end.
    fn closing(&self, facts: &mut Facts, generated: u64) -> Vec<Bytes>;

    /// An event with a role and no text.
    fn role(&self, facts: &Facts) -> Option<Bytes> {
        let _ = facts;
        None
    }

    /// An event with usage and no text.
    fn usage(&self, facts: &mut Facts, generated: u64) -> Option<Bytes> {
        let _ = (facts, generated);
        None
    }

    /// The events of an error that ends a stream.
    fn error(&self, facts: &mut Facts, message: &str) -> Vec<Bytes>;

    /// The answer in one piece, with this number of tokens.
    fn whole(&self, facts: &Facts, generated: u64) -> Value;

    /// The body that replaces it when something breaks.
    fn error_body(&self, message: &str) -> Value {
        openai::error(message)
    }
}
