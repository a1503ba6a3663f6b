//! The page on which a server tells what it counts.

use super::{
    inspector::Inspector,
    question::{Answer, Question},
};
use reqwest::header::HeaderMap;
use std::time::Duration;

/// `/metrics` is a courtesy: a server that is slow to give it is not waited for.
const METRICS_TIMEOUT: Duration = Duration::from_secs(1);

/// Bytes of a page: one of many engines and adapters has a few hundred thousand.
const LONGEST_PAGE: usize = 8 << 20;

impl Inspector {
    /// The text of `/metrics`; `None` if the server does not give it at once, or it is not a text of a usual
    /// size.
    ///
    /// `again` keeps the connection open for the next time; without it nothing of ours stays open during the
    /// run. May be called inside of another runtime, which waits.
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
