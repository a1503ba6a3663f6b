//! The answer of a run.

use super::{
    comparison::Comparison,
    expect::Expect,
    finding::{Finding, findings},
    function::FunctionCheck,
    slo::SloResult,
    worst::{WorstRequest, worst},
};
use crate::{
    metrics::{ErrorGroup, Metrics, measure},
    run::Run,
};
use goodput_grammar::{Mistake, goodput::RequestLimit, names::ON_INCONCLUSIVE, slo::Slo};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// The answer of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything that was demanded holds.
    Pass,
    /// Nothing was demanded, or nothing is stored yet to compare with: nothing speaks against the
    /// run, and nothing was proven either.
    NoVerdict,
    /// Something that was demanded does not hold.
    Fail,
    /// Too little evidence to say either.
    Inconclusive,
    /// The client or the plan was not delivered, so the run says nothing about the server.
    Invalid,
}

impl Verdict {
    /// The exit code of a command with this verdict: 0 for *pass* and *no verdict*, else 1, 3 and 4
    /// (2 is a usage error).
    pub fn exit_code(self) -> u8 {
        match self {
            Verdict::Pass | Verdict::NoVerdict => 0,
            Verdict::Fail => 1,
            Verdict::Inconclusive => 3,
            Verdict::Invalid => 4,
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

/// What becomes of a run whose evidence decides neither way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnInconclusive {
    /// Its verdict is [`Verdict::Inconclusive`], which a test does not pass. The default of the
    /// command, which has an exit code for it.
    #[default]
    Fail,
    /// It passes.
    Pass,
    /// It passes, with a remark. The default of tests and benches.
    Warn,
}

impl OnInconclusive {
    /// Reads `fail`, `pass` or `warn`.
    ///
    /// # Errors
    /// Any other word.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        match text {
            "fail" => Ok(OnInconclusive::Fail),
            "pass" => Ok(OnInconclusive::Pass),
            "warn" => Ok(OnInconclusive::Warn),
            _ => Err(Mistake::unknown("answer", text, ON_INCONCLUSIVE)),
        }
    }
}

/// What a run is held against.
#[derive(Debug, Clone, PartialEq)]
pub struct Criteria {
    /// Limits on each request; they define goodput.
    pub limits: Vec<RequestLimit>,
    /// Limits on the whole run.
    pub slos: Vec<Slo>,
    /// How late the client may take requests up, at the 99th percentile, before the run is
    /// invalid. Default 25 ms.
    pub max_lateness_p99: Duration,
    /// How sure the intervals are that SLOs are held against, above 0 and below 1. Default 0.95.
    pub confidence: f64,
    /// What becomes of a run whose evidence decides neither way. Default [`OnInconclusive::Fail`].
    pub on_inconclusive: OnInconclusive,
    /// What the target itself complained of after the run, such as an expectation of a mock
    /// server that was not met. The run fails with it. That a target complains of nothing proves
    /// nothing: it may have expected nothing.
    pub complaint: Option<String>,
    /// Whether the bench has a function that will hold the report against demands of its own.
    pub function: bool,
    /// What the run is expected to do. Default [`Expect::Pass`].
    pub expect: Expect,
}

impl Default for Criteria {
    fn default() -> Self {
        Criteria {
            limits: Vec::new(),
            slos: Vec::new(),
            max_lateness_p99: Duration::from_millis(25),
            confidence: 0.95,
            on_inconclusive: OnInconclusive::default(),
            complaint: None,
            function: false,
            expect: Expect::Pass,
        }
    }
}

impl Criteria {
    /// Measures and judges a run.
    pub fn assess(&self, run: &Run) -> (Metrics, Judgement) {
        let metrics = measure(run, &self.limits);
        let judgement = judge(run, &metrics, self);
        (metrics, judgement)
    }
}

/// A verdict and its evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The answer.
    pub verdict: Verdict,
    /// What is wrong with the run itself, and remarks.
    pub findings: Vec<Finding>,
    /// The SLOs in the order given. They are evaluated for an invalid run too, but mean nothing
    /// there.
    pub slos: Vec<SloResult>,
    /// What went wrong in requests, most frequent first.
    pub errors: Vec<ErrorGroup>,
    /// The five worst requests for each number with a missed SLO; only for [`Verdict::Fail`].
    pub worst: Vec<WorstRequest>,
    /// How the run stands to another server or another time, if that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// What the bench's own function says, if it has one that demands something.
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

