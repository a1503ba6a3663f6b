//! The verdict of a run.

use crate::exit_code;
use goodput_grammar::{Mistake, names::ON_INCONCLUSIVE};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The answer of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything that was demanded holds.
    Pass,
    /// Nothing was demanded, or nothing is stored yet to compare with: nothing speaks against the run, and nothing
    /// was proven either.
    NoVerdict,
    /// Something that was demanded does not hold.
    Fail,
    /// Too little evidence to say either.
    Inconclusive,
    /// The client or the plan was not delivered, so the run says nothing about the server.
    Invalid,
}

impl Verdict {
    /// The [exit code](crate::exit_code) of a command with this verdict.
    pub fn exit_code(self) -> u8 {
        match self {
            Verdict::Pass | Verdict::NoVerdict => exit_code::PASS,
            Verdict::Fail => exit_code::FAIL,
            Verdict::Inconclusive => exit_code::INCONCLUSIVE,
            Verdict::Invalid => exit_code::INVALID,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Verdict::Pass => "pass",
            Verdict::NoVerdict => "no verdict",
            Verdict::Fail => "fail",
            Verdict::Inconclusive => "inconclusive",
            Verdict::Invalid => "invalid",
        })
    }
}

/// What to do with an inconclusive run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnInconclusive {
    /// The verdict is [`Verdict::Inconclusive`], which a test does not pass. The default of the command, which has an
    /// exit code for it.
    #[default]
    Fail,
    /// The run passes.
    Pass,
    /// The run passes, with a note. The default of tests and benches.
    Warn,
}

impl OnInconclusive {
    /// Reads `fail`, `pass` or `warn`.
    ///
    /// # Errors
    /// The text is any other word.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        match text {
            "fail" => Ok(OnInconclusive::Fail),
            "pass" => Ok(OnInconclusive::Pass),
            "warn" => Ok(OnInconclusive::Warn),
            _ => Err(Mistake::unknown("answer", text, ON_INCONCLUSIVE)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Verdict::Pass, 0)]
    #[case(Verdict::NoVerdict, 0)]
    #[case(Verdict::Fail, 1)]
    #[case(Verdict::Inconclusive, 3)]
    #[case(Verdict::Invalid, 4)]
    fn exit_codes(#[case] verdict: Verdict, #[case] code: u8) {
        assert_eq!(verdict.exit_code(), code);
    }
}
