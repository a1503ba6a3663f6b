//! The formats of files.

use crate::{
    report::{Outcome, action_json, bencher_json, markdown, prometheus_text},
    screen,
};
use serde_json::Value;

/// A format that outputs can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Junit,
    Markdown,
    Bencher,
    GithubSmaller,
    GithubBigger,
    Prometheus,
}

impl Format {
    const ALL: [Format; 6] = [
        Format::Junit,
        Format::Markdown,
        Format::Bencher,
        Format::GithubSmaller,
        Format::GithubBigger,
        Format::Prometheus,
    ];

    pub(super) fn named(name: &str) -> Option<Self> {
        Format::ALL.into_iter().find(|format| format.name() == name)
    }

    pub(crate) fn names() -> [&'static str; 6] {
        Format::ALL.map(Format::name)
    }

    fn name(self) -> &'static str {
        match self {
            Format::Junit => "junit",
            Format::Markdown => "markdown",
            Format::Bencher => "bencher",
            Format::GithubSmaller => "github-smaller",
            Format::GithubBigger => "github-bigger",
            Format::Prometheus => "prometheus",
        }
    }

    /// Why this build cannot write it.
    pub(super) fn missing(self) -> Option<&'static str> {
        (self == Format::Junit && cfg!(not(feature = "junit"))).then_some(
            "needs goodput's feature `junit`. Write `goodput = { version = \"0.1\", features = \
             [\"junit\"] }`",
        )
    }

    pub(super) fn render(self, outcomes: &[Outcome]) -> Result<String, String> {
        let text = match self {
            Format::Junit => junit(outcomes)?,
            Format::Markdown => markdown(outcomes),
            Format::Bencher => json(&bencher_json(outcomes)),
            Format::GithubSmaller => json(&action_json(outcomes, false)),
            Format::GithubBigger => json(&action_json(outcomes, true)),
            Format::Prometheus => prometheus_text(outcomes),
        };
        // Whoever shows the file shows names and what servers say.
        let acts = |c: char| screen::acts(c) && !matches!(c, '\n' | '\t');
        Ok(text.replace(acts, "\u{fffd}"))
    }
}

fn json(value: &Value) -> String {
    format!("{value:#}\n")
}

#[cfg(feature = "junit")]
fn junit(outcomes: &[Outcome]) -> Result<String, String> {
    crate::report::junit_xml(outcomes).map_err(|e| e.to_string())
}

#[cfg(not(feature = "junit"))]
fn junit(_: &[Outcome]) -> Result<String, String> {
    Err(Format::Junit.missing().unwrap_or_default().to_owned())
}
