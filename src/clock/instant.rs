//! Real time on systems without a finer timer than tokio's.

use super::Nanos;
use std::{
    future::pending,
    time::{Duration, Instant},
};

/// Monotonic time.
#[derive(Debug, Clone)]
pub(super) struct Monotonic(Instant);

impl Monotonic {
    pub(super) fn new(origin: Instant) -> std::io::Result<Self> {
        Ok(Monotonic(origin))
    }

    pub(super) fn now(&self) -> Nanos {
        Nanos::default().after(self.0.elapsed())
    }

    /// Sleeps in tokio's steps of 1 ms, then polls: precise where the system's timers are, at the price of up to 2 ms
    /// of a busy thread (which still runs other tasks). Windows' timers have steps of up to 15.6 ms.
    pub(super) async fn sleep_until(self, at: Nanos) {
        // A deadline beyond the clock's range never comes.
        let Some(deadline) = self.0.checked_add(Duration::from_nanos(at.0)) else {
            return pending().await;
        };
        if let Some(coarse) = deadline.checked_sub(Duration::from_millis(2)) {
            tokio::time::sleep_until(coarse.into()).await;
        }
        while Instant::now() < deadline {
            tokio::task::yield_now().await;
        }
    }
}
