//! A verdict with its evidence, and what changes it after the run was judged.

use super::{
    capacity::Capacity,
    comparison::Comparison,
    expect::Expect,
    finding::Finding,
    function::FunctionCheck,
    slo_result::SloResult,
    verdict::{OnInconclusive, Verdict},
    worst::WorstRequest,
};
use crate::{metrics::ErrorGroup, stats::compare::Conclusion};
use goodput_grammar::slo::Slo;
use serde::{Deserialize, Serialize};

/// A verdict and its evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The answer.
    pub verdict: Verdict,
    /// What is wrong with the run itself, and notes.
    pub findings: Vec<Finding>,
    /// The SLOs in the order given. They are evaluated for an invalid run too, but mean nothing
    /// there.
    pub slos: Vec<SloResult>,
    /// What went wrong in requests, most frequent first.
    pub errors: Vec<ErrorGroup>,
    /// The five worst requests for each number with a missed SLO; only for [`Verdict::Fail`].
    pub worst: Vec<WorstRequest>,
    /// The comparison with another server or another time, if the bench asked for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// The highest load at which the SLOs hold, if the bench searched for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
    /// The answer of the bench's own function, if it has one that demands something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<FunctionCheck>,
    /// What the run is expected to do.
    #[serde(default)]
    pub expect: Expect,
    /// Requests that succeeded.
    pub completed: u64,
    /// Requests that failed.
    pub failed: u64,
}

impl Judgement {
    /// Adds a comparison to this judgement of B. A gated metric that got worse makes the verdict *fail*. An
    /// inconclusive comparison changes the verdict only if `inconclusive` is [`OnInconclusive::Fail`]; then *pass*
    /// becomes *inconclusive*. An invalid run stays invalid. A comparison is a demand, so *no verdict* becomes *pass*
    /// where it decides nothing else.
    #[must_use]
    pub fn compared(mut self, comparison: Comparison, inconclusive: OnInconclusive) -> Self {
        self.verdict = match (self.verdict, comparison.conclusion()) {
            (Verdict::Invalid, _) => Verdict::Invalid,
            (_, Conclusion::Worse) => Verdict::Fail,
            (Verdict::Pass | Verdict::NoVerdict, Conclusion::Inconclusive)
                if inconclusive == OnInconclusive::Fail =>
            {
                Verdict::Inconclusive
            }
            (Verdict::NoVerdict, _) => Verdict::Pass,
            (verdict, _) => verdict,
        };
        self.comparison = Some(comparison);
        self
    }

    /// Adds what a search found, and compares it with the demands. `invalid` says why the trials say nothing.
    #[must_use]
    pub(crate) fn searched(
        mut self,
        capacity: Capacity,
        slos: &[Slo],
        invalid: Option<Finding>,
        inconclusive: OnInconclusive,
    ) -> Self {
        self.slos = slos.iter().map(|slo| capacity.decide(slo)).collect();
        self.worst.clear();
        let any = |verdict| self.slos.iter().any(|slo| slo.verdict == verdict);
        let fails = self.findings.iter().any(|finding| finding.kind.fails());
        self.verdict = if invalid.is_some() || self.verdict == Verdict::Invalid {
            Verdict::Invalid
        } else if any(Verdict::Fail) || fails {
            Verdict::Fail
        } else if any(Verdict::Inconclusive) && inconclusive == OnInconclusive::Fail {
            Verdict::Inconclusive
        } else if self.slos.is_empty() {
            Verdict::NoVerdict
        } else {
            Verdict::Pass
        };
        self.findings.extend(invalid);
        self.capacity = Some(capacity);
        self
    }

    /// Adds the answer of the bench's function. An error makes the verdict *fail*. If only the function demanded
    /// something and it accepts the run, *no verdict* becomes *pass*.
    #[must_use]
    pub fn answered(mut self, said: &Result<(), String>) -> Self {
        match (said, self.verdict) {
            (_, Verdict::Invalid) => {}
            (Err(why), _) => {
                self.verdict = Verdict::Fail;
                self.function = Some(FunctionCheck::Missed(why.clone()));
            }
            (Ok(()), verdict) if self.function.is_some() => {
                self.function = Some(FunctionCheck::Holds);
                if verdict == Verdict::NoVerdict {
                    self.verdict = Verdict::Pass;
                }
            }
            (Ok(()), _) => {}
        }
        self
    }

    /// Returns whether the run did what is expected: nothing speaks against it, or with [`Expect::Fail`] an SLO is
    /// missed or a comparison shows that it is worse, and nothing else fails.
    pub fn holds(&self) -> bool {
        match self.expect {
            Expect::Pass => matches!(self.verdict, Verdict::Pass | Verdict::NoVerdict),
            Expect::Fail => {
                self.verdict == Verdict::Fail && self.misses() && !self.fails_otherwise()
            }
        }
    }

    fn misses(&self) -> bool {
        let compared = self.comparison.as_ref();
        let worse = compared.is_some_and(|compared| compared.conclusion() == Conclusion::Worse);
        worse || self.slos.iter().any(|slo| slo.verdict == Verdict::Fail)
    }

    fn fails_otherwise(&self) -> bool {
        let fails = |finding: &Finding| finding.kind.fails();
        self.findings.iter().any(fails) || matches!(self.function, Some(FunctionCheck::Missed(_)))
    }
}
