//! The source of an answer's tokens.

use super::{
    engine::Ticket,
    script::{Latencies, Share, Spans, Work},
};
use crate::clock::{Clock, Nanos, Sleep};
use futures_util::stream::Stream;
use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

/// The one seam between the latency models and the HTTP surface: a stream that says when tokens were
/// ready and how many there are, without end or until no more will come. Dropping it gives the rest
/// up.
#[derive(Debug)]
pub(super) enum TokenSource {
    /// Tokens at times drawn beforehand.
    Scripted {
        /// Until the next token.
        wait: Sleep,
        /// The times of the tokens after it.
        spans: Spans,
    },
    /// When the work that was drawn beforehand is done, which takes longer under load.
    Loaded(Box<Loaded>),
    /// When the engine has made them.
    Engine(Ticket),
    /// One token, when an engine has read several prompts: the prompts that wait, and when the last was read.
    Prefills(Vec<Ticket>, Nanos),
}

/// A request whose tokens take longer under load.
#[derive(Debug)]
pub(super) struct Loaded {
    spans: Spans,
    /// The work that was done when the last token was ready, or let go.
    last: Work,
    /// The work that is done when the next token is ready, once that is drawn.
    target: Option<Work>,
    share: Share,
    /// The stall that it is in.
    stall: Option<Sleep>,
    clock: Clock,
}

impl TokenSource {
    /// The tokens of the `ordinal`th request of a script, which arrived at `arrival`.
    pub(super) fn scripted(
        latencies: &Latencies,
        ordinal: u64,
        prompt_tokens: u64,
        arrival: Nanos,
        clock: &Clock,
    ) -> Self {
        let mut spans = latencies.spans(ordinal, prompt_tokens, arrival);
        let first = spans.next();
        match latencies.load() {
            None => TokenSource::Scripted {
                wait: clock.sleep_until(arrival.after(first)),
                spans,
            },
            Some(load) => {
                let share = Share::new(load.clone(), clock.clone());
                // What the body took to come has passed already.
                let missing = first.saturating_sub(clock.now() - arrival);
                let last = share.done();
                TokenSource::Loaded(Box::new(Loaded {
                    spans,
                    last,
                    target: Some(last.after(missing)),
                    share,
                    stall: None,
                    clock: clock.clone(),
                }))
            }
        }
    }

    /// Stalls the tokens that were ready at `ready`, and returns when they are let go. The next ones are made as if
    /// they had been ready only then. An engine knows its stalls beforehand.
    pub(super) fn stall(&mut self, ready: Nanos, time: Duration) -> Nanos {
        let until = ready.after(time);
        match self {
            TokenSource::Scripted { wait, .. } => wait.reset(wait.at().after(time)),
            TokenSource::Loaded(loaded) => loaded.stall = Some(loaded.clock.sleep_until(until)),
            TokenSource::Engine(_) | TokenSource::Prefills(..) => {}
        }
        until
    }

    /// Waits until `tokens` are ready, and returns when each was.
    pub(super) async fn all(mut self, tokens: u64) -> Vec<(Nanos, u64)> {
        let mut ready = Vec::new();
        if let TokenSource::Scripted { wait, spans } = &mut self {
            // One wait for the last instead of one for each.
            let mut at = wait.at();
            ready.push((at, 1));
            for _ in 1..tokens {
                at = at.after(spans.next());
                ready.push((at, 1));
            }
            wait.reset(at);
            wait.await;
            return ready;
        }
        let mut missing = tokens;
        while missing > 0
            && let Some((at, more)) = poll_fn(|cx| Pin::new(&mut self).poll_next(cx)).await
        {
            missing = missing.saturating_sub(more);
            ready.push((at, more));
        }
        ready
    }
}

impl Stream for TokenSource {
    type Item = (Nanos, u64);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<(Nanos, u64)>> {
        match &mut *self {
            TokenSource::Scripted { wait, spans } => {
                ready!(Pin::new(&mut *wait).poll(cx));
                let at = wait.at();
                wait.reset(at.after(spans.next()));
                Poll::Ready(Some((at, 1)))
            }
            TokenSource::Loaded(loaded) => {
                let at = ready!(loaded.poll_next(cx));
                Poll::Ready(Some((at, 1)))
            }
            TokenSource::Engine(ticket) => ticket.poll_next(cx),
            TokenSource::Prefills(tickets, latest) => {
                while let Some(ticket) = tickets.last_mut() {
                    let Some((at, _)) = ready!(ticket.poll_next(cx)) else {
                        return Poll::Ready(None);
                    };
                    *latest = at.max(*latest);
                    tickets.pop();
                }
                Poll::Ready(Some((*latest, 1)))
            }
        }
    }
}

impl Loaded {
    /// When the next token was ready.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Nanos> {
        if let Some(stall) = &mut self.stall {
            ready!(Pin::new(stall).poll(cx));
            self.stall = None;
            self.last = self.share.done();
        }
        let (last, spans) = (self.last, &mut self.spans);
        let target = *self.target.get_or_insert_with(|| last.after(spans.next()));
        let at = ready!(self.share.poll_reach(target, cx));
        self.last = target;
        self.target = None;
        Poll::Ready(at)
    }
}
