//! When the schedule starts, where several processes send one plan.

use crate::clock::{Clock, Nanos};

/// An agreement on a common start. A process that sends alone needs none.
pub trait Start: Send + Sync {
    /// Waits until all processes are ready, and returns when they start, by this clock. `None` if they do not: then
    /// nothing is sent.
    ///
    /// The calling thread, which has nothing else to do then, is blocked for a limited time.
    fn agree(&self, clock: &Clock) -> Option<Nanos>;
}
