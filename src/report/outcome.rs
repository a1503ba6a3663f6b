//! The outcome of a bench, as outputs for other tools need it. Small: it does not hold the records, so that a suite
//! of long runs does not stay in memory.

use super::{Caveat, Lineup, Measure, Report, caveats, extra::extra};
use crate::{
    exit_code::{self, worst},
    judge::{Capacity, Comparison, SloResult, Verdict},
    metrics::Counts,
    run::Setup,
    stats::compare::Conclusion,
};
use serde_json::Value;
use std::time::Duration;

/// The outcome of one bench.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The group of the bench: the test binary, the suite file or the command.
    pub group: String,
    /// The bench's name in its group.
    pub name: String,
    /// Real time from its start to its end; a simulation's load takes longer than that.
    pub took: Duration,
    /// How it ended.
    pub end: End,
    /// The numbers and the verdict, if there is a report.
    pub measured: Option<Measured>,
    /// The numbers of all engines next to each other, after the last engine of a bench.
    pub lineup: Option<Lineup>,
}

/// How a bench ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// All demands hold, or are not shown to be missed.
    Passed,
    /// The verdict, or the bench's own function, speaks against the run; with the reason.
    Failed(String),
    /// There is no report, or something could not be kept; with the reason, and the command's exit code for it.
    Broken(String, u8),
    /// The bench does not apply here; with the reason.
    Ignored(String),
}

/// What the outputs take from a report.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The setup of the run.
    pub setup: Setup,
    /// The verdict.
    pub verdict: Verdict,
    /// The numbers of requests and tokens.
    pub counts: Counts,
    /// The comparison with a baseline or another server, if there was one.
    pub comparison: Option<Comparison>,
    /// The highest load at which the SLOs held, if the bench searched for it.
    pub capacity: Option<Capacity>,
    /// What a pass did not prove.
    pub caveats: Vec<Caveat>,
    /// The result of each SLO.
    pub slos: Vec<SloResult>,
    /// The numbers worth keeping; empty for an invalid run.
    pub measures: Vec<Measure>,
    /// The verdict with its evidence.
    pub evidence: String,
    /// The whole report as text.
    pub summary: String,
    /// Notes on how the run was made.
    pub notes: Vec<String>,
    /// The key `goodput` of a result file.
    pub facts: Value,
}

impl Measured {
    /// Takes from this report what the outputs need.
    pub fn of(report: &Report) -> Self {
        let (run, judgement) = (report.run(), report.judgement());
        Measured {
            setup: run.setup.clone(),
            verdict: report.verdict(),
            counts: report.metrics().counts,
            comparison: judgement.comparison.clone(),
            capacity: judgement.capacity.clone(),
            caveats: caveats(judgement),
            slos: judgement.slos.clone(),
            measures: Measure::all(report),
            evidence: report.evidence(),
            summary: report.to_string(),
            notes: report.notes().to_vec(),
            facts: extra(run, report.metrics(), judgement, None),
        }
    }
}

impl End {
    /// The end of a bench whose report is all that there is to say: it passes if nothing speaks against the run.
    pub(crate) fn of(report: &Report) -> Self {
        let end = if report.passed() {
            End::Passed
        } else {
            End::Failed(format!(
                "verdict {}: {}",
                report.verdict(),
                report.reasons()
            ))
        };
        end.with_unsaved(report)
    }

    /// The same end, unless a part of the report could not be kept: then nothing passed.
    fn with_unsaved(self, report: &Report) -> Self {
        match (self, report.unsaved()) {
            (end, []) => end,
            (End::Passed, unsaved) => End::Broken(unsaved.join("\n"), Verdict::Invalid.exit_code()),
            (End::Failed(why), unsaved) => End::Failed(format!("{why}\n{}", unsaved.join("\n"))),
            (end, _) => end,
        }
    }
}

impl Outcome {
    /// The outcome of a bench whose report is all that there is to say: it passes if nothing speaks against the run
    /// ([`Report::passed`]).
    pub fn of(group: &str, report: &Report, took: Duration) -> Self {
        Outcome {
            group: group.to_owned(),
            name: report.run().setup.name.clone(),
            took,
            end: End::of(report),
            measured: Some(Measured::of(report)),
            lineup: None,
        }
    }

