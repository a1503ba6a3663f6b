//! Where the tokens of an answer come from.

use super::{engine::Ticket, script::TokenTimes};
use crate::clock::{Clock, Nanos, Sleep};
use futures_util::stream::Stream;
use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// The one seam between the latency models and the HTTP surface: a stream that says when tokens were
/// ready and how many there are, without end or until no more will come. Dropping it gives the rest
/// up.
#[derive(Debug)]
pub(super) enum TokenSource {
    /// At times drawn beforehand.
    Scripted {
        /// Until the next token.
        wait: Sleep,
        /// The times of those after it, without end.
        times: TokenTimes,
    },
    /// When the engine has made them.
    Engine(Ticket),
}

impl TokenSource {
    /// Tokens at these times.
    pub(super) fn scripted(mut times: TokenTimes, clock: &Clock) -> Self {
        let first = times.next().unwrap_or(Nanos(u64::MAX));
        TokenSource::Scripted {
            wait: clock.sleep_until(first),
            times,
        }
    }

    /// Waits until `tokens` are ready.
    pub(super) async fn all(mut self, tokens: u64) {
        let mut ready = 0;
        if let TokenSource::Scripted { wait, times } = &mut self
            && let Some(skipped) = tokens.checked_sub(2).and_then(|n| usize::try_from(n).ok())
            && let Some(last) = times.nth(skipped)
        {
            // One wait for the last instead of one for each.
            wait.reset(last);
            ready = tokens - 1;
        }
        while ready < tokens {
            match poll_fn(|cx| Pin::new(&mut self).poll_next(cx)).await {
                Some((_, more)) => ready += more,
                None => return,
            }
        }
    }
}

impl Stream for TokenSource {
    type Item = (Nanos, u64);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<(Nanos, u64)>> {
        match &mut *self {
            TokenSource::Scripted { wait, times } => {
                ready!(Pin::new(&mut *wait).poll(cx));
                let at = wait.at();
                wait.reset(times.next().unwrap_or(Nanos(u64::MAX)));
                Poll::Ready(Some((at, 1)))
            }
            TokenSource::Engine(ticket) => ticket.poll_next(cx),
        }
    }
}
