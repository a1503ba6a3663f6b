//! The floor below all demands: failed requests always count.

use super::criteria::Criteria;
use crate::metrics::Metrics;
use goodput_grammar::slo::{Part, Slo, Subject};

/// One request in this number may fail if no SLO limits `errors`.
const ONE_IN: u64 = 100;

/// The message if too many requests of this run failed. It counts the run's own requests, as `min` and `max` do: an
/// interval would let a short run fail more of them.
pub(super) fn failed_requests(metrics: &Metrics, criteria: &Criteria) -> Option<String> {
    let limits = |slo: &Slo| slo.subject == Subject::Errors && slo.part == Part::ALL;
    if criteria.slos.iter().any(limits) {
        return None;
    }
    let counts = &metrics.counts;
    (counts.failed.saturating_mul(ONE_IN) > counts.ended()).then(|| {
        format!(
            "{} of {} requests failed, more than 1 %. An SLO on errors replaces this limit, such as \
             `errors < 5%`; `errors <= 100%` lifts it",
            counts.failed,
            counts.ended(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        judge::{FindingKind, Judgement, Verdict},
        metrics::testing::{record, run_of},
        record::{Record, RequestError},
        run::Run,
    };
    use goodput_grammar::slo::{Latency, Op, Slo, Stat};
    use rstest::rstest;

    fn slo(subject: Subject, op: Op, limit: f64) -> Slo {
        Slo::new(subject, op, limit)
    }

    fn judged(run: &Run, slos: Vec<Slo>) -> Judgement {
        let criteria = Criteria {
            slos,
            ..Criteria::default()
        };
        criteria.assess(run).1
    }

    fn floor_is_hit(judgement: &Judgement) -> bool {
        let mut findings = judgement.findings.iter();
        findings.any(|finding| finding.kind == FindingKind::FailedRequests)
    }

    /// The first of these requests fail.
    fn failing(failed: usize, requests: u64) -> Run {
        let records = (0..requests).map(|index| Record {
            index: index as usize,
            ..record(index * 100, &[index * 100 + 10, index * 100 + 12], 3)
        });
        let mut run = run_of(records.collect());
        for record in &mut run.records[..failed] {
            let message = "reset".to_owned();
            record.error = Some(RequestError::Truncated { message });
        }
        run
    }

    #[rstest]
    #[case::none(failing(0, 100), vec![], Verdict::NoVerdict)]
    #[case::one_percent(failing(1, 100), vec![], Verdict::NoVerdict)]
    #[case::a_little_more(failing(1, 99), vec![], Verdict::Fail)]
    #[case::two(failing(2, 100), vec![], Verdict::Fail)]
    #[case::most(failing(90, 100), vec![], Verdict::Fail)]
    #[case::all(failing(100, 100), vec![], Verdict::Invalid)]
    #[case::beside_another_slo(
        failing(90, 100),
        vec![slo(Subject::Latency(Stat::Max, Latency::Ttft), Op::Lt, 1000.0)],
        Verdict::Fail
    )]
    #[case::lifted(failing(90, 100), vec![slo(Subject::Errors, Op::Le, 1.0)], Verdict::Pass)]
    #[case::replaced(failing(2, 100), vec![slo(Subject::Errors, Op::Lt, 0.5)], Verdict::Pass)]
    #[case::replaced_and_missed(failing(90, 100), vec![slo(Subject::Errors, Op::Lt, 0.5)], Verdict::Fail)]
    fn failed_requests_always_count(
        #[case] run: Run,
        #[case] slos: Vec<Slo>,
        #[case] verdict: Verdict,
    ) {
        let floor = slos.iter().all(|slo| slo.subject != Subject::Errors);
        let judgement = judged(&run, slos);
        assert_eq!(judgement.verdict, verdict, "{judgement:#?}");
        assert_eq!(floor_is_hit(&judgement), floor && verdict == Verdict::Fail);
    }

    #[test]
    fn cancelled_requests_have_not_failed() {
        let mut run = failing(1, 100);
        for record in &mut run.records[50..] {
            record.error = Some(RequestError::Cancelled);
        }
        run.partial = true;
        let judgement = judged(&run, vec![]);
        assert_eq!(judgement.verdict, Verdict::Invalid);
        assert!(!floor_is_hit(&judgement));
    }
}
