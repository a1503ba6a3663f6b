//! The clock that everything in a run measures and waits by.
//!
//! All times of a run are [`Nanos`] since the run's start. A [`Clock`] comes with the runtime that it
//! drives: [real](on_real_time), with waits far finer than tokio's steps of 1 ms, or
//! [virtual](on_virtual_time), where time jumps to the next deadline whenever nothing can run.

mod date;
#[cfg(not(target_os = "linux"))]
mod instant;
mod nanos;
mod paused;
mod runtime;
mod sleep;
mod sleepers;
#[cfg(test)]
mod tests;
#[cfg(target_os = "linux")]
mod timerfd;
mod virtual_time;

pub(crate) use date::{rfc3339, today};
pub use nanos::Nanos;
pub(crate) use runtime::on_real_time_since;
pub use runtime::{on_paused_time, on_real_time, on_virtual_time};
pub use sleep::Sleep;

#[cfg(not(target_os = "linux"))]
use instant::Monotonic as Real;
#[cfg(target_os = "linux")]
use timerfd::Timer as Real;

use sleepers::Time as _;
use std::pin::pin;

/// The clock of a run. Clones share the same origin.
#[derive(Debug, Clone)]
pub struct Clock(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Real(Real),
    Virtual(virtual_time::Virtual),
    Paused(paused::Paused),
}

/// The deadline passed before the work was done; see [`Clock::timeout_at`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the deadline has passed")]
pub struct Elapsed;

impl Clock {
    /// Whether time is virtual.
    pub fn is_virtual(&self) -> bool {
        !matches!(self.0, Kind::Real(_))
    }

    /// Current time.
    pub fn now(&self) -> Nanos {
        match &self.0 {
            Kind::Real(real) => real.now(),
            Kind::Virtual(time) => time.now(),
            Kind::Paused(paused) => paused.now(),
        }
    }

    /// Waits until `at`; ready at once when `at` has passed. Never ends early.
    pub fn sleep_until(&self, at: Nanos) -> Sleep {
        Sleep::new(self, at)
    }

    /// Returns the result of `work`, unless `at` passes first. Work that is ready when the deadline passes
    /// wins.
    ///
    /// # Errors
    ///
    /// The deadline passed; `work` is dropped.
    pub async fn timeout_at<F: Future>(&self, at: Nanos, work: F) -> Result<F::Output, Elapsed> {
        let work = pin!(work);
        let deadline = pin!(self.sleep_until(at));
        tokio::select! {
            biased;
            output = work => Ok(output),
            () = deadline => Err(Elapsed),
        }
    }
}
