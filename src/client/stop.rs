//! Ending a run early without losing what was measured.

use std::{
    future::{pending, poll_fn},
    pin::{Pin, pin},
    task::Poll,
};
use tokio::sync::watch;

/// Asks runs to end.
#[derive(Debug, Clone)]
pub struct Stopper(watch::Sender<bool>);

/// Tells a run that it is to end.
#[derive(Debug, Clone)]
pub struct Stop(Option<watch::Receiver<bool>>);

impl Stop {
    /// A run that nobody ends.
    pub fn never() -> Self {
        Stop(None)
    }

    /// A pair.
    pub fn pair() -> (Stopper, Stop) {
        let (sender, receiver) = watch::channel(false);
        (Stopper(sender), Stop(Some(receiver)))
    }

    /// Whether the run is to end.
    pub fn is_requested(&self) -> bool {
        self.0.as_ref().is_some_and(|stop| *stop.borrow())
    }

    /// Returns once the run is to end.
    pub async fn requested(&mut self) {
        if let Some(stop) = &mut self.0
            && stop.wait_for(|stop| *stop).await.is_ok()
        {
            return;
        }
        // Nobody is left who could ask.
        pending().await
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

impl Stopper {
    /// Ends the run: nothing more is sent, what is under way is cancelled.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}
