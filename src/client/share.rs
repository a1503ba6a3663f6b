//! What workers that send one plan have to know of each other.

use crate::clock::{Clock, Nanos};
use std::sync::{Barrier, OnceLock};

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
