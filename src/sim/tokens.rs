//! Where the tokens of an answer come from.

use super::{engine::Ticket, script::TokenTimes};
use crate::clock::Clock;

/// The one seam between the latency models and the HTTP surface: it says when tokens are ready.
/// Dropping it gives the rest up.
#[derive(Debug)]
pub(super) enum TokenSource {
    /// At times drawn beforehand.
    Scripted {
        /// The times, without end.
        times: TokenTimes,
        /// Their clock.
        clock: Clock,
    },
    /// When the engine has made them.
    Engine(Ticket),
}

impl TokenSource {
    /// Waits for the next tokens and says how many there are; `None` when no more will come.
    pub(super) async fn next(&mut self) -> Option<u64> {
        match self {
            TokenSource::Scripted { times, clock } => {
                clock.sleep_until(times.next()?).await;
                Some(1)
            }
            TokenSource::Engine(ticket) => ticket.next().await.map(|(_, tokens)| tokens),
        }
    }

    /// Waits until `tokens` are ready.
    pub(super) async fn all(mut self, tokens: u64) {
        match &mut self {
            // One wait for the last instead of one for each.
            TokenSource::Scripted { times, clock } => {
                let last = usize::try_from(tokens.saturating_sub(1)).unwrap_or(usize::MAX);
                if let Some(at) = times.nth(last) {
                    clock.sleep_until(at).await;
                }
            }
            TokenSource::Engine(_) => {
                let mut ready = 0;
                while ready < tokens {
                    match self.next().await {
                        Some(more) => ready += more,
                        None => return,
                    }
                }
            }
        }
    }
}
