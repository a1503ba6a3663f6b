//! The models that a server lists.

use super::{
    inspector::Inspector,
    question::{MODELS, Question, Unanswered},
};
use reqwest::{StatusCode, header::HeaderMap};
use serde::Deserialize;
use std::time::Duration;

/// Limit for the size of a list, in bytes: gateways list thousands of models.
const LONGEST_LIST: usize = 16 << 20;

/// The first model of `/v1/models`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Model {
    /// Model name on the wire.
    pub(crate) id: String,
    /// What the model was loaded from, in vLLM; it may contain a tokenizer.
    #[serde(default)]
    pub(crate) root: Option<String>,
}

#[derive(Deserialize)]
struct Models {
    data: Vec<Model>,
}

/// Why no model is known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unlisted {
    /// The server does not accept connections.
    #[error("cannot connect to {address}: {why}")]
    Unreachable {
        /// The base URL.
        address: String,
        /// Error of the system.
        why: String,
        /// Whether waiting cannot help, as with a certificate.
        for_good: bool,
    },
    /// The server did not answer.
    #[error("{0}")]
    Silent(String),
    /// The answer was not a success.
    #[error("{url} answers {status}")]
    Refused {
        /// Address of the question.
        url: String,
        /// Status of the answer.
        status: StatusCode,
    },
    /// The answer names no model.
    #[error("{0}")]
    Nameless(String),
}

impl Inspector {
    /// Returns the first model that the server lists, within this time.
    pub(crate) fn first_model(
        &self,
        headers: HeaderMap,
        within: Duration,
    ) -> Result<Model, Unlisted> {
        let question = Question {
            most: LONGEST_LIST,
            within,
            ..Question::get(MODELS, &headers)
        };
        let ask = async {
            let answer = self.ask_at(&self.api, &question).await?;
            let models: Models = answer.json()?;
            let first = models.data.into_iter().next();
            let nameless = || Unlisted::Nameless(format!("{}{MODELS} lists no model", self.api));
            first.ok_or_else(nameless)
        };
        let never = || {
            Unlisted::Silent(format!(
                "the run ended before it asked {}{MODELS}",
                self.api
            ))
        };
        self.block_on(MODELS, ask).unwrap_or_else(|| Err(never()))
    }
}

impl From<Unanswered> for Unlisted {
    fn from(why: Unanswered) -> Self {
        match why {
            Unanswered::Unreachable {
                place,
                why,
                for_good,
            } => Unlisted::Unreachable {
                address: place,
                why,
                for_good,
            },
            Unanswered::Status { url, status } => Unlisted::Refused { url, status },
            Unanswered::Broken { .. } | Unanswered::Silent { .. } => {
                Unlisted::Silent(why.to_string())
            }
            Unanswered::Elsewhere { .. }
            | Unanswered::TooLong { .. }
            | Unanswered::Unreadable { .. } => Unlisted::Nameless(why.to_string()),
        }
    }
}
