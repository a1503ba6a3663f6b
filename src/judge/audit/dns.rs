//! The host's name was resolved slowly.

use crate::{
    judge::{Finding, FindingKind, number},
    run::Run,
};

/// ms.
const SLOW: f64 = 500.0;

/// A remark: names are resolved once, before the run, and connections are made to addresses, so no
/// latency holds any of it.
pub(super) fn slow(run: &Run) -> Option<Finding> {
    let took = run.audit.resolve_ms.filter(|took| *took > SLOW)?;
    Some(Finding {
        kind: FindingKind::SlowDns,
        message: format!(
            "resolving the target's name took {} ms (more than {SLOW} ms). It was done once, before \
             the run, and is in no latency; other clients of the server may wait for it with every \
             connection. Check the resolver",
            number(took),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::{super::testing::quiet, *};

    #[test]
    fn the_sentence() {
        let mut run = quiet();
        assert_eq!(slow(&run), None);
        run.audit.resolve_ms = Some(499.0);
        assert_eq!(slow(&run), None);
        run.audit.resolve_ms = Some(2003.0);
        let finding = slow(&run).unwrap();
        assert!(!finding.kind.invalidates());
        insta::assert_snapshot!(finding.message, @"resolving the target's name took 2003.0 ms (more than 500 ms). It was done once, before the run, and is in no latency; other clients of the server may wait for it with every connection. Check the resolver");
    }
}
