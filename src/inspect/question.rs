//! A question to a server, and what may come of it.

use bytes::Bytes;
use reqwest::{StatusCode, header::HeaderMap};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

/// Most questions are answered at once; a server that accepts and is silent is not waited for much longer.
const SOON: Duration = Duration::from_secs(5);

/// Bytes of a short answer.
const SHORT: usize = 1 << 20;

/// The list of models, below the address of the API.
pub(super) const MODELS: &str = "/models";

/// What is asked.
pub(super) struct Question<'a> {
    pub(super) path: &'a str,
    pub(super) how: How<'a>,
    pub(super) headers: &'a HeaderMap,
    /// Bytes of the answer that are read at most.
    pub(super) most: usize,
    /// From the first byte of the question to the last of the answer.
    pub(super) within: Duration,
    /// Keeps the connection for the next question.
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

/// How something is asked for.
pub(super) enum How<'a> {
    Get,
    /// Without a body.
    Post,
    Json(&'a Value),
}

/// An answer of status 2xx.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) url: String,
    pub(super) media: Option<String>,
    pub(super) body: Bytes,
}

/// Why there is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unanswered {
    #[error("cannot connect to {place}: {why}")]
    Unreachable {
        place: String,
        why: String,
        /// It will be the same the next time, as with a certificate.
        for_good: bool,
    },
    #[error("{url} does not answer: {why}")]
    Broken { url: String, why: String },
    #[error("{url} did not answer within {:.1} s", .within.as_secs_f64())]
    Silent { url: String, within: Duration },
    #[error("{url} answers {status}")]
    Status { url: String, status: StatusCode },
    /// Keys must not go where nobody has sent them.
    #[error(
        "{url} answers {status} and sends to {to}. goodput follows no redirects, so that keys stay with \
         the server that was named; name that address if it is the right one"
    )]
    Elsewhere {
        url: String,
        status: StatusCode,
        to: String,
    },
    #[error("{url} answers with more than {most} bytes, which are not read")]
    TooLong { url: String, most: usize },
    #[error("{url} answers with something else than expected: {why}")]
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
