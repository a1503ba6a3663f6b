//! Errors of tokenizers.

use crate::redact;

/// Why a tokenizer cannot be loaded, or a text cannot be encoded or decoded: one sentence with the fix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TokenizerError(String);

impl TokenizerError {
    pub(super) fn new(sentence: impl Into<String>) -> Self {
        TokenizerError(redact::text(&sentence.into()))
    }
}
