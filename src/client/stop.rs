//! Ending a run early without losing what was measured.

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
        std::future::pending().await
    }
}

impl Stopper {
    /// Ends the run: nothing more is sent, what is under way is cancelled.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}
