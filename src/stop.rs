//! Ending a run early without losing what was measured.

use std::{
    future::{pending, poll_fn},
    pin::{Pin, pin},
    task::Poll,
    thread,
    time::{Duration, Instant},
};
use tokio::{select, sync::watch};

/// What waits on a thread, and not in a task, looks this often whether it is to end.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Asks runs to end. Dropping it asks for nothing.
#[derive(Debug, Clone)]
pub struct Stopper(watch::Sender<bool>);

/// Tells a run that it is to end. Everything in a run that waits listens to it. Clones tell the same.
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
    /// That of the run alone, where others have the first one too.
    alone: Option<watch::Receiver<bool>>,
}

impl Stop {
    /// A run that nobody ends.
    pub fn never() -> Self {
        Stop::default()
    }

    /// A pair. It may serve any number of runs.
    pub fn pair() -> (Stopper, Stop) {
        let (sender, receiver) = watch::channel(false);
        let stop = Stop {
            asked: Some(receiver),
            alone: None,
        };
        (Stopper(sender), stop)
    }

    /// The same for one run, which the stopper ends without the others.
    pub(crate) fn for_one(self) -> (Stopper, Stop) {
        let (sender, receiver) = watch::channel(false);
        let stop = Stop {
            alone: Some(receiver),
            ..self
        };
        (Stopper(sender), stop)
    }

    /// Whether the run is to end.
    pub fn is_requested(&self) -> bool {
        let asks =
            |stop: &Option<watch::Receiver<bool>>| stop.as_ref().is_some_and(|s| *s.borrow());
        asks(&self.asked) || asks(&self.alone)
    }

    /// Returns once the run is to end.
    pub async fn requested(&mut self) {
        select! {
            () = heard(&mut self.asked) => (),
            () = heard(&mut self.alone) => (),
        }
    }

    /// What `work` comes to, unless the run is to end first.
    pub(crate) async fn or_ended<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut stop = self.clone();
        select! {
            biased;
            output = work => Some(output),
            () = stop.requested() => None,
        }
    }

    /// Blocks for this long, or until the run is to end; whether it is.
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

    /// What `work` comes to, unless the run is to end first. Must be a task of its own.
    pub(super) async fn or_cut<F: Future>(&self, mut work: Pin<&mut F>) -> Option<F::Output> {
        let mut stop = self.clone();
        let mut requested = pin!(stop.requested());
        let mut listening = false;
        poll_fn(|cx| {
            if let Poll::Ready(output) = work.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            // A task is woken under one name all its life, so it need not say again with every token
            // that it listens.
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
    // Nobody is left who could ask.
    pending().await
}

impl Stopper {
    /// Ends the run: nothing more is sent, what is under way is cancelled.
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
