//! The page on which a server tells what it counts.

use super::Inspector;
use reqwest::header::{CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue};
use std::time::Duration;

/// `/metrics` is a courtesy: a server that is slow to give it is not waited for.
const METRICS_TIMEOUT: Duration = Duration::from_secs(1);

impl Inspector {
    /// The text of `/metrics`; `None` if the server does not give it at once, or it is no text.
    ///
    /// `again` keeps the connection open for the next time. May be called inside of another runtime, which
    /// waits.
    pub(crate) fn metrics_page(&self, headers: &HeaderMap, again: bool) -> Option<String> {
        self.wait("/metrics", async || {
            let request = self.client.get(format!("{}/metrics", self.base));
            let request = request.headers(headers.clone()).timeout(METRICS_TIMEOUT);
            let request = match again {
                true => request,
                // Nothing of ours stays open during the run.
                false => request.header(CONNECTION, "close"),
            };
            let response = request.send().await.ok()?.error_for_status().ok()?;
            let is_text = |kind: &HeaderValue| {
                let kind = kind.to_str().unwrap_or_default();
                ["text/plain", "application/openmetrics-text"]
                    .iter()
                    .any(|text| kind.starts_with(text))
            };
            match response.headers().get(CONTENT_TYPE) {
                Some(kind) if is_text(kind) => response.text().await.ok(),
                _ => None,
            }
        })
        .flatten()
    }
}
