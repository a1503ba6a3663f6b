//! A time limit that may move later without touching the timer.

use crate::clock::{Clock, Nanos, Sleep};
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// Watches a deadline that moves with every read.
///
/// Re-arming a timer for each token would cost more than reading the token, so the timer stays where it is
/// and moves only when it rings too early.
pub(super) struct Watchdog {
    clock: Clock,
    timer: Option<Sleep>,
}

impl Watchdog {
    pub(super) fn new(clock: Clock) -> Self {
        Watchdog { clock, timer: None }
    }

    /// Ready once `deadline` has passed.
    pub(super) fn poll_expired(&mut self, cx: &mut Context<'_>, deadline: Nanos) -> Poll<()> {
        let clock = &self.clock;
        let timer = self
            .timer
            .get_or_insert_with(|| clock.sleep_until(deadline));
        if timer.at() > deadline {
            timer.reset(deadline);
        }
        loop {
            ready!(Pin::new(&mut *timer).poll(cx));
            if timer.at() >= deadline {
                return Poll::Ready(());
            }
            timer.reset(deadline);
        }
    }
}
