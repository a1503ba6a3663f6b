//! The two runtimes that clocks live in: one thread each.

use std::io;
use tokio::runtime::{Builder, Runtime};

/// A runtime for [`Clock::real`](super::Clock::real).
///
/// # Errors
///
/// The system refuses its resources.
pub fn runtime_real() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// A runtime for [`Clock::virtual_time`](super::Clock::virtual_time): its time is paused and jumps
/// to the next deadline when no task can run. It has no sockets, because the system's network does
/// not follow virtual time.
///
/// # Errors
///
/// The system refuses its resources.
pub fn runtime_virtual() -> io::Result<Runtime> {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
}
