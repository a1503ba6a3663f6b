//! What workers that send one plan have to know of each other.

use crate::clock::{Clock, Nanos};
use std::sync::{Condvar, Mutex, PoisonError};

/// Where workers wait for each other before the schedule starts.
///
/// Each has a [`Place`] there from before it is started. A place that is given up lets the others go home:
/// nobody waits for a worker that could not start.
pub(super) struct StartLine {
    state: Mutex<Lined>,
    changed: Condvar,
}

/// Who is at the line.
struct Lined {
    awaited: usize,
    given_up: bool,
    start: Option<Nanos>,
}

/// A worker's place at the line; dropping it gives it up, unless the worker was there.
pub(super) struct Place<'a> {
    line: &'a StartLine,
    arrived: bool,
}

impl StartLine {
    /// For so many workers.
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

    /// The place of one worker.
    pub(super) fn place(&self) -> Place<'_> {
        Place {
            line: self,
            arrived: false,
        }
    }
}

impl Place<'_> {
    /// Waits until all are here, and gives the common start; `None` if one of them will never come.
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
