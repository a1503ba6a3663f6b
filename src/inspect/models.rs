//! The models that a server lists.

use super::{Inspector, root_cause};
use reqwest::{StatusCode, header::HeaderMap};
use serde::Deserialize;
use std::{error::Error, io, time::Duration};

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
        limit: Duration,
    ) -> Result<Model, Unlisted> {
        const PATH: &str = "/v1/models";
        let url = format!("{}{PATH}", self.base);
        let failed = |e: reqwest::Error| match e.is_connect() {
            true => Unlisted::Unreachable {
                address: self.base.clone(),
                why: root_cause(&e),
                for_good: is_for_good(&e),
            },
            false => Unlisted::Silent(format!("{url} does not answer: {}", root_cause(&e))),
        };
        let ask = async {
            let request = self.client.get(&url).headers(headers).timeout(limit);
            let response = request.send().await.map_err(failed)?;
            let status = response.status();
            if !status.is_success() {
                let url = url.clone();
                return Err(Unlisted::Refused { url, status });
            }
            let models: Models = response.json().await.map_err(|e| {
                Unlisted::Nameless(format!("{url} does not list models: {}", root_cause(&e)))
            })?;
            let first = models.data.into_iter().next();
            first.ok_or_else(|| Unlisted::Nameless(format!("{url} lists no model")))
        };
        self.block_on(PATH, ask)
            .unwrap_or_else(|| Err(Unlisted::Silent(format!("{url} was not asked"))))
    }
}

/// Whether a connection failed by what rustls saw, which will be the same the next time.
fn is_for_good(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let system = error.downcast_ref::<io::Error>();
        if system.is_some_and(|error| error.kind() == io::ErrorKind::InvalidData) {
            return true;
        }
        cause = error.source();
    }
    false
}
