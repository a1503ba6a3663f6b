//! Stops a run early without losing what it measured.

use std::{
    future::{pending, poll_fn},
    pin::{Pin, pin},
    task::Poll,
    thread,
    time::{Duration, Instant},
};
use tokio::{select, sync::watch};

/// How often a waiting thread checks for a stop.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Stops runs. Dropping it stops nothing.
#[derive(Debug, Clone)]
pub struct Stopper(watch::Sender<bool>);

/// The signal that a run should stop. Every wait in a run listens to it. Clones share one state.
///
/// ```
/// use goodput::stop::Stop;
///
/// let (stopper, stop) = Stop::pair();
/// assert!(!stop.is_requested());
/// stopper.stop();
/// assert!(stop.is_requested());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Stop {
    asked: Option<watch::Receiver<bool>>,
    /// Stop of this run alone, in addition to the shared one.
    alone: Option<watch::Receiver<bool>>,
    /// Gives up what is under way when nothing more is sent.
    late: Option<watch::Receiver<bool>>,
}

impl Stop {
    /// A stop that never comes.
    pub fn never() -> Self {
        Stop::default()
    }

    /// Creates a stopper and its stop, which may serve any number of runs.
    pub fn pair() -> (Stopper, Stop) {
        let (sender, receiver) = watch::channel(false);
        let stop = Stop {
            asked: Some(receiver),
            alone: None,
            late: None,
        };
        (Stopper(sender), stop)
    }

    /// Adds a stopper for one run, which leaves the others alone.
    pub(crate) fn for_one(self) -> (Stopper, Stop) {
        let (sender, receiver) = watch::channel(false);
        let stop = Stop {
            alone: Some(receiver),
            ..self
        };
        (Stopper(sender), stop)
    }

    /// Adds a stopper for what is still under way when nothing more is sent.
    pub(crate) fn for_late(self) -> (Stopper, Stop) {
        let (sender, receiver) = watch::channel(false);
        let stop = Stop {
            late: Some(receiver),
            ..self
        };
        (Stopper(sender), stop)
    }

    /// Whether the run should stop.
    pub fn is_requested(&self) -> bool {
        let asks =
            |stop: &Option<watch::Receiver<bool>>| stop.as_ref().is_some_and(|s| *s.borrow());
        asks(&self.asked) || asks(&self.alone) || asks(&self.late)
    }

    /// Returns once the run should stop.
    pub async fn requested(&mut self) {
        select! {
            () = heard(&mut self.asked) => (),
            () = heard(&mut self.alone) => (),
            () = heard(&mut self.late) => (),
        }
    }

    /// Result of `work`, or `None` if the run should stop first.
    pub(crate) async fn or_ended<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut stop = self.clone();
        select! {
            biased;
            output = work => Some(output),
            () = stop.requested() => None,
        }
    }

    /// Blocks for this long, or until the run should stop; returns whether it should.
    pub(crate) fn pause(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        while !self.is_requested() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            thread::sleep(left.min(LOOK_EVERY));
        }
        true
    }

    /// Result of `work`, or `None` if the run should stop first. Needs its own task.
    pub(super) async fn or_cut<F: Future>(&self, mut work: Pin<&mut F>) -> Option<F::Output> {
        let mut stop = self.clone();
        let mut requested = pin!(stop.requested());
        let mut listening = false;
        poll_fn(|cx| {
            if let Poll::Ready(output) = work.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            // A task keeps its waker for life, so it need not register again with every token.
            if !listening || self.is_requested() {
                listening = true;
                return requested.as_mut().poll(cx).map(|()| None);
            }
            Poll::Pending
        })
        .await
    }
}

async fn heard(stop: &mut Option<watch::Receiver<bool>>) {
    if let Some(stop) = stop
        && stop.wait_for(|stop| *stop).await.is_ok()
    {
        return;
    }
    // All stoppers are gone.
    pending().await
}

impl Stopper {
    /// Stops the run: goodput sends nothing more and cancels the requests in flight.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_of_two_ends_a_run_and_one_of_them_only_that_run() {
        let (stopper, shared) = Stop::pair();
        let (only_first, first) = shared.clone().for_one();
        let (_second_stopper, second) = shared.for_one();
        only_first.stop();
        assert!(first.is_requested() && !second.is_requested());
        stopper.stop();
        assert!(second.is_requested());
    }

    #[test]
    fn a_pause_ends_with_the_run() {
        let (stopper, stop) = Stop::pair();
        assert!(!stop.pause(Duration::from_millis(1)));
        stopper.stop();
        let began = Instant::now();
        assert!(stop.pause(Duration::from_secs(3600)));
        assert!(began.elapsed() < Duration::from_secs(60));
    }
}
