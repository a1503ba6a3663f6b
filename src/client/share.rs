//! What workers that send one plan share.

use super::start::Start;
use crate::{
    clock::{Clock, Nanos},
    shard::Shard,
};
use std::sync::{Condvar, Mutex, PoisonError};

/// Where workers wait for each other before the schedule starts.
///
/// Each worker has a [`Place`] from before its thread starts. Dropping a place releases the others: no
/// worker waits for one that could not start.
pub(super) struct StartLine<'a> {
    state: Mutex<Lined>,
    changed: Condvar,
    /// What the workers of other processes agree on the start by.
    start: Option<&'a dyn Start>,
}

/// State of the line.
struct Lined {
    awaited: usize,
    given_up: bool,
    start: Option<Nanos>,
}

/// A worker's place at the line; dropping it gives it up, unless the worker already waited.
pub(super) struct Place<'a> {
    line: &'a StartLine<'a>,
    arrived: bool,
}

impl<'a> StartLine<'a> {
    /// Creates a line for `workers`, who start together, and with other processes where they agree on it by `start`.
    pub(super) fn new(workers: usize, start: Option<&'a dyn Start>) -> Self {
        StartLine {
            state: Mutex::new(Lined {
                awaited: workers,
                given_up: false,
                start: None,
            }),
            changed: Condvar::new(),
            start,
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
    /// come, or the processes do not start together.
    pub(super) fn wait(mut self, clock: &Clock) -> Option<Nanos> {
        self.arrived = true;
        let StartLine {
            state,
            changed,
            start,
        } = self.line;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.awaited -= 1;
        if state.awaited == 0 {
            state.start = match start {
                Some(start) => start.agree(clock),
                None => Some(clock.now()),
            };
            state.given_up |= state.start.is_none();
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
            let StartLine { state, changed, .. } = self.line;
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.given_up = true;
            changed.notify_all();
        }
    }
}

/// Part of a plan that one worker of a shard sends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    /// The part of this process.
    pub(super) shard: Shard,
    /// Number of the worker, from 0.
    pub(super) worker: usize,
    /// Number of workers of this process.
    pub(super) workers: usize,
}

impl Share {
    /// What a process with one worker sends.
    pub(super) fn alone(shard: Shard) -> Self {
        Share {
            shard,
            worker: 0,
            workers: 1,
        }
    }

    /// Whether the part contains the request, or the session, with this number.
    pub(super) fn has(self, number: usize) -> bool {
        self.shard.has(number) && number / self.shard.count % self.workers == self.worker
    }

    /// The worker's part of this process's total.
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
        let line = StartLine::new(3, None);
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
        let line = StartLine::new(2, None);
        let starts = thread::scope(|scope| {
            let run = |place: Place<'_>| on_virtual_time(async |clock| place.wait(&clock)).unwrap();
            let (one, other) = (line.place(), line.place());
            let other = scope.spawn(move || run(other));
            [run(one), other.join().unwrap()]
        });
        assert!(starts[0].is_some());
        assert_eq!(starts[0], starts[1]);
    }

    #[test]
    fn what_other_processes_agree_on_holds_for_all_workers() {
        struct At(Option<Nanos>);
        impl Start for At {
            fn agree(&self, _: &Clock) -> Option<Nanos> {
                self.0
            }
        }
        for agreed in [Some(Nanos(7_000)), None] {
            let start = At(agreed);
            let line = StartLine::new(2, Some(&start));
            let starts = thread::scope(|scope| {
                let run =
                    |place: Place<'_>| on_virtual_time(async |clock| place.wait(&clock)).unwrap();
                let (one, other) = (line.place(), line.place());
                let other = scope.spawn(move || run(other));
                [run(one), other.join().unwrap()]
            });
            assert_eq!(starts, [agreed, agreed]);
        }
    }

    /// Whatever the numbers of shards and workers, each request has one sender.
    #[test]
    fn every_number_has_one_worker_of_one_shard() {
        for (count, workers) in [(1, 1), (1, 3), (4, 1), (3, 2), (5, 4)] {
            for number in 0..100 {
                let shares = (0..count).flat_map(|index| {
                    let shard = Shard { index, count };
                    (0..workers).map(move |worker| Share {
                        shard,
                        worker,
                        workers,
                    })
                });
                let senders = shares.filter(|share| share.has(number)).count();
                assert_eq!(
                    senders, 1,
                    "{number} of {count} shards of {workers} workers"
                );
            }
        }
    }
}
