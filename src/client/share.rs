//! What workers that send one plan share.

use crate::clock::{Clock, Nanos};
use std::sync::{Condvar, Mutex, PoisonError};

/// Where workers wait for each other before the schedule starts.
///
/// Each worker has a [`Place`] from before its thread starts. Dropping a place releases the others: no
/// worker waits for one that could not start.
pub(super) struct StartLine {
    state: Mutex<Lined>,
    changed: Condvar,
}

/// State of the line.
struct Lined {
    awaited: usize,
    given_up: bool,
    start: Option<Nanos>,
}

/// A worker's place at the line; dropping it gives it up, unless the worker already waited.
pub(super) struct Place<'a> {
    line: &'a StartLine,
    arrived: bool,
}

impl StartLine {
    /// Creates a line for `workers`.
    pub(super) fn new(workers: usize) -> Self {
        StartLine {
            state: Mutex::new(Lined {
                awaited: workers,
                given_up: false,
                start: None,
            }),
            changed: Condvar::new(),
        }
    }

    /// Takes the place of one worker.
    pub(super) fn place(&self) -> Place<'_> {
        Place {
            line: self,
            arrived: false,
        }
    }
}

impl Place<'_> {
    /// Waits until all workers are here, and returns the common start; `None` if one of them will never
    /// come.
    pub(super) fn wait(mut self, clock: &Clock) -> Option<Nanos> {
        self.arrived = true;
        let StartLine { state, changed } = self.line;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.awaited -= 1;
        if state.awaited == 0 {
            state.start = Some(clock.now());
            changed.notify_all();
        }
        let waits = |state: &mut Lined| state.start.is_none() && !state.given_up;
        let state = changed.wait_while(state, waits);
        state.unwrap_or_else(PoisonError::into_inner).start
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.arrived {
            let StartLine { state, changed } = self.line;
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.given_up = true;
            changed.notify_all();
        }
    }
}

/// Part of a plan that one worker sends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    /// Number of the worker, from 0.
    pub(super) worker: usize,
    /// Number of workers.
    pub(super) workers: usize,
}

impl Share {
    /// The whole plan.
    pub(super) const WHOLE: Share = Share {
        worker: 0,
        workers: 1,
    };

    /// Whether the part contains the request at this place of the plan.
    pub(super) fn has(self, index: usize) -> bool {
        index % self.workers == self.worker
    }

    /// The worker's part of a total.
    pub(super) fn of(self, all: usize) -> usize {
        all / self.workers + usize::from(self.worker < all % self.workers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::on_virtual_time;
    use std::thread;

    #[test]
    fn a_worker_that_dies_before_the_line_starves_nobody() {
        let line = StartLine::new(3);
        thread::scope(|scope| {
            let waiting: Vec<_> = (0..2)
                .map(|_| {
                    let place = line.place();
                    scope.spawn(|| on_virtual_time(async |clock| place.wait(&clock)).unwrap())
                })
                .collect();
            drop(line.place());
            for worker in waiting {
                assert_eq!(worker.join().unwrap(), None);
            }
        });
    }

    #[test]
    fn all_have_one_start() {
        let line = StartLine::new(2);
        let starts = thread::scope(|scope| {
            let run = |place: Place<'_>| on_virtual_time(async |clock| place.wait(&clock)).unwrap();
            let (one, other) = (line.place(), line.place());
            let other = scope.spawn(move || run(other));
            [run(one), other.join().unwrap()]
        });
        assert!(starts[0].is_some());
        assert_eq!(starts[0], starts[1]);
    }
}
