//! One clock for everything that measures or waits.
//!
//! All times of a run are [`Nanos`] since the run's start. A [`Clock`] is either
//! [real](Clock::real), with waits far finer than tokio's steps of 1 ms, or
//! [virtual](Clock::virtual_time), where time jumps to the next deadline whenever nothing can run.

mod real;
mod runtime;
#[cfg(target_os = "linux")]
mod timerfd;
mod virtual_time;

pub use runtime::{runtime_real, runtime_virtual};

use serde::{Deserialize, Serialize};
use std::{io, ops::Sub, pin::pin, time::Duration};

/// Nanoseconds since the run's start.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Nanos(pub u64);

impl Nanos {
    /// From seconds; negative values become 0.
    pub fn from_secs_f64(seconds: f64) -> Self {
        Nanos((seconds * 1e9).round() as u64)
    }

    /// In seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// In milliseconds.
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// This time plus a span.
    pub fn after(self, span: Duration) -> Self {
        Nanos(
            self.0
                .saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

/// The span between two times, 0 when the right one is later.
impl Sub for Nanos {
    type Output = Duration;

    fn sub(self, earlier: Nanos) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// The time of a run, and waiting in it. Clones share the same origin.
#[derive(Debug, Clone)]
pub struct Clock(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Real(real::Real),
    Virtual(virtual_time::Virtual),
}

/// A deadline passed before the work was done; see [`Clock::timeout_at`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the deadline has passed")]
pub struct Elapsed;

impl Clock {
    /// A monotonic clock that starts now, for the tokio runtime that it is made in (I/O and time
    /// enabled, see [`runtime_real`]).
    ///
    /// # Errors
    ///
    /// There is no such runtime, or the system refuses a timer.
    pub fn real() -> io::Result<Self> {
        Ok(Clock(Kind::Real(real::Real::new()?)))
    }

    /// A clock that starts now and runs on the paused time of [`runtime_virtual`], inside which it
    /// must be made and used. Its steps are 1 µs; deadlines are rounded up to the next.
    pub fn virtual_time() -> Self {
        Clock(Kind::Virtual(virtual_time::Virtual::new()))
    }

    /// The same, but it is tokio's own paused time: for code that itself sleeps by tokio's clock,
    /// such as a service under test. Its steps are 1 ms.
    pub fn virtual_tokio_time() -> Self {
        Clock(Kind::Virtual(virtual_time::Virtual::undilated()))
    }

    /// Whether time is virtual.
    pub fn is_virtual(&self) -> bool {
        matches!(self.0, Kind::Virtual(_))
    }

    /// The time now.
    pub fn now(&self) -> Nanos {
        match &self.0 {
            Kind::Real(real) => real.now(),
            Kind::Virtual(paused) => paused.now(),
        }
    }

    /// Waits until `at`; returns at once when that has passed. Never returns early. May be dropped
    /// at any time.
    pub async fn sleep_until(&self, at: Nanos) {
        match &self.0 {
            Kind::Real(real) => real.sleep_until(at).await,
            Kind::Virtual(paused) => paused.sleep_until(at).await,
        }
    }

    /// What `work` comes to, unless `at` passes first. Work that is ready when the deadline passes
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
