//! How an answer makes its connection end, which HTTP has no word for.

use std::future::pending;
use tokio::sync::mpsc;

/// What becomes of a connection in the middle of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It stays open, and nothing more comes.
    Silence,
    /// It is closed.
    Close,
    /// It is reset, where it runs over TCP; closed elsewhere.
    Reset,
}

/// Ends the connection that it was made for.
#[derive(Debug, Clone)]
pub(super) struct HangUp(mpsc::UnboundedSender<Ending>);

/// Hears of a [`HangUp`].
#[derive(Debug)]
pub(super) struct HungUp(mpsc::UnboundedReceiver<Ending>);

impl HangUp {
    pub(super) fn pair() -> (HangUp, HungUp) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (HangUp(sender), HungUp(receiver))
    }

    /// Ends the connection. Because the request that asks for it waits here for ever, hyper first
    /// writes out what it holds, and only then the connection hears of it.
    pub(super) async fn end<Never>(&self, ending: Ending) -> Never {
        if ending != Ending::Silence {
            // Nobody hears it only if the connection is gone already.
            let _ = self.0.send(ending);
        }
        pending().await
    }
}

impl HungUp {
    /// How the connection is to end; never resolves while all goes well.
    pub(super) async fn heard(&mut self) -> Ending {
        match self.0.recv().await {
            Some(ending) => ending,
            None => pending().await,
        }
    }
}
