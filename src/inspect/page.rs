//! Reads `/metrics`, the page with a server's counts.

use super::{
    inspector::Inspector,
    question::{Answer, Question},
};
use reqwest::header::HeaderMap;
use std::time::Duration;

/// `/metrics` is optional: a slow server gets no more time.
const METRICS_TIMEOUT: Duration = Duration::from_secs(1);

/// Limit for the size of the page, in bytes: many engines and adapters make a few hundred thousand.
const LONGEST_PAGE: usize = 8 << 20;

impl Inspector {
    /// Text of `/metrics`; `None` if the server does not answer quickly, or the answer is not a text of
    /// normal size.
    ///
    /// `again` keeps the connection open for the next time; without it no connection of the inspector stays
    /// open during the run. May be called inside another runtime, which then blocks.
    pub(crate) fn metrics_page(&self, headers: &HeaderMap, again: bool) -> Option<String> {
        let question = Question {
            most: LONGEST_PAGE,
            within: METRICS_TIMEOUT,
            again,
            ..Question::get("/metrics", headers)
        };
        let answer = self
            .wait("/metrics", async || self.ask(&question).await)?
            .ok()?;
        is_text(&answer).then(|| String::from_utf8_lossy(&answer.body).into_owned())
    }
}

fn is_text(answer: &Answer) -> bool {
    let media = answer.media.as_deref().unwrap_or_default();
    ["text/plain", "application/openmetrics-text"]
        .iter()
        .any(|text| media.starts_with(text))
}
