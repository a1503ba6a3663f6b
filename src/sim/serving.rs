//! A connection of the simulated server.

use super::{
    hang_up::{Ending, HangUp},
    server::SimServer,
    surface,
};
use crate::clock::Clock;
use futures_util::FutureExt;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{convert::Infallible, future::poll_fn, sync::Arc, task::Poll};
use tokio::io::{AsyncRead, AsyncWrite};

/// Serves one HTTP/1.1 connection until either side closes it. A connection that a fault refuses is
/// closed at once, before the future is polled.
///
/// # Errors
///
/// What arrives is not HTTP, or the client went away in the middle of a request.
pub fn serve_connection<IO>(
    io: IO,
    server: Arc<SimServer>,
    clock: Clock,
) -> impl Future<Output = Result<(), hyper::Error>>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    serve(io, server, clock, |_| ())
}

/// [`serve_connection`] with a `reset` that makes the client see a reset when the connection is
/// closed.
pub(super) fn serve<IO>(
    io: IO,
    server: Arc<SimServer>,
    clock: Clock,
    reset: impl FnOnce(&IO),
) -> impl Future<Output = Result<(), hyper::Error>>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let accepted = if server.refuses(clock.now()) {
        reset(&io);
        None
    } else {
        Some((io, reset))
    };
    async move {
        match accepted {
            Some((io, reset)) => serve_accepted(io, server, clock, reset).await,
            None => Ok(()),
        }
    }
}

async fn serve_accepted<IO>(
    io: IO,
    server: Arc<SimServer>,
    clock: Clock,
    reset: impl FnOnce(&IO),
) -> Result<(), hyper::Error>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let hang_up = HangUp::default();
    let service = service_fn(|request| {
        let arrival = clock.now();
        let (server, clock, hang_up) = (&server, &clock, &hang_up);
        async move {
            let answer = surface::answer(server, clock, arrival, hang_up, request);
            Ok::<_, Infallible>(answer.await)
        }
    });
    let mut connection = http1::Builder::new()
        // The header would be of the system's time, which is not the clock's.
        .auto_date_header(false)
        .serve_connection(TokioIo::new(io), service);
    let ended = poll_fn(|cx| match connection.poll_unpin(cx) {
        Poll::Ready(outcome) => Poll::Ready(Ok(outcome)),
        Poll::Pending => hang_up
            .asked()
            .map_or(Poll::Pending, |ending| Poll::Ready(Err(ending))),
    });
    match ended.await {
        Ok(outcome) => outcome,
        Err(ending) => {
            let io = connection.into_parts().io.into_inner();
            if ending == Ending::Reset {
                reset(&io);
            }
            Ok(())
        }
    }
}
