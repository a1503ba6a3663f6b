//! Everything that asks a server something outside the measured path, by reqwest.

use crate::target::Endpoint;
use serde::Deserialize;
use std::time::Duration;

/// Asks a server about itself.
pub(crate) struct Inspector {
    base: String,
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

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
    pub(crate) fn new(endpoint: &Endpoint, insecure: bool) -> Result<Self, String> {
        let builder = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(30));
        #[cfg(feature = "tls")]
        let builder = {
            // Fails only when a provider is installed already, which is as good.
            let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
            builder.tls_danger_accept_invalid_certs(insecure)
        };
        #[cfg(not(feature = "tls"))]
        let _ = insecure;
        let (base, builder) = match endpoint {
            Endpoint::Url(origin) => (origin.base(), builder),
            #[cfg(unix)]
            Endpoint::Unix(path) => (
                "http://localhost".to_owned(),
                builder.unix_socket(path.clone()),
            ),
            #[cfg(not(unix))]
            Endpoint::Unix(_) => return Err("unix sockets are not available here".to_owned()),
        };
        Ok(Inspector {
            base,
            client: builder.build().map_err(|e| e.to_string())?,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|e| e.to_string())?,
        })
    }

    /// Whether a path answers with a success status.
    pub(crate) fn answers_ok(&self, path: &str) -> bool {
        let url = format!("{}{path}", self.base);
        // In an async block: reqwest wants a runtime around it from the start.
        let answer = self
            .runtime
            .block_on(async { self.client.get(url).send().await });
        answer.is_ok_and(|response| response.status().is_success())
    }

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

/// reqwest says what it was doing first; the reason stands at the end of the chain.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
