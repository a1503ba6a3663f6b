//! Errors of a bench: why there is no report, or why it did not pass.

use crate::{
    client::DialError,
    exit_code,
    judge::Verdict,
    plan::PlanError,
    problem::Problem,
    redact,
    report::{End, Failed},
    tokenizer::TokenizerError,
};
use std::fmt;

/// Why a bench has no report, or why its report did not pass.
///
/// The debug form is the display form, because a test prints the debug form of the error that it returns.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Settings are not valid; lists all of them.
    #[error("{}", list(.0))]
    Invalid(Vec<Problem>),
    /// The bench does not apply here, such as `target = "env:NAME"` without NAME.
    #[error("skipped: {}", redact::text(.0))]
    Skipped(String),
    /// The plan cannot be made: the dataset is unusable.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Tokens cannot be counted: the tokenizer is unusable.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The target cannot be started or does not answer.
    #[error("{}", redact::text(.0))]
    Target(String),
    /// The connection to the target failed.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The shards of a run did not start together: one is missing, different or was started again. Nothing was sent.
    #[error("{}", redact::text(.0))]
    Shards(String),
    /// The run was stopped before there was anything to report.
    #[error("{0}")]
    Ended(String),
    /// The system refused an operation.
    #[error("{}: {source}", redact::text(what))]
    Io {
        /// The operation.
        what: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// There is a report, and it did not pass: [`Report::ensure_passed`](crate::Report::ensure_passed).
    #[error(transparent)]
    Failed(#[from] Failed),
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error {
    /// The [exit code](crate::exit_code) of the `goodput` command: `UNUSABLE` for input, `INVALID` when the target could not
    /// be measured, its shards did not start together, or the run was stopped before it was, `PASS` for a skipped bench, the verdict's for a report that did not
    /// pass.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Invalid(_) | Error::Plan(_) | Error::Tokenizer(_) => exit_code::UNUSABLE,
            Error::Skipped(_) => exit_code::PASS,
            Error::Target(_)
            | Error::Dial(_)
            | Error::Shards(_)
            | Error::Ended(_)
            | Error::Io { .. } => exit_code::INVALID,
            Error::Failed(failed) => failed.verdict().exit_code().max(exit_code::FAIL),
        }
    }

    /// How a bench without a report ended. A skipped bench is ignored, unless live servers are required:
    /// then measuring nothing is invalid.
    pub(crate) fn end(&self, live_is_required: bool) -> End {
        // All output formats get this text.
        let text = redact::text(&self.to_string());
        match self {
            Error::Skipped(why) if !live_is_required => End::Ignored(redact::text(why)),
            Error::Skipped(_) => End::Broken(text, Verdict::Invalid.exit_code()),
            _ => End::Broken(text, self.exit_code()),
        }
    }

    /// `doing` says what the run did when it was stopped.
    pub(crate) fn ended(doing: &str) -> Self {
        Error::Ended(format!(
            "the run was stopped while it {doing}, before it measured anything"
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
