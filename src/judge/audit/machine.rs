//! Processor time that the client lacked, or used up.
//!
//! These are notes: they say why a client was late, and lateness is what invalidates. A client that keeps its times
//! under a busy hypervisor has measured well.

use crate::{
    judge::{Finding, FindingKind, number},
    run::Run,
};

/// The share of processor time that other guests got, from which on it is noted.
const STEAL: f64 = 0.05;

/// The share of scheduling periods in which a CPU limit stopped the container, from which on it is noted.
const THROTTLED: f64 = 0.05;

/// The share of time in which the client's thread waited for a processor, from which on it is noted.
const CPU_WAIT: f64 = 0.1;

/// The share of processor time that the client's thread used, from which on it is noted.
const SATURATED: f64 = 0.9;

pub(super) fn starved(run: &Run) -> Option<Finding> {
    let watch = run.audit.watch?;
    let causes = [
        (
            watch.steal_share,
            STEAL,
            "of its processor time went to other guests of the host",
        ),
        (
            watch.throttled_share,
            THROTTLED,
            "of the scheduling periods ended at the container's CPU limit",
        ),
        (
            watch.cpu_wait_share,
            CPU_WAIT,
            "of the time the client's thread waited for a processor",
        ),
    ];
    let causes: Vec<String> = causes
        .into_iter()
        .filter_map(|(share, limit, what)| {
            let share = share.filter(|share| *share > limit)?;
            let (share, limit) = (number(share * 100.0), limit * 100.0);
            Some(format!("{share} % {what} (more than {limit} %)"))
        })
        .collect();
    (!causes.is_empty()).then(|| Finding {
        kind: FindingKind::Starved,
        message: format!(
            "this machine had too little processor time: {}. A server on the same machine lacked it \
             too. Measure from a machine with less other work, or raise its CPU limit",
            causes.join(", "),
        ),
    })
}

pub(super) fn saturated(run: &Run) -> Option<Finding> {
    let share = run.audit.watch?.cpu_share?;
    (share > SATURATED).then(|| Finding {
        kind: FindingKind::Saturated,
        message: format!(
            "the client's thread was busy {} % of the time (more than {} %): this is about the most \
             that it can drive, and throughput may be its own. Build with `--release`, or lower the \
             load",
            number(share * 100.0),
            SATURATED * 100.0,
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{quiet, watched},
        *,
    };

    #[test]
    fn a_quiet_machine_and_one_that_tells_nothing_are_fine() {
        let silent = watched(|watch| *watch = Default::default());
        for run in [quiet(), silent] {
            assert_eq!((starved(&run), saturated(&run)), (None, None));
        }
    }

    #[test]
    fn each_cause_is_named() {
        let run = watched(|watch| {
            watch.steal_share = Some(0.12);
            watch.throttled_share = Some(0.05);
            watch.cpu_wait_share = Some(0.4);
        });
        let finding = starved(&run).unwrap();
        assert!(!finding.kind.invalidates());
        insta::assert_snapshot!(finding.message, @"this machine had too little processor time: 12.00 % of its processor time went to other guests of the host (more than 5 %), 40.00 % of the time the client's thread waited for a processor (more than 10 %). A server on the same machine lacked it too. Measure from a machine with less other work, or raise its CPU limit");
        let throttled = starved(&watched(|watch| watch.throttled_share = Some(0.5)));
        insta::assert_snapshot!(throttled.unwrap().message, @"this machine had too little processor time: 50.00 % of the scheduling periods ended at the container's CPU limit (more than 5 %). A server on the same machine lacked it too. Measure from a machine with less other work, or raise its CPU limit");
    }

    #[test]
    fn a_thread_that_does_nothing_else() {
        let run = watched(|watch| watch.cpu_share = Some(0.97));
        insta::assert_snapshot!(saturated(&run).unwrap().message, @"the client's thread was busy 97.00 % of the time (more than 90 %): this is about the most that it can drive, and throughput may be its own. Build with `--release`, or lower the load");
    }
}
