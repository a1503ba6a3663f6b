//! Tokens that were read together, and times of the kernel that could not be used.

use crate::{
    judge::{Criteria, Finding, FindingKind, number},
    metrics::{Metrics, definition},
    run::Run,
};
use goodput_grammar::{
    goodput::RequestMetric,
    slo::{Latency, Subject},
};

/// From this share of the token events on, unknown times make up a 99th percentile by themselves.
const MERGED_BEHIND: f64 = 0.01;

/// The share of the reads from which on steps of the clock are noted.
const CLOCK_STEPS: f64 = 0.01;

/// The finding on tokens that were read together. The kernel knows one time for a read, that of the last bytes.
/// Events of a server that writes them one by one end up in one read when the client is behind; then only the sum of
/// their gaps is known.
pub(super) fn merged(run: &Run, metrics: &Metrics, criteria: &Criteria) -> Option<Finding> {
    let behind = run.audit.reads.merged_behind as f64;
    let events: usize = run.records.iter().map(|record| record.events.len()).sum();
    if behind <= MERGED_BEHIND * events as f64 {
        return None;
    }
    let by_gaps = |latency: Latency| !definition(latency).from_start;
    let slos = criteria.slos.iter().map(|slo| &slo.subject);
    let limits = metrics.goodput.limits.iter();
    let gated = slos
        .into_iter()
        .any(|subject| matches!(subject, Subject::Latency(_, latency) if by_gaps(*latency)))
        || limits
            .into_iter()
            .any(|limit| limit.metric == RequestMetric::Tpot);
    Some(Finding {
        kind: if gated {
            FindingKind::UnknownGaps
        } else {
            FindingKind::MergedReads
        },
        message: format!(
            "{} % of the token events were read together with the one before them because the \
             client was behind, so only the sums of their gaps are known; from {} % on, limits on \
             ITL and TPOT decide nothing. Lower the load, give this machine less other work, or \
             build with `--release`",
            number(behind / events as f64 * 100.0),
            MERGED_BEHIND * 100.0,
        ),
    })
}

pub(super) fn clock_set(run: &Run) -> Option<Finding> {
    let reads = &run.audit.reads;
    let all = reads.by_kernel as f64 + reads.at_read as f64;
    (reads.clock_steps as f64 > CLOCK_STEPS * all).then(|| Finding {
        kind: FindingKind::ClockSet,
        message: format!(
            "the system's clock was set during the run: the kernel's times of {} of {all} reads \
             were not used, and the client's were used instead. Let the clock settle (NTP) and \
             measure again",
            reads.clock_steps,
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::{super::testing::quiet, *};
    use crate::metrics::testing::limit;
    use goodput_grammar::slo::{Op, Slo, Stat};
    use rstest::rstest;

    fn slo(latency: Latency) -> Slo {
        Slo::new(Subject::Latency(Stat::Median, latency), Op::Lt, 1.0)
    }

    fn found(merged_behind: u64, criteria: &Criteria) -> Option<Finding> {
        let mut run = quiet();
        run.audit.reads.merged_behind = merged_behind;
        merged(&run, &criteria.assess(&run).0, criteria)
    }

    #[rstest]
    #[case(Latency::Ttft, None, FindingKind::MergedReads)]
    #[case(Latency::Itl, None, FindingKind::UnknownGaps)]
    #[case(Latency::Tpot, None, FindingKind::UnknownGaps)]
    #[case(Latency::E2el, Some(RequestMetric::Tpot), FindingKind::UnknownGaps)]
    #[case(Latency::E2el, Some(RequestMetric::E2el), FindingKind::MergedReads)]
    fn unknown_gaps_matter_where_gaps_are_gated(
        #[case] gated: Latency,
        #[case] limited: Option<RequestMetric>,
        #[case] expected: FindingKind,
    ) {
        let criteria = Criteria {
            slos: vec![slo(gated)],
            limits: limited.map(|metric| limit(metric, 5)).into_iter().collect(),
            ..Criteria::default()
        };
        // There are 200 token events.
        assert_eq!(found(2, &criteria), None);
        assert_eq!(found(3, &criteria).unwrap().kind, expected);
    }

    #[test]
    fn sentences() {
        let merged = found(12, &Criteria::default()).unwrap();
        insta::assert_snapshot!(merged.message, @"6.00 % of the token events were read together with the one before them because the client was behind, so only the sums of their gaps are known; from 1 % on, limits on ITL and TPOT decide nothing. Lower the load, give this machine less other work, or build with `--release`");
        let mut run = quiet();
        run.audit.reads.by_kernel = 100;
        assert_eq!(clock_set(&run), None);
        run.audit.reads.at_read = 7;
        run.audit.reads.clock_steps = 4;
        insta::assert_snapshot!(clock_set(&run).unwrap().message, @"the system's clock was set during the run: the kernel's times of 4 of 107 reads were not used, and the client's were used instead. Let the clock settle (NTP) and measure again");
    }
}
