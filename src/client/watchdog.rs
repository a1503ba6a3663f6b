//! A time limit that may move later without touching the timer.

use crate::clock::{Clock, Nanos};
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

/// Watches a deadline that moves with every read.
///
/// Re-arming a timer for each token would cost more than reading the token, so the timer stays
/// where it is and is only moved when it rings too early.
pub(super) struct Watchdog {
    clock: Clock,
    timer: Option<(Nanos, Timer)>,
}

type Timer = Pin<Box<dyn Future<Output = ()>>>;

impl Watchdog {
    pub(super) fn new(clock: Clock) -> Self {
        Watchdog { clock, timer: None }
    }

    /// Ready once `deadline` has passed.
    pub(super) fn poll_expired(&mut self, cx: &mut Context<'_>, deadline: Nanos) -> Poll<()> {
        loop {
            match &mut self.timer {
                Some((rings, timer)) if *rings <= deadline => {
                    if timer.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    self.timer = None;
                    if self.clock.now() >= deadline {
                        return Poll::Ready(());
                    }
                }
                _ => {
                    let clock = self.clock.clone();
                    let sleep = Box::pin(async move { clock.sleep_until(deadline).await });
                    self.timer = Some((deadline, sleep));
                }
            }
        }
    }
}
