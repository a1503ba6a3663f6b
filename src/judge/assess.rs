//! From a run to its judgement.

#[cfg(feature = "cli")]
use super::finding::FindingKind;
use super::{
    criteria::Criteria,
    finding::Finding,
    findings::findings,
    function::FunctionCheck,
    judgement::Judgement,
    slo_result::SloResult,
    verdict::{OnInconclusive, Verdict},
    worst::worst,
    worst_class::of_worst,
};
use crate::{
    metrics::{Metrics, measure},
    run::Run,
};
use goodput_grammar::slo::{Class, Part};
use std::collections::BTreeMap;

impl Criteria {
    /// Measures and judges a run.
    pub fn assess(&self, run: &Run) -> (Metrics, Judgement) {
        let metrics = measure(run, &self.limits);
        let judgement = judge(run, &metrics, self);
        (metrics, judgement)
    }
}

/// Judges a run by its numbers, which must be those of `measure(run, &criteria.limits)`;
/// [`Criteria::assess`] does both.
pub fn judge(run: &Run, metrics: &Metrics, criteria: &Criteria) -> Judgement {
    judge_with(run, metrics, criteria, |findings| findings)
}

/// Judges a run of several shards. What was found in single shards takes the place of findings of the same kind in all of
/// them, which would not say where.
#[cfg(feature = "cli")]
pub(crate) fn judge_shards(
    run: &Run,
    metrics: &Metrics,
    criteria: &Criteria,
    of_shards: Vec<Finding>,
) -> Judgement {
    judge_with(run, metrics, criteria, |findings| {
        let invalid = of_shards.iter().any(|finding| finding.kind.invalidates());
        let stays = |finding: &Finding| {
            let named = of_shards.iter().any(|other| other.kind == finding.kind);
            // If a run says nothing about the server, its failures say nothing either.
            let explained = invalid && finding.kind == FindingKind::FailedRequests;
            !(named || explained)
        };
        let whole: Vec<Finding> = findings.into_iter().filter(stays).collect();
        of_shards.into_iter().chain(whole).collect()
    })
}

fn judge_with(
    run: &Run,
    metrics: &Metrics,
    criteria: &Criteria,
    arrange: impl FnOnce(Vec<Finding>) -> Vec<Finding>,
) -> Judgement {
    let steady = run.steady();
    let slos = evaluate(&steady, metrics, criteria);
    let findings = arrange(findings(run, metrics, criteria, &slos));
    let any = |verdict| slos.iter().any(|slo| slo.verdict == verdict);
    let verdict = if findings.iter().any(|finding| finding.kind.invalidates()) {
        Verdict::Invalid
    } else if findings.iter().any(|finding| finding.kind.fails()) || any(Verdict::Fail) {
        Verdict::Fail
    } else if findings.iter().any(|finding| finding.kind.leaves_open())
        || any(Verdict::Inconclusive) && criteria.on_inconclusive == OnInconclusive::Fail
    {
        Verdict::Inconclusive
    } else if slos.is_empty() {
        Verdict::NoVerdict
    } else {
        Verdict::Pass
    };
    let worst = match verdict {
        Verdict::Fail | Verdict::NoVerdict => worst(&steady, metrics, &criteria.slos, &slos),
        _ => Vec::new(),
    };
    Judgement {
        verdict,
        findings,
        slos,
        errors: metrics.errors.clone(),
        worst,
        comparison: None,
        capacity: None,
        function: criteria.function.then_some(FunctionCheck::Pending),
        expect: criteria.expect,
        completed: metrics.counts.completed,
        failed: metrics.counts.failed,
    }
}

/// Each SLO with the run and the numbers of the part that it is about.
fn evaluate(run: &Run, metrics: &Metrics, criteria: &Criteria) -> Vec<SloResult> {
    let mut parts: BTreeMap<Part, (Run, Metrics)> = BTreeMap::new();
    let evaluated = criteria.slos.iter().map(|slo| {
        if slo.part.class == Class::Worst {
            return of_worst(slo, run, criteria);
        }
        if slo.part == Part::ALL {
            return SloResult::of(slo, run, metrics, criteria.confidence);
        }
        let (run, metrics) = parts.entry(slo.part).or_insert_with(|| {
            let part = run.part(slo.part);
            let metrics = measure(&part, &criteria.limits);
            (part, metrics)
        });
        SloResult::of(slo, run, metrics, criteria.confidence)
    });
    evaluated.collect()
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
        slo::{Latency, Op, Slo, Stat, Subject},
    };
    use rstest::rstest;
    use std::time::Duration;

    fn slo(subject: Subject, op: Op, limit: f64) -> Slo {
        Slo::new(subject, op, limit)
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

    /// These TTFTs ten times over, which is enough to estimate medians and coarse shares.
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
