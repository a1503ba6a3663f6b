//! Errors of plans.

use crate::{redact, tokenizer::TokenizerError};

/// Why a plan cannot be made: all reasons, one sentence each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .sentences.join("\n"))]
pub struct PlanError {
    sentences: Vec<String>,
}

impl PlanError {
    /// An error with one sentence.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        PlanError {
            sentences: vec![redact::text(&sentence.into())],
        }
    }

    /// Rewords each sentence.
    #[cfg(feature = "cli")]
    pub(crate) fn map(self, say: impl FnMut(String) -> String) -> Self {
        PlanError {
            sentences: self.sentences.into_iter().map(say).collect(),
        }
    }

    /// An error with all sentences, if there are any.
    pub(crate) fn check(sentences: Vec<String>) -> Result<(), PlanError> {
        if sentences.is_empty() {
            Ok(())
        } else {
            let sentences = sentences.iter().map(|sentence| redact::text(sentence));
            Err(PlanError {
                sentences: sentences.collect(),
            })
        }
    }

    /// Each sentence says what is wrong and how to fix it.
    pub fn sentences(&self) -> &[String] {
        &self.sentences
    }
}

impl From<TokenizerError> for PlanError {
    fn from(error: TokenizerError) -> Self {
        PlanError::new(error.to_string())
    }
}
