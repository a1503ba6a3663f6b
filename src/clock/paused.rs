//! tokio's own paused clock, for code that sleeps by tokio's time, such as a service under test.

use super::Nanos;
use std::{future::pending, time::Duration};
use tokio::time::Instant;

/// tokio's paused clock, with steps of 1 ms.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paused {
    origin: Instant,
}

impl Paused {
    pub(super) fn new() -> Self {
        Paused {
            origin: Instant::now(),
        }
    }

    pub(super) fn now(&self) -> Nanos {
        Nanos::default().after(self.origin.elapsed())
    }

    pub(super) async fn sleep_until(self, at: Nanos) {
        match self.origin.checked_add(Duration::from_nanos(at.0)) {
            Some(deadline) => tokio::time::sleep_until(deadline).await,
            // A deadline beyond the clock's range never comes.
            None => pending().await,
        }
    }
}
