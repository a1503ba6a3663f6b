//! One plan, sent by several threads.
//!
//! Each has a runtime, a clock, connections and a part of the plan of its own: they share nothing
//! but the moment at which they start. Request `i` is the matter of worker `i` modulo their number.

use super::driver::{Delivery, Driver};
use crate::{
    clock::{Clock, Nanos, on_real_time_since},
    plan::Plan,
};
use bytes::Bytes;
use std::{
    io, panic,
    sync::{Barrier, OnceLock},
    thread,
    time::Instant,
};

/// Where workers wait for each other before the schedule starts.
pub(super) struct StartLine {
    barrier: Barrier,
    start: OnceLock<Nanos>,
}

impl StartLine {
    /// For so many workers.
    pub(super) fn new(workers: usize) -> Self {
        StartLine {
            barrier: Barrier::new(workers),
            start: OnceLock::new(),
        }
    }

    /// Waits until all are here, and gives the common start.
    pub(super) fn wait(&self, clock: &Clock) -> Nanos {
        self.barrier.wait();
        *self.start.get_or_init(|| clock.now())
    }
}

/// The part of a plan that one worker sends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    /// Its number, from 0.
    pub(super) worker: usize,
    /// How many there are.
    pub(super) workers: usize,
}

impl Share {
    /// All of it.
    pub(super) const WHOLE: Share = Share {
        worker: 0,
        workers: 1,
    };

    /// Whether the request at this place of the plan is in it.
    pub(super) fn has(self, index: usize) -> bool {
        index % self.workers == self.worker
    }

    /// Its part of so many of something.
    pub(super) fn of(self, all: usize) -> usize {
        all / self.workers + usize::from(self.worker < all % self.workers)
    }
}

impl Driver {
    /// [`drive`](Driver::drive) by so many threads, on real time. `max_concurrency` and `prewarm` are
    /// divided among them, so there are never more of them than that allows.
    ///
    /// # Errors
    /// The system refuses a thread or its resources.
    pub fn drive_with(
        &self,
        workers: usize,
        plan: &Plan,
        bodies: &[Bytes],
    ) -> io::Result<Delivery> {
        let workers = workers.min(self.max_concurrency.unwrap_or(workers)).max(1);
        let (origin, now) = (Instant::now(), self.clock.now());
        let line = StartLine::new(workers);
        let drive = |worker| {
            let share = Share { worker, workers };
            on_real_time_since(origin, async |clock| {
                let driver = Driver {
                    clock,
                    ..self.clone()
                };
                driver.drive_share(plan, bodies, share, &line).await
            })
        };
        thread::scope(|scope| {
            let drive = &drive;
            let threads: Vec<_> = (0..workers)
                .map(|worker| scope.spawn(move || drive(worker)))
                .collect();
            let mut whole = Delivery::default();
            for thread in threads {
                let delivered = thread
                    .join()
                    .unwrap_or_else(|panic| panic::resume_unwind(panic));
                whole.merge(delivered?);
            }
            // The workers' clocks began with them.
            whole.started.0 += now.0;
            Ok(whole)
        })
    }
}

impl Delivery {
    /// Adds what another worker did of the same plan.
    fn merge(&mut self, other: Delivery) {
        self.records.extend(other.records);
        self.records.sort_unstable_by_key(|record| record.index);
        self.started = other.started;
        self.duration = self.duration.max(other.duration);
        self.connections += other.connections;
        self.reads.merge(&other.reads);
        self.watch = match (self.watch.take(), other.watch) {
            (Some(watch), Some(other)) => Some(watch.beside(other)),
            (one, other) => one.or(other),
        };
        self.resolved_in = self.resolved_in.or(other.resolved_in);
        self.probes.extend(other.probes);
        self.partial |= other.partial;
    }
}
