//! Ends a connection from inside an answer, which HTTP has no word for.

use std::{
    future::pending,
    sync::{Arc, OnceLock},
};

/// What happens to a connection in the middle of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The connection stays open, and nothing more comes.
    Silence,
    /// The connection is closed.
    Close,
    /// The connection is reset, if it runs over TCP; closed elsewhere.
    Reset,
}

/// Ends the connection that it was made for. Clones are of the same connection.
#[derive(Debug, Clone, Default)]
pub(super) struct HangUp(Arc<OnceLock<Ending>>);

impl HangUp {
    /// Ends the connection. Because the request that asks for it waits here for ever, hyper first
    /// writes out what it holds, and only then the connection looks.
    pub(super) async fn end<Never>(&self, ending: Ending) -> Never {
        if ending != Ending::Silence {
            // A second fault finds the connection ended already.
            let _ = self.0.set(ending);
        }
        pending().await
    }

    /// The way in which the connection must end, if a fault asked for it. Requests are polled by their connection,
    /// which therefore need not be woken to look.
    pub(super) fn asked(&self) -> Option<Ending> {
        self.0.get().copied()
    }
}
