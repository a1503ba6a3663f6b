//! Comparison of two servers, or of one server at two times.

use super::quantity::Unit;
use crate::stats::compare::{self, Conclusion, Rule, Worse};
use serde::{Deserialize, Serialize};

/// How the values of both sides correspond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Pairing {
    /// Each run of A has a run of B with the same plan and close in time.
    Paired {
        /// How many pairs were run.
        pairs: usize,
        /// The largest number of pairs that would have been run.
        at_most: usize,
    },
    /// A was measured in another hour: a loose tripwire, because anything else that has changed in between, on the
    /// machine too, counts as a change of the server.
    Unpaired,
    /// The same plan on virtual time: only the server can make a difference.
    Exact,
}

/// A comparison of A, the reference, with B, which is under test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What A is, such as ``baseline `main` `` or `http://127.0.0.1:8001`; no secrets.
    pub against: String,
    /// How the values correspond.
    pub pairing: Pairing,
    /// When a difference counts as a change. Its error is that of the look that decided.
    pub rule: Rule,
    /// The metrics, gated ones first. Only gated ones decide, and only they share the error.
    pub changes: Vec<Change>,
    /// Where a change comes from, in sentences.
    pub attribution: Vec<String>,
    /// Everything else worth knowing, in sentences.
    pub notes: Vec<String>,
}

/// One metric of both sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The metric, as an SLO names it: `p50(ttft)`; and `1 - errors`, the share of requests that
    /// succeed.
    pub subject: String,
    /// The unit of its values.
    pub unit: Unit,
    /// The direction in which it gets worse.
    pub worse: Worse,
    /// The value at A: the mean over the runs.
    pub a: f64,
    /// The value at B: the mean over the runs.
    pub b: f64,
    /// The values of A's runs, oldest first, if A is a baseline; else empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stored: Vec<f64>,
    /// The values at A and B of each pair of runs; empty if there are no pairs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pairs: Vec<(f64, f64)>,
    /// Whether the verdict depends on it.
    pub gated: bool,
    /// Change from A to B with its interval.
    pub statistics: compare::Comparison,
    /// What the change means.
    pub conclusion: Conclusion,
}

/// The conclusion of all gated changes together: worse if one is, else better if one is, else the same if all are.
pub(crate) fn together<'a>(changes: impl IntoIterator<Item = &'a Change>) -> Conclusion {
    let gated = changes.into_iter().filter(|change| change.gated);
    let found: Vec<Conclusion> = gated.map(|change| change.conclusion).collect();
    let decisive = [
        Conclusion::Worse,
        Conclusion::Better,
        Conclusion::Inconclusive,
    ];
    let unlike = decisive.into_iter().find(|one| found.contains(one));
    match unlike {
        Some(conclusion) => conclusion,
        None if found.is_empty() => Conclusion::Inconclusive,
        None => Conclusion::Same,
    }
}

impl Comparison {
    /// The conclusion of all gated metrics together: worse if one is, else better if one is, else the same if all
    /// are.
    pub fn conclusion(&self) -> Conclusion {
        together(&self.changes)
    }

    /// The smallest relative worsening that this comparison shows nine times out of ten, for the gated latency or
    /// throughput where it is smallest. `None` when it cannot show any. Shares, which rarely vary at all, have theirs
    /// in [`changes`](Self::changes).
    pub fn detectable(&self) -> Option<f64> {
        self.finest().map(|(_, detectable)| detectable)
    }

    /// [`detectable`](Self::detectable) with the metric that it belongs to.
    pub(crate) fn finest(&self) -> Option<(&str, f64)> {
        let speeds = |change: &&Change| change.gated && change.unit != Unit::Ratio;
        let speeds = self.changes.iter().filter(speeds);
        speeds
            .filter_map(|change| Some((change.subject.as_str(), change.statistics.detectable?)))
            .min_by(|(_, one), (_, other)| one.total_cmp(other))
    }