/// Judges a run by its numbers, which must be those of `measure(run, &criteria.limits)`;
/// [`Criteria::assess`] does both.
pub fn judge(run: &Run, metrics: &Metrics, criteria: &Criteria) -> Judgement {
    let evaluate = |slo| SloResult::of(slo, run, metrics, criteria.confidence);
    let slos: Vec<SloResult> = criteria.slos.iter().map(evaluate).collect();
    let findings = findings(run, metrics, criteria, &slos);
    let any = |verdict| slos.iter().any(|slo| slo.verdict == verdict);
    let verdict = if findings.iter().any(|finding| finding.kind.invalidates()) {
        Verdict::Invalid
    } else if findings.iter().any(|finding| finding.kind.fails()) || any(Verdict::Fail) {
        Verdict::Fail
    } else if any(Verdict::Inconclusive) && criteria.on_inconclusive == OnInconclusive::Fail {
        Verdict::Inconclusive
    } else if slos.is_empty() {
        Verdict::NoVerdict
    } else {
        Verdict::Pass
    };
    let worst = match verdict {
        Verdict::Fail | Verdict::NoVerdict => worst(run, metrics, &criteria.slos, &slos),
        _ => Vec::new(),
    };
    Judgement {
        verdict,
        findings,
        slos,
        errors: metrics.errors.clone(),
        worst,
        comparison: None,
        function: criteria.function.then_some(FunctionCheck::Pending),
        expect: criteria.expect,
        completed: metrics.counts.completed,
        failed: metrics.counts.failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        judge::FindingKind,
        metrics::testing::{limit, record, run_of},
        record::{CountSource, Record, RequestError},
    };
    use goodput_grammar::{
        goodput::RequestMetric,
        slo::{Latency, Op, Stat, Subject},
    };
    use rstest::rstest;

    fn slo(subject: Subject, op: Op, limit: f64) -> Slo {
        Slo { subject, op, limit }
    }

    fn p(q: f64, latency: Latency) -> Subject {
        Subject::Latency(Stat::Percentile(q), latency)
    }

    /// Ten requests with TTFTs of 10, 20, … 100 ms.
    fn ten() -> Run {
        let records = (0..10).map(|index| Record {
            index: index as usize,
            ..record(index * 100, &[index * 110 + 10, index * 110 + 12], 3)
        });
        run_of(records.collect())
    }

    /// Those TTFTs ten times over, which is enough to tell medians and coarse shares.
    fn hundred() -> Run {
        let records = (0..100).map(|index| {
            let first = index * 100 + (index % 10 + 1) * 10;
            Record {
                index: index as usize,
                ..record(index * 100, &[first, first + 2], 3)
            }
        });
        run_of(records.collect())
    }

    fn judged(run: &Run, slos: Vec<Slo>) -> Judgement {
        let criteria = Criteria {
            slos,
            limits: vec![limit(RequestMetric::Ttft, 70)],
            ..Criteria::default()
        };
        criteria.assess(run).1
    }

    fn kinds(judgement: &Judgement) -> Vec<FindingKind> {
        judgement
            .findings
            .iter()
            .map(|finding| finding.kind)
            .collect()
    }

    #[rstest]
    #[case(Verdict::Pass, 0)]
    #[case(Verdict::NoVerdict, 0)]
    #[case(Verdict::Fail, 1)]
    #[case(Verdict::Inconclusive, 3)]
    #[case(Verdict::Invalid, 4)]
    fn exit_codes(#[case] verdict: Verdict, #[case] code: u8) {
        assert_eq!(verdict.exit_code(), code);
    }

    #[test]
    fn limits_on_requests_fail_nothing_by_themselves() {
        let judgement = judged(&hundred(), vec![]);
        assert_eq!(judgement.verdict, Verdict::NoVerdict);
        assert_eq!(kinds(&judgement), []);
        assert_eq!(
            judged(&hundred(), vec![slo(Subject::Goodput, Op::Ge, 0.5)]).verdict,
            Verdict::Pass
        );
        assert_eq!(
            judged(&hundred(), vec![slo(Subject::Goodput, Op::Gt, 0.9)]).verdict,
            Verdict::Fail
        );
    }

    #[test]
    fn a_failed_slo_shows_its_worst_requests() {
        let judgement = judged(
            &hundred(),
            vec![
                slo(p(50.0, Latency::Ttft), Op::Lt, 20.0),
                slo(p(90.0, Latency::Ttft), Op::Lt, 20.0),
                slo(Subject::Goodput, Op::Ge, 0.99),
                slo(p(50.0, Latency::E2el), Op::Lt, 1000.0),
            ],
        );
        assert_eq!(judgement.verdict, Verdict::Fail);
        let worst: Vec<_> = judgement
            .worst
            .iter()
            .map(|w| (w.by.as_str(), w.index))
            .collect();
        let expected = [
            ("ttft", 9),
            ("ttft", 19),
            ("ttft", 29),
            ("ttft", 39),
            ("ttft", 49),
        ];
        // Those by goodput are the same requests.
        assert_eq!(worst, expected);
        let first = &judgement.worst[0];
        assert_eq!(
            (first.value, first.ttft_ms, first.tpot_ms),
            (100.0, Some(100.0), Some(1.0))
        );
        assert_eq!(
            (first.intended_s, first.input_tokens, first.output_tokens),
            (0.9, 10, 3)
        );
    }

    #[test]
    fn without_an_slo_the_requests_beyond_their_limits_are_shown() {
        let judgement = judged(&hundred(), vec![]);
        let worst = judgement.worst.iter().map(|w| (w.by.as_str(), w.index));
        let worst: Vec<_> = worst.collect();
        assert_eq!(worst[0], ("goodput", 9), "{worst:?}");
        assert_eq!(worst.len(), 5);
    }

    #[test]
    fn a_late_client_is_never_reported_as_a_slow_server() {
        let mut run = ten();
        run.records[9].dispatched = run.records[9].intended.after(Duration::from_millis(50));
        let judgement = judged(&run, vec![slo(p(50.0, Latency::Ttft), Op::Lt, 1.0)]);
        assert_eq!(judgement.verdict, Verdict::Invalid);
        assert_eq!(kinds(&judgement), [FindingKind::Late]);
        assert!(judgement.worst.is_empty());
        insta::assert_snapshot!(judgement.findings[0].message, @"the client could not deliver the plan: it took requests up 45.50 ms late at the 99th percentile (50.00 ms at most), the limit is 25 ms. Lower the rate, give this machine less other work, build with `--release`, or raise the limit");
        let patient = Criteria {
            max_lateness_p99: Duration::from_millis(46),
            ..Criteria::default()
        };
        assert_eq!(patient.assess(&run).1.verdict, Verdict::NoVerdict);
    }

    #[test]
    fn zero_token_successes_invalidate() {
        let mut run = ten();
        run.records[4].error = Some(RequestError::NoTokens);
        let judgement = judged(&run, vec![]);
        assert_eq!(judgement.verdict, Verdict::Invalid);
        assert_eq!(kinds(&judgement), [FindingKind::NoTokens]);
        assert!(judgement.findings[0].message.starts_with("1 of 10 answers"));
    }

    #[test]
    fn nothing_completed_lists_the_distinct_errors() {
        let mut run = ten();
        for (index, record) in run.records.iter_mut().enumerate() {
            let message = if index < 3 { "refused" } else { "no route" }.to_owned();
            record.error = Some(RequestError::Connect { message });
        }
        let judgement = judged(&run, vec![slo(Subject::Errors, Op::Lt, 0.1)]);
        assert_eq!(judgement.verdict, Verdict::Invalid);
        insta::assert_snapshot!(judgement.findings[0].message, @"none of 10 requests completed: 7 × could not connect: no route; 3 × could not connect: refused");
        assert_eq!(judgement.errors.len(), 2);
    }

    #[test]
    fn a_stopped_run_is_invalid() {
        let mut run = ten();
        run.partial = true;
        run.records[9].error = Some(RequestError::Cancelled);
        let judgement = judged(&run, vec![]);
        assert_eq!(judgement.verdict, Verdict::Invalid);
        insta::assert_snapshot!(judgement.findings[0].message, @"the run was stopped after 9 of 10 planned requests had ended; let it finish");
    }

    #[test]
    fn a_plan_that_was_not_sent_is_invalid() {
        let mut run = ten();
        run.setup.requests = 12;
        assert_eq!(kinds(&judged(&run, vec![])), [FindingKind::Partial]);
        run.records.clear();
        let kinds = kinds(&judged(&run, vec![]));
        assert_eq!(kinds, [FindingKind::Partial, FindingKind::NothingCompleted]);
    }

    #[test]
    fn remarks_do_not_change_the_verdict() {
        let mut run = hundred();
        run.records[0].output.source = CountSource::Estimate;
        let judgement = judged(&run, vec![slo(p(50.0, Latency::Ttft), Op::Lt, 1000.0)]);
        assert_eq!(judgement.verdict, Verdict::Pass);
        assert_eq!(kinds(&judgement), [FindingKind::EstimatedTokens]);
    }

    #[rstest]
    #[case(OnInconclusive::Fail, Verdict::Inconclusive, &[])]
    #[case(OnInconclusive::Pass, Verdict::Pass, &[])]
    #[case(OnInconclusive::Warn, Verdict::Pass, &[FindingKind::Undecided])]
    fn thin_evidence_is_answered_as_asked(
        #[case] on_inconclusive: OnInconclusive,
        #[case] verdict: Verdict,
        #[case] remarks: &[FindingKind],
    ) {
        let criteria = Criteria {
            slos: vec![
                slo(p(99.0, Latency::Ttft), Op::Lt, 1000.0),
                slo(p(50.0, Latency::Ttft), Op::Lt, 1000.0),
            ],
            on_inconclusive,
            ..Criteria::default()
        };
        let judgement = criteria.assess(&hundred()).1;
        assert_eq!(judgement.slos[0].verdict, Verdict::Inconclusive);
        assert_eq!(judgement.verdict, verdict);
        assert_eq!(kinds(&judgement), remarks);
        let mut missed = criteria.clone();
        missed.slos[1].limit = 1.0;
        assert_eq!(missed.assess(&hundred()).1.verdict, Verdict::Fail);
    }

    #[test]
    fn judgements_can_be_stored() {
        let judgement = judged(&ten(), vec![slo(Subject::Goodput, Op::Gt, 0.7)]);
        let stored = serde_json::to_string(&judgement).unwrap();
        assert_eq!(
            serde_json::from_str::<Judgement>(&stored).unwrap(),
            judgement
        );
    }
}
