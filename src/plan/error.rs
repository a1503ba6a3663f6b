//! Why a plan could not be made.

use crate::{redact, tokenizer::TokenizerError};

/// Everything that keeps a plan from being made, a sentence each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .sentences.join("\n"))]
pub struct PlanError {
    sentences: Vec<String>,
}

impl PlanError {
    /// One sentence.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        PlanError {
            sentences: vec![redact::text(&sentence.into())],
        }
    }

    /// The same in other words.
    #[cfg(feature = "cli")]
    pub(crate) fn map(self, say: impl FnMut(String) -> String) -> Self {
        PlanError {
            sentences: self.sentences.into_iter().map(say).collect(),
        }
    }

    /// All of them, or nothing if there is none.
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

    /// What is wrong, and how to mend it.
    pub fn sentences(&self) -> &[String] {
        &self.sentences
    }
}

impl From<TokenizerError> for PlanError {
    fn from(error: TokenizerError) -> Self {
        PlanError::new(error.to_string())
    }
}