    pub(crate) fn of(&self, conclusion: Conclusion) -> impl Iterator<Item = &Change> {
        let changes = self.changes.iter().filter(|change| change.gated);
        changes.filter(move |change| change.conclusion == conclusion)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        judge::{Criteria, Judgement, OnInconclusive, Verdict},
        metrics::testing::{record, run_of},
        report::testing::{changed, compared},
    };
    use rstest::rstest;

    fn judgement() -> Judgement {
        let run = run_of(vec![record(0, &[10, 20], 2)]);
        Criteria::default().assess(&run).1
    }

    #[rstest]
    #[case::worse(&[Conclusion::Same, Conclusion::Worse, Conclusion::Better], Conclusion::Worse)]
    #[case::better(&[Conclusion::Inconclusive, Conclusion::Better], Conclusion::Better)]
    #[case::open(&[Conclusion::Same, Conclusion::Inconclusive], Conclusion::Inconclusive)]
    #[case::same(&[Conclusion::Same, Conclusion::Same], Conclusion::Same)]
    #[case::nothing(&[], Conclusion::Inconclusive)]
    fn gated_metrics_decide(#[case] each: &[Conclusion], #[case] all: Conclusion) {
        let mut changes: Vec<Change> = each.iter().map(|one| changed(*one)).collect();
        changes.push(Change {
            gated: false,
            ..changed(Conclusion::Worse)
        });
        assert_eq!(compared(changes).conclusion(), all);
    }

    #[rstest]
    #[case(Verdict::Pass, Conclusion::Worse, OnInconclusive::Warn, Verdict::Fail)]
    #[case(
        Verdict::Inconclusive,
        Conclusion::Worse,
        OnInconclusive::Pass,
        Verdict::Fail
    )]
    #[case(
        Verdict::Invalid,
        Conclusion::Worse,
        OnInconclusive::Fail,
        Verdict::Invalid
    )]
    #[case(Verdict::Pass, Conclusion::Better, OnInconclusive::Fail, Verdict::Pass)]
    #[case(
        Verdict::NoVerdict,
        Conclusion::Same,
        OnInconclusive::Fail,
        Verdict::Pass
    )]
    #[case(
        Verdict::NoVerdict,
        Conclusion::Worse,
        OnInconclusive::Warn,
        Verdict::Fail
    )]
    #[case(
        Verdict::NoVerdict,
        Conclusion::Inconclusive,
        OnInconclusive::Fail,
        Verdict::Inconclusive
    )]
    #[case(
        Verdict::NoVerdict,
        Conclusion::Inconclusive,
        OnInconclusive::Warn,
        Verdict::Pass
    )]
    #[case(Verdict::Fail, Conclusion::Better, OnInconclusive::Fail, Verdict::Fail)]
    #[case(
        Verdict::Pass,
        Conclusion::Inconclusive,
        OnInconclusive::Warn,
        Verdict::Pass
    )]
    #[case(
        Verdict::Pass,
        Conclusion::Inconclusive,
        OnInconclusive::Pass,
        Verdict::Pass
    )]
    #[case(
        Verdict::Pass,
        Conclusion::Inconclusive,
        OnInconclusive::Fail,
        Verdict::Inconclusive
    )]
    #[case(
        Verdict::Fail,
        Conclusion::Inconclusive,
        OnInconclusive::Fail,
        Verdict::Fail
    )]
    fn a_regression_fails_and_nothing_else_does(
        #[case] before: Verdict,
        #[case] conclusion: Conclusion,
        #[case] inconclusive: OnInconclusive,
        #[case] after: Verdict,
    ) {
        let judgement = Judgement {
            verdict: before,
            ..judgement()
        };
        let judged = judgement.compared(compared(vec![changed(conclusion)]), inconclusive);
        assert_eq!(judged.verdict, after);
        let stored = serde_json::to_string(&judged).unwrap();
        assert_eq!(serde_json::from_str::<Judgement>(&stored).unwrap(), judged);
    }
}
