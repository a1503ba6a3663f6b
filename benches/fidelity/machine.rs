//! What the bench asks of the system: the clock that all its processes share, cores, descriptors.

use nix::{
    sched::{CpuSet, sched_setaffinity},
    sys::resource::{Resource, getrlimit, setrlimit},
    time::{ClockId, clock_gettime},
    unistd::{Pid, setsid},
};
use std::error::Error;

pub(crate) type Fallible<T> = Result<T, Box<dyn Error>>;

/// Nanoseconds of `CLOCK_MONOTONIC`, which all processes of a machine share.
pub(crate) fn now() -> Fallible<u64> {
    read(ClockId::CLOCK_MONOTONIC)
}

/// The same instant on the monotonic clock for a time of the wall clock in the recent past.
pub(crate) fn monotonic_of_wall(wall: u64) -> Fallible<u64> {
    let age = read(ClockId::CLOCK_REALTIME)?.saturating_sub(wall);
    Ok(now()?.saturating_sub(age))
}

fn read(clock: ClockId) -> Fallible<u64> {
    let time = clock_gettime(clock)?;
    Ok(u64::try_from(time.tv_sec())? * 1_000_000_000 + u64::try_from(time.tv_nsec())?)
}

/// Keeps this process, and all that it starts, on these cores. Elsewhere if the machine lacks one.
pub(crate) fn pin_to(cores: &[usize]) -> Fallible<()> {
    let count = std::thread::available_parallelism()?.get();
    let mut set = CpuSet::new();
    for core in cores {
        set.set((*core).min(count - 1))?;
    }
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}

/// Puts this process, and all that it starts, before the rest of the machine, if the system lets it.
///
/// Linux shares processor time between sessions first ("autogroups"), so a low `nice` alone, which
/// counts within a session only, does not help against a compiler in another one.
pub(crate) fn take_precedence() {
    // Neither is needed to measure; a user who is not root may not do the second.
    let _ = setsid();
    let _ = std::fs::write("/proc/self/autogroup", "-20");
}

/// Allows as many open descriptors as the system grants this process and all that it starts.
pub(crate) fn raise_descriptor_limit() -> Fallible<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?)
}
