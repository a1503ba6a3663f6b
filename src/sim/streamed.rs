//! The body of a streamed answer.

use super::{dialect::Answer, server::Accepted, telemetry::Progress, tokens::TokenSource};
use bytes::Bytes;
use futures_util::stream::Stream;
use hyper::body::{Body, Frame};
use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
    vec,
};

/// An answer whose events go out as its tokens become ready, each as an HTTP chunk of its own.
///
/// Written out instead of put together from stream combinators, because those move the answer for
/// every token.
#[derive(Debug)]
pub(super) struct Streamed {
    source: TokenSource,
    answer: Answer,
    progress: Option<Progress>,
    /// Tokens whose events are made.
    made: u64,
    events: vec::IntoIter<Bytes>,
    /// The generation is in flight for as long as this lives.
    _accepted: Accepted,
}

impl Streamed {
    pub(super) fn new(
        source: TokenSource,
        answer: Answer,
        progress: Option<Progress>,
        accepted: Accepted,
    ) -> Self {
        Streamed {
            source,
            answer,
            progress,
            made: 0,
            events: Vec::new().into_iter(),
            _accepted: accepted,
        }
    }
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        loop {
            if let Some(event) = self.events.next() {
                return Poll::Ready(Some(Ok(Frame::data(event))));
            }
            if self.made == self.answer.tokens() {
                return Poll::Ready(None);
            }
            let Some((at, tokens)) = ready!(Pin::new(&mut self.source).poll_next(cx)) else {
                return Poll::Ready(None);
            };
            let this = &mut *self;
            if let Some(progress) = &mut this.progress {
                progress.tokens(at, tokens);
            }
            this.answer.ready(at);
            let ready = this.made + tokens;
            this.events = this.answer.burst(this.made..ready).into_iter();
            this.made = ready;
        }
    }
}
