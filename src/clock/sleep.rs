//! Waiting on any kind of clock.

use super::{Clock, Kind, Nanos, sleepers, virtual_time::Virtual};
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

/// Future that waits for a time; see [`Clock::sleep_until`]. May be dropped at any time.
pub struct Sleep(Wait);

enum Wait {
    #[cfg(target_os = "linux")]
    Real(sleepers::Sleep<super::timerfd::Timer>),
    Virtual(sleepers::Sleep<Virtual>),
    /// A wait by tokio's timers.
    Coarse {
        clock: Clock,
        at: Nanos,
        wait: Pin<Box<dyn Future<Output = ()> + Send>>,
    },
}

impl Sleep {
    pub(super) fn new(clock: &Clock, at: Nanos) -> Self {
        Sleep(match &clock.0 {
            #[cfg(target_os = "linux")]
            Kind::Real(timer) => Wait::Real(sleepers::Sleep::new(timer.clone(), at)),
            #[cfg(not(target_os = "linux"))]
            Kind::Real(monotonic) => Wait::Coarse {
                clock: clock.clone(),
                at,
                wait: Box::pin(monotonic.clone().sleep_until(at)),
            },
            Kind::Virtual(time) => Wait::Virtual(sleepers::Sleep::new(time.clone(), at)),
            Kind::Paused(paused) => Wait::Coarse {
                clock: clock.clone(),
                at,
                wait: Box::pin(paused.sleep_until(at)),
            },
        })
    }

    /// Time that it waits for.
    pub fn at(&self) -> Nanos {
        match &self.0 {
            #[cfg(target_os = "linux")]
            Wait::Real(sleep) => sleep.at(),
            Wait::Virtual(sleep) => sleep.at(),
            Wait::Coarse { at, .. } => *at,
        }
    }

    /// Changes the time that it waits for.
    pub fn reset(&mut self, at: Nanos) {
        match &mut self.0 {
            #[cfg(target_os = "linux")]
            Wait::Real(sleep) => sleep.reset(at),
            Wait::Virtual(sleep) => sleep.reset(at),
            Wait::Coarse { clock, .. } => *self = Sleep::new(&clock.clone(), at),
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.0 {
            #[cfg(target_os = "linux")]
            Wait::Real(sleep) => Pin::new(sleep).poll(cx),
            Wait::Virtual(sleep) => Pin::new(sleep).poll(cx),
            Wait::Coarse { clock, at, .. } if clock.now() >= *at => Poll::Ready(()),
            Wait::Coarse { wait, .. } => wait.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sleep").field(&self.at()).finish()
    }
}
