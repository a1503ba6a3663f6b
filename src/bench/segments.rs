//! A run that consists of segments, as one.

use crate::{
    client::{ReadLog, WatchLog},
    clock::Nanos,
    plan::{self, Plan},
    run::{Run, Timestamps},
};
use std::sync::Arc;

/// A run of one segment or several, one after the other.
pub(super) struct Segments {
    /// All segments as if they were one run. Its plan's hash is that of the first plan until it
    /// [ends](Segments::into_run).
    run: Run,
    /// What the run's audit sums up.
    logs: Logs,
    /// The plan of each.
    plans: Vec<Arc<Plan>>,
    /// When the round that is under way began.
    round_start: Nanos,
}

/// What the client noted about itself, in a form that can be added up.
pub(super) struct Logs {
    pub(super) reads: ReadLog,
    pub(super) watch: Option<WatchLog>,
}

impl Segments {
    /// The run of one segment, whose audit is made from these logs.
    pub(super) fn one(run: Run, logs: Logs, plan: Arc<Plan>) -> Self {
        Segments {
            run,
            logs,
            plans: vec![plan],
            round_start: Nanos(0),
        }
    }

    /// The number of segments.
    pub(super) fn count(&self) -> usize {
        self.plans.len()
    }

    /// The run so far.
    pub(super) fn run(&self) -> &Run {
        &self.run
    }

    /// Returns whether the last segment was stopped before all of its plan was sent.
    pub(super) fn is_partial(&self) -> bool {
        self.run.partial
    }

    /// Marks the run as stopped: nothing more is sent, although more was wanted.
    pub(super) fn stop(&mut self) {
        self.run.partial = true;
    }

    /// Appends the same plan, sent once more.
    pub(super) fn append_round(&mut self, next: Segments) {
        let first = self.run.records.len();
        self.append(next);
        self.run.setup.rounds += 1;
        self.ends_round(first);
    }

    /// Notes the time of the round that begins with this record, if every request of the round succeeded.
    pub(super) fn ends_round(&mut self, first: usize) {
        let start = self.round_start;
        let took = Nanos(self.run.duration.0 - start.0);
        self.round_start = self.run.duration;
        let round = &mut self.run.records[first..];
        if round.iter().all(|record| record.ok()) {
            let last = round.iter_mut().max_by_key(|record| record.end);
            if let Some(last) = last {
                last.round_e2el = Some(took);
            }
        }
    }

    /// Appends segments that were sent after these. Their times count from the start of the first segment.
    pub(super) fn append(&mut self, next: Segments) {
        let Segments {
            run: next,
            logs,
            plans,
            ..
        } = next;
        let run = &mut self.run;
        let start = run.duration;
        let planned = run.setup.requests;
        let sessions: usize = self.plans.iter().map(|plan| plan.session_count()).sum();
        run.records
            .extend(next.records.into_iter().map(|mut record| {
                record.index += planned;
                if let Some(turn) = &mut record.turn {
                    turn.session += sessions;
                }
                record.shift(start.0.cast_signed());
                record
            }));
        let abandoned = next.abandoned.into_iter().map(|index| index + planned);
        run.abandoned.extend(abandoned);
        let probed = run.probes.len();
        run.probes.extend(next.probes.into_iter().map(|mut probe| {
            probe.index += probed;
            probe.shift(start.0.cast_signed());
            probe
        }));
        run.rate_changes
            .extend(next.rate_changes.into_iter().map(|mut change| {
                change.at.0 += start.0;
                change
            }));
        run.duration.0 += next.duration.0;
        run.setup.requests += next.setup.requests;
        run.partial |= next.partial;
        if let (Some(server), Some(next)) = (&mut run.server, next.server) {
            server.append(next, start);
        }
        let audit = &mut run.audit;
        audit.connections += next.audit.connections;
        audit.server_ttft = match (audit.server_ttft, next.audit.server_ttft) {
            (Some(ttft), Some(next)) => Some(ttft.plus(next)),
            _ => None,
        };
        self.logs.append(logs);
        audit.reads = (&self.logs.reads).into();
        audit.watch = self.logs.watch.as_ref().map(Into::into);
        if next.audit.timestamps == Timestamps::Kernel {
            audit.timestamps = Timestamps::Kernel;
        }
        self.plans.extend(plans);
    }

    /// The whole run, with the hash of all plans in a row, each with its own times.
    pub(super) fn into_run(mut self) -> Run {
        if self.plans.len() > 1 {
            let plans = self.plans.iter().map(|plan| &plan.requests[..]);
            self.run.setup.plan_hash = plan::hash(&plans.collect::<Vec<_>>());
        }
        self.run
    }
}

impl Logs {
    fn append(&mut self, next: Logs) {
        self.reads.merge(&next.reads);
        if let (Some(watch), Some(next)) = (&mut self.watch, next.watch) {
            *watch = std::mem::take(watch).followed_by(next);
        }
    }
}
