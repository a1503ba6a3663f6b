//! The models that a server lists.

use super::{
    inspector::Inspector,
    question::{MODELS, Question, Unanswered},
};
use reqwest::{StatusCode, header::HeaderMap};
use serde::Deserialize;
use std::time::Duration;

/// Bytes of a list: gateways list thousands of models.
const LONGEST_LIST: usize = 16 << 20;

/// The first model of `/v1/models`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Model {
    /// Its name on the wire.
    pub(crate) id: String,
    /// What it was loaded from; vLLM gives it, and a tokenizer may stand there.
    #[serde(default)]
    pub(crate) root: Option<String>,
}

#[derive(Deserialize)]
struct Models {
    data: Vec<Model>,
}

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unlisted {
    /// Nobody takes the connection.
    #[error("cannot connect to {address}: {why}")]
    Unreachable {
        /// The base URL.
        address: String,
        /// What the system said.
        why: String,
        /// It is no matter of time, such as a certificate.
        for_good: bool,
    },
    /// It was asked, and there was no answer.
    #[error("{0}")]
    Silent(String),
    /// An answer without success.
    #[error("{url} answers {status}")]
    Refused {
        /// What was asked.
        url: String,
        /// The answer's status.
        status: StatusCode,
    },
    /// An answer that names no model.
    #[error("{0}")]
    Nameless(String),
}

impl Inspector {
    /// The first model that the server lists, asked for up to this long.
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
        let never = || Unlisted::Silent(format!("{}{MODELS} was not asked", self.api));
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
