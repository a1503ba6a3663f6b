//! What can go wrong before there is a report, and with it.

use crate::{
    client::DialError,
    judge::Verdict,
    plan::PlanError,
    problem::Problem,
    redact,
    report::{End, Failed},
    tokenizer::TokenizerError,
};
use std::fmt;

/// Why there is no report, or why it did not pass.
///
/// Its debug form is its text, as that is what a test prints that returns it.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Settings that cannot be used, all of them at once.
    #[error("{}", list(.0))]
    Invalid(Vec<Problem>),
    /// The bench does not apply here, such as `target = "env:NAME"` without NAME.
    #[error("skipped: {}", redact::text(.0))]
    Skipped(String),
    /// No plan can be made: a dataset is unusable.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// No tokens can be counted: the tokenizer is unusable.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The target cannot be started or does not answer.
    #[error("{}", redact::text(.0))]
    Target(String),
    /// The target cannot be connected to.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The run was ended from outside before there was anything to report.
    #[error("{0}")]
    Ended(String),
    /// The system refused something.
    #[error("{}: {source}", redact::text(what))]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is a report, and something speaks against it:
    /// [`Report::ensure_passed`](crate::Report::ensure_passed).
    #[error(transparent)]
    Failed(#[from] Failed),
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error {
    /// The exit code of the `goodput` command: 2 for unusable input, 4 when the target could not
    /// be measured or the run was ended before it was, 0 for a skipped bench, the verdict's for a report
    /// that did not pass.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Invalid(_) | Error::Plan(_) | Error::Tokenizer(_) => 2,
            Error::Skipped(_) => 0,
            Error::Target(_) | Error::Dial(_) | Error::Ended(_) | Error::Io { .. } => 4,
            Error::Failed(failed) => failed.verdict().exit_code().max(1),
        }
    }

    /// How a bench ended that has no report. One that does not apply here is ignored, unless live
    /// servers are required: then measuring nothing is invalid.
    pub(crate) fn end(&self, live_is_required: bool) -> End {
        // Files of all formats get it.
        let text = redact::text(&self.to_string());
        match self {
            Error::Skipped(why) if !live_is_required => End::Ignored(redact::text(why)),
            Error::Skipped(_) => End::Broken(text, Verdict::Invalid.exit_code()),
            _ => End::Broken(text, self.exit_code()),
        }
    }

    /// `doing`: what it was ended while.
    pub(crate) fn ended(doing: &str) -> Self {
        Error::Ended(format!(
            "the run was ended while it {doing}, before anything was measured"
        ))
    }

    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Error::Io { what, source }
    }
}

fn list(problems: &[Problem]) -> String {
    match problems {
        [one] => one.to_string(),
        many => {
            let lines: Vec<String> = many.iter().map(|p| format!("  {p}")).collect();
            format!(
                "{} settings cannot be used:\n{}",
                many.len(),
                lines.join("\n")
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `cargo test` prints of a test that returns it.
    #[test]
    fn the_debug_form_is_the_text() {
        let problems = ["rate", "slo"].map(|field| Problem::new(field, "-1", "must be above 0"));
        let error = Error::Invalid(problems.into());
        assert_eq!(
            format!("Error: {error:?}"),
            "Error: 2 settings cannot be used:\n  rate = -1: must be above 0\n  slo = -1: must be above 0"
        );
    }
}
