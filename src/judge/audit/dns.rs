//! Slow resolution of the host's name.

use crate::{
    judge::{Finding, FindingKind, number},
    run::Run,
};

/// From this time on resolution is slow, ms.
const SLOW: f64 = 500.0;

/// From this time on the first question was lost, ms. A resolver that works asks again, or asks another name server,
/// only after seconds.
const BROKEN: f64 = 2_000.0;

/// The finding on a slow resolver. Names are resolved once, before the run, and connections are made to addresses, so
/// no latency contains the time of resolution. But a machine that has just lost a question to its name server is not
/// a good place to measure from: its network may have other faults.
pub(super) fn slow(run: &Run) -> Option<Finding> {
    let took = run.audit.resolve_ms.filter(|took| *took > SLOW)?;
    let took_ms = number(took);
    let (kind, message) = if took > BROKEN {
        (
            FindingKind::BrokenDns,
            format!(
                "resolving the target's name took {took_ms} ms (more than {BROKEN} ms): a question to \
                 the name server was lost, and with it the trust in this machine's network. Repair \
                 the resolver, or give the target by its address"
            ),
        )
    } else {
        (
            FindingKind::SlowDns,
            format!(
                "resolving the target's name took {took_ms} ms (more than {SLOW} ms). It was done \
                 once, before the run, and is in no latency; other clients of the server may wait for \
                 it with every connection. Check the resolver"
            ),
        )
    };
    Some(Finding { kind, message })
}

#[cfg(test)]
mod tests {
    use super::{super::testing::quiet, *};
    use rstest::rstest;

    #[rstest]
    #[case(None, None)]
    #[case(Some(499.0), None)]
    #[case(Some(1999.0), Some(FindingKind::SlowDns))]
    #[case(Some(2001.0), Some(FindingKind::BrokenDns))]
    fn thresholds(#[case] took: Option<f64>, #[case] kind: Option<FindingKind>) {
        let mut run = quiet();
        run.audit.resolve_ms = took;
        assert_eq!(slow(&run).map(|finding| finding.kind), kind);
    }

    #[test]
    fn the_sentences() {
        let mut run = quiet();
        run.audit.resolve_ms = Some(703.0);
        let finding = slow(&run).unwrap();
        assert!(!finding.kind.invalidates());
        insta::assert_snapshot!(finding.message, @"resolving the target's name took 703.0 ms (more than 500 ms). It was done once, before the run, and is in no latency; other clients of the server may wait for it with every connection. Check the resolver");
        run.audit.resolve_ms = Some(3003.0);
        let finding = slow(&run).unwrap();
        assert!(finding.kind.invalidates());
        insta::assert_snapshot!(finding.message, @"resolving the target's name took 3003.0 ms (more than 2000 ms): a question to the name server was lost, and with it the trust in this machine's network. Repair the resolver, or give the target by its address");
    }
}
