//! Runtimes of the clocks: one thread for each.

use super::{Clock, Kind, Real, paused::Paused, virtual_time::Virtual};
use std::{io, time::Instant};
use tokio::runtime::{Builder, LocalOptions};

/// Runs `work` on the calling thread and on real time, with waits that are far finer than tokio's steps of
/// 1 ms. `work` may `spawn_local` tasks.
///
/// # Errors
///
/// The system refuses its resources.
///
/// # Panics
///
/// Inside another runtime.
pub fn on_real_time<T>(work: impl AsyncFnOnce(Clock) -> T) -> io::Result<T> {
    on_real_time_since(Instant::now(), work)
}

/// [`on_real_time`] with a clock that started at `origin`, so that several threads share the same time.
pub(crate) fn on_real_time_since<T>(
    origin: Instant,
    work: impl AsyncFnOnce(Clock) -> T,
) -> io::Result<T> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        // Number of tasks that run before the runtime checks timers and sockets again. With tokio's 61, a
        // request would wait for that many reads.
        .event_interval(8)
        .build_local(LocalOptions::default())?;
    let done = runtime.block_on(async { Ok(work(Clock(Kind::Real(Real::new(origin)?))).await) });
    // A silent resolver must not hold up a run that has ended.
    runtime.shutdown_background();
    done
}

/// Runs `work` on the calling thread and on virtual time: time jumps to the next deadline when no
/// task can run. Its steps are 1 ns. There are no sockets and no tokio timers, because the system's
/// network and tokio do not follow this time. Tasks may be `spawn_local`ed.
///
/// ```
/// use goodput::clock::{Nanos, on_virtual_time};
///
/// let hour = Nanos(3_600_000_000_000);
/// let now = on_virtual_time(async |clock| {
///     clock.sleep_until(hour).await;
///     clock.now()
/// })?;
/// assert_eq!(now, hour);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// The system refuses its resources.
///
/// # Panics
///
/// Inside another runtime.
pub fn on_virtual_time<T>(work: impl AsyncFnOnce(Clock) -> T) -> io::Result<T> {
    let time = Virtual::default();
    let idle = time.clone();
    let runtime = Builder::new_current_thread()
        .on_thread_park(move || idle.advance())
        .build_local(LocalOptions::default())?;
    Ok(runtime.block_on(work(Clock(Kind::Virtual(time)))))
}

/// Runs `work` on the calling thread and on tokio's own paused time, for code that itself sleeps by tokio's
/// clock, such as a service under test. Its steps are 1 ms.
///
/// # Errors
///
/// The system refuses its resources.
///
/// # Panics
///
/// Inside another runtime.
pub fn on_paused_time<T>(work: impl AsyncFnOnce(Clock) -> T) -> io::Result<T> {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build_local(LocalOptions::default())?;
    Ok(runtime.block_on(async { work(Clock(Kind::Paused(Paused::new()))).await }))
}