    /// The conclusion of the comparison, if there was one.
    pub(crate) fn conclusion(&self) -> Option<Conclusion> {
        let comparison = self.measured.as_ref()?.comparison.as_ref();
        comparison.map(Comparison::conclusion)
    }

    /// What the bench did not prove, if it passed.
    pub fn caveats(&self) -> &[Caveat] {
        match (&self.end, &self.measured) {
            (End::Passed, Some(measured)) => &measured.caveats,
            _ => &[],
        }
    }

    /// Returns whether nothing is wrong.
    pub fn is_ok(&self) -> bool {
        matches!(self.end, End::Passed | End::Ignored(_))
    }

    /// The end in a word or two: `pass`, `no verdict`, `fail`, `inconclusive`, `invalid`, `ignored`, or `error` when
    /// there is no report.
    pub fn word(&self) -> String {
        match (&self.end, &self.measured) {
            (End::Passed, Some(measured)) if measured.verdict == Verdict::NoVerdict => {
                Verdict::NoVerdict.to_string()
            }
            (End::Passed, _) => Verdict::Pass.to_string(),
            (End::Ignored(_), _) => "ignored".to_owned(),
            (End::Broken(..), _) | (End::Failed(_), None) => "error".to_owned(),
            (End::Failed(_), Some(measured)) => match measured.verdict {
                // It passed although it should not have.
                Verdict::Pass | Verdict::NoVerdict => Verdict::Fail.to_string(),
                verdict => verdict.to_string(),
            },
        }
    }

    /// Why the bench did not pass, or was ignored; empty otherwise.
    pub fn reason(&self) -> &str {
        match &self.end {
            End::Passed => "",
            End::Failed(why) | End::Broken(why, _) | End::Ignored(why) => why,
        }
    }

    /// The [exit code](crate::exit_code) of a command that ran only this.
    pub fn exit_code(&self) -> u8 {
        match (&self.end, &self.measured) {
            (End::Passed | End::Ignored(_), _) => exit_code::PASS,
            (End::Broken(_, code), _) => *code,
            (End::Failed(_), Some(measured)) => measured.verdict.exit_code().max(exit_code::FAIL),
            (End::Failed(_), None) => exit_code::FAIL,
        }
    }
}

/// The [exit code](crate::exit_code) of several outcomes, the worst of theirs: unusable input before a failure, which nothing
/// else may hide, before an invalid run before an inconclusive one. Outputs that could not be `written` count as invalid.
pub fn worst_exit_code(outcomes: &[Outcome], written: bool) -> u8 {
    let unwritten = (!written).then_some(exit_code::INVALID);
    worst(outcomes.iter().map(Outcome::exit_code).chain(unwritten))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::outcome;
    use rstest::rstest;

    #[rstest]
    #[case(&[], 0)]
    #[case(&["pass", "ignored"], 0)]
    #[case(&["pass", "inconclusive"], 3)]
    #[case(&["inconclusive", "invalid"], 4)]
    #[case(&["invalid", "fail", "pass"], 1)]
    #[case(&["displeased", "invalid"], 1)]
    #[case(&["fail", "unusable"], 2)]
    #[case(&["unreachable", "inconclusive"], 4)]
    fn the_worst_exit_code_counts(#[case] ends: &[&str], #[case] code: u8) {
        let outcomes: Vec<_> = ends.iter().map(|end| outcome(end)).collect();
        assert_eq!(worst_exit_code(&outcomes, true), code);
        let unwritten = if [0, 3].contains(&code) { 4 } else { code };
        assert_eq!(worst_exit_code(&outcomes, false), unwritten);
    }

    #[rstest]
    #[case("pass", "pass")]
    #[case("undemanding", "no verdict")]
    #[case("displeased", "fail")]
    #[case("invalid", "invalid")]
    #[case("unreachable", "error")]
    fn one_word_says_how_it_ended(#[case] end: &str, #[case] word: &str) {
        assert_eq!(outcome(end).word(), word);
    }
}
