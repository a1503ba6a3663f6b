//! The byte streams a connection may run over, and the stamp that each read leaves.

use crate::clock::{Clock, Nanos};
use std::{
    cell::Cell,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf},
    net::TcpStream,
};

/// A byte stream to a server.
pub(super) enum Stream {
    Tcp(TcpStream),
    #[cfg(feature = "tls")]
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
    #[cfg(unix)]
    Unix(tokio::net::UnixStream),
    InProcess(DuplexStream),
}

macro_rules! each {
    ($stream:expr, $inner:ident => $call:expr) => {
        match $stream {
            Stream::Tcp($inner) => $call,
            #[cfg(feature = "tls")]
            Stream::Tls($inner) => $call,
            #[cfg(unix)]
            Stream::Unix($inner) => $call,
            Stream::InProcess($inner) => $call,
        }
    };
}

/// When bytes last arrived on a connection.
///
/// hyper reads again only when what it holds is used up, so at the moment it hands out a piece of
/// a body this is the arrival time of that piece.
#[derive(Debug, Default)]
pub(super) struct LastRead(Cell<Nanos>);

impl LastRead {
    pub(super) fn at(&self) -> Nanos {
        self.0.get()
    }
}

/// A stream that stamps its reads.
pub(super) struct Stamped {
    stream: Stream,
    clock: Clock,
    last_read: Rc<LastRead>,
}

impl Stamped {
    pub(super) fn new(stream: Stream, clock: Clock) -> (Self, Rc<LastRead>) {
        let last_read = Rc::new(LastRead::default());
        let stamped = Stamped {
            stream,
            clock,
            last_read: last_read.clone(),
        };
        (stamped, last_read)
    }
}

impl AsyncRead for Stamped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(each!(&mut self.stream, s => Pin::new(s).poll_read(cx, buf)))?;
        self.last_read.0.set(self.clock.now());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stamped {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        each!(&mut self.stream, s => Pin::new(s).poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(&mut self.stream, s => Pin::new(s).poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        each!(&self.stream, s => s.is_write_vectored())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(&mut self.stream, s => Pin::new(s).poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(&mut self.stream, s => Pin::new(s).poll_shutdown(cx))
    }
}
