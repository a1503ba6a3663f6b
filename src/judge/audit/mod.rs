//! Findings of the client's audit of itself: one file for each idea, each with its thresholds.
//!
//! The thresholds are constants: users cannot know better how late a read may be before a gap between tokens is
//! wrong. `docs/audit.md` lists them all.

mod arrivals;
mod dns;
mod event_loop;
mod limits;
mod machine;
mod overload;
mod pauses;
mod reads;
mod server;

use super::{criteria::Criteria, finding::Finding};
use crate::{metrics::Metrics, run::Run};

pub(super) fn findings(run: &Run, metrics: &Metrics, criteria: &Criteria) -> Vec<Finding> {
    [
        pauses::pauses(run),
        event_loop::event_loop(run, criteria),
        limits::limits(run),
        arrivals::arrivals(run),
        overload::accounting(run),
        reads::merged(run, metrics, criteria),
        reads::clock_set(run),
        machine::starved(run),
        machine::saturated(run),
        overload::overload(run),
        dns::slow(run),
        server::ttft(run, metrics),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod testing {
    use crate::{
        clock::Nanos,
        metrics::testing::{record, run_of},
        record::Record,
        run::{Run, Timestamps, WatchAudit},
    };

    /// Ten requests a second for ten seconds, read by the kernel's times on a quiet machine.
    pub(super) fn quiet() -> Run {
        let records = (0..100).map(|index: u64| Record {
            index: index as usize,
            ..record(index * 100, &[index * 100 + 30, index * 100 + 50], 2)
        });
        let mut run = run_of(records.collect());
        run.duration = Nanos(10_000_000_000);
        run.audit.timestamps = Timestamps::Kernel;
        run.audit.watch = Some(WatchAudit {
            cpu_share: Some(0.1),
            cpu_wait_share: Some(0.01),
            preemptions: Some(3),
            busy_share: Some(0.2),
            steal_share: Some(0.0),
            throttled_share: None,
            ..WatchAudit::default()
        });
        run
    }

    /// The same with a change to what was watched.
    pub(super) fn watched(change: impl FnOnce(&mut WatchAudit)) -> Run {
        let mut run = quiet();
        if let Some(watch) = &mut run.audit.watch {
            change(watch);
        }
        run
    }
}
