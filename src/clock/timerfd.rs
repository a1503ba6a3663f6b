//! One Linux timer for all sleepers of a runtime.
//!
//! A `timerfd` is armed for the earliest deadline. When it fires, tokio's I/O driver calls
//! [`Fired`], which wakes every sleeper whose deadline has passed and arms the timer for the next:
//! there is no task that someone would have to own, and no sleeper on whose life the others depend.

use nix::sys::{
    time::TimeSpec,
    timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
};
use std::{
    collections::BTreeMap,
    future::poll_fn,
    io,
    os::fd::{AsFd, AsRawFd, RawFd},
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};
use tokio::{
    io::{Interest, unix::AsyncFd},
    task::coop::unconstrained,
};

/// The timer and those who wait for it.
#[derive(Debug)]
pub(super) struct Timer {
    fd: AsyncFd<Alarm>,
    waiting: Mutex<Waiting>,
    fired: Waker,
}

#[derive(Debug)]
struct Alarm(TimerFd);

impl AsRawFd for Alarm {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

/// A deadline, and the order of arrival among equal ones.
type Place = (Instant, u64);

#[derive(Debug, Default)]
struct Waiting {
    sleepers: BTreeMap<Place, Waker>,
    arrivals: u64,
    armed: Option<Instant>,
}

impl Timer {
    /// A timer on the I/O driver of the current runtime.
    pub(super) fn new() -> io::Result<Arc<Self>> {
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
        let timer = Arc::new_cyclic(|timer| Timer {
            fd,
            waiting: Mutex::default(),
            fired: Waker::from(Arc::new(Fired(timer.clone()))),
        });
        timer.listen();
        Ok(timer)
    }

    pub(super) fn sleep_until(&self, deadline: Instant) -> Sleep<'_> {
        Sleep {
            timer: self,
            deadline,
            place: None,
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what the timer has to say and asks to hear of the next time it fires.
    fn listen(&self) {
        let mut context = Context::from_waker(&self.fired);
        loop {
            // Unconstrained: a task that has used up its budget would be told to come back later.
            let ready = pin!(unconstrained(poll_fn(|cx| self.fd.poll_read_ready(cx))));
            match ready.poll(&mut context) {
                Poll::Pending => return,
                Poll::Ready(Ok(mut guard)) => {
                    // Fails only when somebody armed the timer anew since it fired.
                    let _ = guard.get_inner().0.wait();
                    guard.clear_ready();
                    drop(guard);
                    self.wake_due();
                }
                // The runtime shuts down: nobody will poll the sleepers again.
                Poll::Ready(Err(_)) => return,
            }
        }
    }

    /// Wakes whoever is due, earliest first.
    fn wake_due(&self) {
        let mut due = Vec::new();
        {
            let mut waiting = self.waiting();
            waiting.armed = None;
            let now = Instant::now();
            while let Some(first) = waiting.sleepers.first_entry() {
                if first.key().0 > now {
                    break;
                }
                due.push(first.remove());
            }
            self.arm_for_first(&mut waiting);
        }
        // Outside the lock, because a waker may poll.
        due.into_iter().for_each(Waker::wake);
    }

    /// Arms the timer for the earliest deadline, unless it is armed for that or an earlier one.
    fn arm_for_first(&self, waiting: &mut Waiting) {
        let Some((&(deadline, _), _)) = waiting.sleepers.first_key_value() else {
            return;
        };
        if waiting.armed.is_some_and(|armed| armed <= deadline) {
            return;
        }
        waiting.armed = Some(deadline);
        // 0 would switch the timer off.
        let left = deadline
            .saturating_duration_since(Instant::now())
            .max(Duration::from_nanos(1));
        // The timer is valid and so is the time, hence this cannot fail.
        let _ = self.fd.get_ref().0.set(
            Expiration::OneShot(TimeSpec::from_duration(left)),
            TimerSetTimeFlags::empty(),
        );
    }
}

/// Called by the I/O driver when the timer has fired.
#[derive(Debug)]
struct Fired(Weak<Timer>);

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

/// A wait for one deadline.
#[derive(Debug)]
pub(super) struct Sleep<'a> {
    timer: &'a Timer,
    deadline: Instant,
    place: Option<Place>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.deadline {
            return Poll::Ready(());
        }
        let mut waiting = self.timer.waiting();
        let place = match self.place {
            Some(place) => place,
            None => {
                waiting.arrivals += 1;
                (self.deadline, waiting.arrivals)
            }
        };
        let replaced = waiting.sleepers.insert(place, cx.waker().clone());
        self.timer.arm_for_first(&mut waiting);
        drop(waiting);
        // Outside the lock, because the last waker of a task drops the task and what it waits for.
        drop(replaced);
        self.place = Some(place);
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            // The waker must not be dropped under the lock either.
            let waker = self.timer.waiting().sleepers.remove(&place);
            drop(waker);
        }
    }
}
