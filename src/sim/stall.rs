//! Stalls: an answer that pauses, and holds what its request holds.
//!
//! The next token is ready when a stall begins, and is not let go before its end. The request keeps its place while
//! the stall lasts: the slot and the KV blocks of an engine, its share of a scripted server that load slows down.
//! Drips and slow heads are not stalls: they belong to the network, and the tokens behind them are made as if nothing
//! were wrong.

use super::{engine::Stall, tokens::TokenSource};
use crate::clock::Nanos;
use futures_util::stream::Stream;
use goodput_grammar::fault::Kind;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

/// The stalls among these faults, in an answer of this number of tokens. The last token is the last that can be
/// stalled.
pub(super) fn stalls(faults: &[Kind], tokens: u64) -> Vec<Stall> {
    let last = tokens.saturating_sub(1);
    let stalls = faults.iter().filter_map(|kind| match kind {
        Kind::Stall { time, after } => Some(Stall {
            after: last.min(*after),
            time: *time,
        }),
        _ => None,
    });
    stalls.collect()
}

/// Tokens with their stalls.
#[derive(Debug)]
pub(super) struct Stalling {
    source: TokenSource,
    stalls: Vec<Stall>,
    made: u64,
}

impl Stalling {
    pub(super) fn new(source: TokenSource, stalls: Vec<Stall>) -> Self {
        Stalling {
            source,
            stalls,
            made: 0,
        }
    }
}

impl Stream for Stalling {
    type Item = (Nanos, u64);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<(Nanos, u64)>> {
        let Some((ready, tokens)) = ready!(Pin::new(&mut self.source).poll_next(cx)) else {
            return Poll::Ready(None);
        };
        let new = self.made..self.made + tokens;
        self.made = new.end;
        let stalls = self
            .stalls
            .iter()
            .filter(|stall| new.contains(&stall.after));
        // A stall without end ends the answer, and the code that writes the answer handles that.
        let time = stalls
            .filter_map(|stall| stall.time)
            .fold(Duration::ZERO, Duration::saturating_add);
        let at = if time.is_zero() {
            ready
        } else {
            self.source.stall(ready, time)
        };
        Poll::Ready(Some((at, tokens)))
    }
}
