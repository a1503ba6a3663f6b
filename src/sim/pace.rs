//! Response bodies, whole or sent at given times.

#[cfg(feature = "wiremock")]
use crate::clock::{Clock, Nanos};
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
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
#[cfg(feature = "wiremock")]
pub(crate) fn paced<B>(clock: Clock, beats: B) -> Body
where
    B: Iterator<Item = (Nanos, Vec<Bytes>)> + Send + 'static,
{
    chunked(stream::unfold(
        (clock, beats),
        |(clock, mut beats)| async move {
            let (at, chunks) = beats.next()?;
            clock.sleep_until(at).await;
            Some((chunks, (clock, beats)))
        },
    ))
}

/// A body whose chunks come with the items of a stream; each chunk becomes an HTTP chunk of its own.
pub(crate) fn chunked<B>(beats: B) -> Body
where
    B: Stream<Item = Vec<Bytes>> + Send + 'static,
{
    let frames = beats.flat_map(|chunks| {
        stream::iter(
            chunks
                .into_iter()
                .map(|chunk| Ok::<_, Infallible>(Frame::data(chunk))),
        )
    });
    StreamBody::new(frames).boxed_unsync()
}
