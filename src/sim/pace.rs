//! Response bodies, whole or sent at given times.

use crate::clock::{Clock, Nanos};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Frame;
use std::convert::Infallible;

/// A response body of the simulation.
pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A body in one piece.
pub(crate) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed_unsync()
}

/// A body whose chunks come at their times: each item is a time and the chunks that are ready then,
/// each of which becomes an HTTP chunk of its own.
pub(crate) fn paced<B>(clock: Clock, beats: B) -> Body
where
    B: Iterator<Item = (Nanos, Vec<Bytes>)> + Send + 'static,
{
    StreamBody::new(frames(clock, beats)).boxed_unsync()
}

/// The same without an end: after its last chunk comes what `tail` does.
pub(super) fn paced_then<B>(
    clock: Clock,
    beats: B,
    tail: impl Future<Output = Infallible> + Send + 'static,
) -> Body
where
    B: Iterator<Item = (Nanos, Vec<Bytes>)> + Send + 'static,
{
    let tail = stream::once(async { match tail.await {} });
    StreamBody::new(frames(clock, beats).chain(tail)).boxed_unsync()
}

fn frames<B>(
    clock: Clock,
    beats: B,
) -> impl Stream<Item = Result<Frame<Bytes>, Infallible>> + Send + 'static
where
    B: Iterator<Item = (Nanos, Vec<Bytes>)> + Send + 'static,
{
    let start = (clock, beats, Vec::new().into_iter());
    stream::unfold(start, |(clock, mut beats, mut ready)| async move {
        loop {
            if let Some(chunk) = ready.next() {
                return Some((Ok(Frame::data(chunk)), (clock, beats, ready)));
            }
            let (at, chunks): (Nanos, Vec<Bytes>) = beats.next()?;
            clock.sleep_until(at).await;
            ready = chunks.into_iter();
        }
    })
}
