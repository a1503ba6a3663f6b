//! Processor time.
#![allow(clippy::unwrap_used, reason = "a bench that cannot run panics")]

/// CPU seconds of this process that `work` took.
#[cfg(unix)]
pub(crate) fn cpu<T>(work: impl FnOnce() -> T) -> (f64, T) {
    use nix::sys::resource::{UsageWho, getrusage};

    let now = || {
        let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
        let user = usage.user_time();
        let system = usage.system_time();
        (user.tv_sec() + system.tv_sec()) as f64 + (user.tv_usec() + system.tv_usec()) as f64 / 1e6
    };
    let before = now();
    let done = work();
    (now() - before, done)
}

/// Seconds that `work` took: it has one thread, which never waits.
#[cfg(not(unix))]
pub(crate) fn cpu<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = std::time::Instant::now();
    let done = work();
    (start.elapsed().as_secs_f64(), done)
}
