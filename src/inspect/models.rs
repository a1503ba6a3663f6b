//! The models that a server lists.

use super::{Inspector, root_cause};
use serde::Deserialize;

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

impl Inspector {
    /// The first model that the server lists.
    pub(crate) fn first_model(&self, headers: reqwest::header::HeaderMap) -> Result<Model, String> {
        let url = format!("{}/v1/models", self.base);
        let ask = async {
            let response = self
                .client
                .get(&url)
                .headers(headers)
                .send()
                .await
                .map_err(|e| format!("{url} does not answer: {}", root_cause(&e)))?;
            let status = response.status();
            if !status.is_success() {
                return Err(format!("{url} answers {status}"));
            }
            let models: Models = response
                .json()
                .await
                .map_err(|e| format!("{url} does not list models: {}", root_cause(&e)))?;
            models
                .data
                .into_iter()
                .next()
                .ok_or_else(|| format!("{url} lists no model"))
        };
        self.runtime.block_on(ask)
    }
}
