//! One Linux timer for all sleepers of a runtime.
//!
//! A `timerfd` is armed for the earliest deadline. When it fires, tokio's I/O driver calls [`Fired`], which
//! wakes every sleeper whose deadline has passed and arms the timer for the next. So no task needs an
//! owner, and no sleeper depends on another.

use super::{
    Nanos,
    sleepers::{Sleepers, Time},
};
use nix::sys::{
    time::TimeSpec,
    timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
};
use std::{
    future::poll_fn,
    io,
    os::fd::{AsFd, AsRawFd, RawFd},
    pin::pin,
    sync::{Arc, Mutex, PoisonError, Weak},
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};
use tokio::{
    io::{Interest, unix::AsyncFd},
    task::coop::unconstrained,
};

/// The timer and its sleepers. Clones share both.
#[derive(Debug, Clone)]
pub(super) struct Timer(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    origin: Instant,
    fd: AsyncFd<Alarm>,
    sleepers: Sleepers,
    armed: Mutex<Option<Nanos>>,
    fired: Waker,
}

#[derive(Debug)]
struct Alarm(TimerFd);

impl AsRawFd for Alarm {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl Timer {
    /// Creates a timer on the I/O driver of the current runtime, with time that started at `origin`.
    pub(super) fn new(origin: Instant) -> io::Result<Self> {
        let alarm = Alarm(TimerFd::new(
            ClockId::CLOCK_MONOTONIC,
            TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC,
        )?);
        #[expect(
            deprecated,
            reason = "its successor is unsafe; `Alarm` owns its descriptor and always returns the \
                      same one, which is all that the successor would make us promise"
        )]
        let fd = AsyncFd::with_interest(alarm, Interest::READABLE)?;
        let shared = Arc::new_cyclic(|timer| Shared {
            origin,
            fd,
            sleepers: Sleepers::default(),
            armed: Mutex::default(),
            fired: Waker::from(Arc::new(Fired(timer.clone()))),
        });
        shared.listen();
        Ok(Timer(shared))
    }
}

impl Shared {
    /// Reads the expiration count and registers for the next expiration.
    fn listen(&self) {
        let mut context = Context::from_waker(&self.fired);
        loop {
            // Unconstrained: a task without budget left would only have to return later.
            let ready = pin!(unconstrained(poll_fn(|cx| self.fd.poll_read_ready(cx))));
            match ready.poll(&mut context) {
                Poll::Pending => return,
                Poll::Ready(Ok(mut guard)) => {
                    // Fails only if the timer was armed again after it fired.
                    let _ = guard.get_inner().0.wait();
                    guard.clear_ready();
                    drop(guard);
                    self.ring();
                }
                // The runtime shuts down and will not poll the sleepers again.
                Poll::Ready(Err(_)) => return,
            }
        }
    }

    /// Wakes all due sleepers, and arms the timer for the next one.
    fn ring(&self) {
        *self.armed.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.sleepers.wake_due(self.now());
        if let Some(next) = self.sleepers.first() {
            self.arm(next);
        }
    }

    fn now(&self) -> Nanos {
        Nanos::default().after(self.origin.elapsed())
    }

    /// Arms the timer, unless it is armed for that time or an earlier one.
    fn arm(&self, at: Nanos) {
        let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        if armed.is_some_and(|armed| armed <= at) {
            return;
        }
        *armed = Some(at);
        // 0 would disarm the timer.
        let left = (at - self.now()).max(Duration::from_nanos(1));
        // Timer and time are valid, so this cannot fail.
        let _ = self.fd.get_ref().0.set(
            Expiration::OneShot(TimeSpec::from_duration(left)),
            TimerSetTimeFlags::empty(),
        );
    }
}

impl Time for Timer {
    fn now(&self) -> Nanos {
        self.0.now()
    }

    fn sleepers(&self) -> &Sleepers {
        &self.0.sleepers
    }

    fn awaited(&self, at: Nanos) {
        self.0.arm(at);
    }
}

/// Waker that the I/O driver calls when the timer has fired.
#[derive(Debug)]
struct Fired(Weak<Shared>);

impl Wake for Fired {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(timer) = self.0.upgrade() {
            timer.listen();
        }
    }
}
