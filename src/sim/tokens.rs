//! Where the tokens of an answer come from.

use super::{engine::Ticket, script::TokenTimes};
use crate::clock::{Clock, Nanos};
use futures_util::stream::{self, Stream};

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
    /// Waits for the next tokens and says when they were ready and how many there are; `None` when
    /// no more will come.
    pub(super) async fn next(&mut self) -> Option<(Nanos, u64)> {
        match self {
            TokenSource::Scripted { times, clock } => {
                let at = times.next()?;
                clock.sleep_until(at).await;
                Some((at, 1))
            }
            TokenSource::Engine(ticket) => ticket.next().await,
        }
    }

    /// All of them.
    pub(super) fn ready(self) -> impl Stream<Item = (Nanos, u64)> {
        stream::unfold(self, |mut source| async {
            let tokens = source.next().await?;
            Some((tokens, source))
        })
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
                        Some((_, more)) => ready += more,
                        None => return,
                    }
                }
            }
        }
    }
}
