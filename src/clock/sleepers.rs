//! Queue of sleeping tasks, by deadline.

use super::Nanos;
use std::{
    collections::BTreeMap,
    fmt,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// Time of one kind of clock.
pub(super) trait Time {
    fn now(&self) -> Nanos;

    fn sleepers(&self) -> &Sleepers;

    /// A task now waits for `at`.
    fn awaited(&self, at: Nanos);
}

/// Waiting tasks, by deadline and then by order of arrival.
#[derive(Default)]
pub(super) struct Sleepers(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    sleepers: BTreeMap<Place, Waker>,
    /// Number of tasks so far.
    came: u64,
}

type Place = (Nanos, u64);

impl Sleepers {
    /// Earliest deadline.
    pub(super) fn first(&self) -> Option<Nanos> {
        self.queue().sleepers.keys().next().map(|&(at, _)| at)
    }

    /// Wakes all tasks whose deadline has come, earliest first.
    pub(super) fn wake_due(&self, now: Nanos) {
        // One by one: waking may drop another sleeper, which needs the queue.
        while let Some(sleeper) = self.pop_due(now) {
            sleeper.wake();
        }
    }

    fn pop_due(&self, now: Nanos) -> Option<Waker> {
        let mut queue = self.queue();
        let first = queue.sleepers.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    fn add(&self, at: Nanos, waker: Waker) -> Place {
        let mut queue = self.queue();
        queue.came += 1;
        let place = (at, queue.came);
        queue.sleepers.insert(place, waker);
        place
    }

    /// Removes a sleeper. Drops its waker after releasing the queue: the waker may be the last owner of a
    /// task, and that task may hold other sleepers.
    fn remove(&self, place: Place) {
        let waker = self.queue().sleepers.remove(&place);
        drop(waker);
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Sleepers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.queue().sleepers.keys()).finish()
    }
}

/// A wait for one deadline.
#[derive(Debug)]
pub(super) struct Sleep<T: Time> {
    time: T,
    at: Nanos,
    /// Place in the queue, and the waker.
    queued: Option<(Place, Waker)>,
}

impl<T: Time> Sleep<T> {
    pub(super) fn new(time: T, at: Nanos) -> Self {
        Sleep {
            time,
            at,
            queued: None,
        }
    }

    pub(super) fn at(&self) -> Nanos {
        self.at
    }

    /// Changes the deadline.
    pub(super) fn reset(&mut self, at: Nanos) {
        self.leave();
        self.at = at;
    }

    fn leave(&mut self) {
        if let Some((place, _)) = self.queued.take() {
            self.time.sleepers().remove(place);
        }
    }
}

impl<T: Time + Unpin> Future for Sleep<T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.time.now() >= self.at {
            return Poll::Ready(());
        }
        let known = self.queued.as_ref();
        if !known.is_some_and(|(_, waker)| waker.will_wake(cx.waker())) {
            self.leave();
            let place = self.time.sleepers().add(self.at, cx.waker().clone());
            self.queued = Some((place, cx.waker().clone()));
            self.time.awaited(self.at);
        }
        Poll::Pending
    }
}

impl<T: Time> Drop for Sleep<T> {
    fn drop(&mut self) {
        self.leave();
    }
}
