//! Counters that the measuring threads and the page share.

use std::sync::atomic::AtomicU64;

/// Counters of a bench.
#[derive(Debug)]
pub(super) struct Handed {
    /// Requests that were sent.
    pub(super) sent: AtomicU64,
    /// Requests that have ended and are missing on the page.
    pub(super) left_out: AtomicU64,
}
