//! Sends one plan by several threads.
//!
//! Each thread has its own runtime, clock, connections and part of the plan; they share only the moment at
//! which they start. Worker `i % workers` sends request `i` of the process's part.

use super::{
    compose::Bodies,
    delivery::Delivery,
    driver::Driver,
    share::{Place, Share, StartLine},
};
use crate::{clock::on_real_time_since, plan::Plan};
use std::{io, panic, thread, time::Instant};

impl Driver {
    /// [`drive`](Driver::drive) by several threads, on real time. The threads divide `max_concurrency`,
    /// `max_sessions` and `prewarm` among them, so there are never more threads than that allows.
    ///
    /// # Errors
    /// The system refuses a thread or its resources. Then nothing is sent.
    pub fn drive_with(
        &self,
        workers: usize,
        plan: &Plan,
        bodies: Bodies<'_>,
    ) -> io::Result<Delivery> {
        let limits = [self.max_concurrency, self.max_sessions];
        let workers = limits
            .into_iter()
            .flatten()
            .fold(workers, usize::min)
            .max(1);
        let (origin, now) = (Instant::now(), self.clock.now());
        let line = StartLine::new(workers, self.start.as_deref());
        let drive = |worker, place: Place<'_>| {
            let share = Share {
                shard: self.shard,
                worker,
                workers,
            };
            on_real_time_since(origin, async |clock| {
                let driver = Driver {
                    clock,
                    ..self.clone()
                };
                driver.drive_share(plan, bodies, share, place).await
            })
        };
        thread::scope(|scope| {
            let (drive, line) = (&drive, &line);
            let mut threads = Vec::with_capacity(workers);
            for worker in 0..workers {
                let place = line.place();
                let thread = thread::Builder::new()
                    .name(format!("goodput worker {worker}"))
                    // If the system refuses a thread, its place is dropped, and the other threads stop.
                    .spawn_scoped(scope, move || drive(worker, place))?;
                threads.push(thread);
            }
            let mut whole = Delivery::default();
            for thread in threads {
                let delivered = thread
                    .join()
                    .unwrap_or_else(|panic| panic::resume_unwind(panic));
                whole.merge(delivered?);
            }
            // The workers' clocks started later, with the workers.
            whole.started.0 += now.0;
            Ok(whole)
        })
    }
}

impl Delivery {
    /// Adds the delivery of another worker of the same plan.
    fn merge(&mut self, other: Delivery) {
        self.records.extend(other.records);
        self.records.sort_unstable_by_key(|record| record.index);
        self.started = other.started;
        self.duration = self.duration.max(other.duration);
        self.connections += other.connections;
        self.reads.merge(&other.reads);
        self.watch = match (self.watch.take(), other.watch) {
            (Some(watch), Some(other)) => Some(watch.in_parallel_with(other)),
            (one, other) => one.or(other),
        };
        self.resolved_in = self.resolved_in.or(other.resolved_in);
        self.probes.extend(other.probes);
        self.abandoned.extend(other.abandoned);
        self.abandoned.sort_unstable();
        self.ending = match (self.ending, other.ending) {
            (Some(one), Some(other)) => Some(one.and(other)),
            (one, other) => one.or(other),
        };
        self.partial |= other.partial;
    }
}
