//! Questions to a server, and their possible outcomes.

use bytes::Bytes;
use reqwest::{StatusCode, header::HeaderMap};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

/// Most answers come at once; a server that accepts and is silent gets little more time.
const SOON: Duration = Duration::from_secs(5);

/// Limit for a short answer, in bytes.
const SHORT: usize = 1 << 20;

/// Path of the list of models, below the address of the API.
pub(super) const MODELS: &str = "/models";

/// A question.
pub(super) struct Question<'a> {
    pub(super) path: &'a str,
    pub(super) how: How<'a>,
    pub(super) headers: &'a HeaderMap,
    /// Limit for the answer, in bytes.
    pub(super) most: usize,
    /// Time limit from the first byte of the question to the last of the answer.
    pub(super) within: Duration,
    /// Whether to keep the connection for the next question.
    pub(super) again: bool,
}

impl<'a> Question<'a> {
    /// A short question with a short answer.
    pub(super) fn get(path: &'a str, headers: &'a HeaderMap) -> Self {
        Question {
            path,
            how: How::Get,
            headers,
            most: SHORT,
            within: SOON,
            again: false,
        }
    }
}

/// Method of a question.
pub(super) enum How<'a> {
    Get,
    /// Without a body.
    Post,
    Json(&'a Value),
}

/// An answer with status 2xx.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) url: String,
    pub(super) media: Option<String>,
    pub(super) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unanswered {
    #[error("cannot connect to {place}: {why}")]
    Unreachable {
        place: String,
        why: String,
        /// Whether it will be the same next time, as with a certificate.
        for_good: bool,
    },
    #[error("{url} does not answer: {why}")]
    Broken { url: String, why: String },
    #[error("{url} did not answer within {:.1} s", .within.as_secs_f64())]
    Silent { url: String, within: Duration },
    #[error("{url} answers {status}")]
    Status { url: String, status: StatusCode },
    /// Keys must go only to the named server.
    #[error(
        "{url} answers {status} and redirects to {to}. goodput follows no redirects, so that keys go to \
         the named server only; name the other address if it is right"
    )]
    Elsewhere {
        url: String,
        status: StatusCode,
        to: String,
    },
    #[error("{url} answers with more than {most} bytes, the most that goodput reads")]
    TooLong { url: String, most: usize },
    #[error("{url} gives an unexpected answer: {why}")]
    Unreadable { url: String, why: String },
}

impl Answer {
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Unanswered> {
        serde_json::from_slice(&self.body).map_err(|e| Unanswered::Unreadable {
            url: self.url.clone(),
            why: e.to_string(),
        })
    }
}
