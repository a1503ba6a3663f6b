//! Times of a run, in nanoseconds.

use serde::{Deserialize, Serialize};
use std::{ops::Sub, time::Duration};

/// Nanoseconds since the run's start.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Nanos(pub u64);

impl Nanos {
    /// Converts from seconds; negative values become 0.
    pub fn from_secs_f64(seconds: f64) -> Self {
        Nanos((seconds * 1e9).round() as u64)
    }

    /// Converts to seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Converts to milliseconds.
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Adds a span.
    pub fn after(self, span: Duration) -> Self {
        Nanos(
            self.0
                .saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

/// Subtracts two times; 0 when the right one is later.
impl Sub for Nanos {
    type Output = Duration;

    fn sub(self, earlier: Nanos) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}
