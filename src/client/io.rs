//! Byte streams of connections. Each notes when its bytes arrived.

use super::arrivals::Reads;
use std::{
    io::{self, IoSlice},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// A byte stream to a server.
pub(super) type Stream = Box<dyn Io>;

/// A stream that a connection may use.
pub(super) trait Io: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Io for S {}

/// A stream that notes its reads.
pub(super) struct Noted<S> {
    stream: S,
    reads: Rc<Reads>,
    receive: Receive<S>,
}

/// Reads, and notes the time.
type Receive<S> = fn(&mut S, &mut Context<'_>, &mut ReadBuf<'_>, &Reads) -> Poll<io::Result<()>>;

impl<S: AsyncRead + Unpin> Noted<S> {
    /// Takes the time of the read as the time of arrival.
    pub(super) fn at_read(stream: S, reads: Rc<Reads>) -> Self {
        Noted {
            stream,
            reads,
            receive: |stream, cx, buf, reads| {
                ready!(Pin::new(stream).poll_read(cx, buf))?;
                reads.now();
                Poll::Ready(Ok(()))
            },
        }
    }
}

impl Noted<TcpStream> {
    /// Takes the kernel's time of arrival where there is one.
    pub(super) fn tcp(stream: TcpStream, reads: Rc<Reads>) -> Self {
        #[cfg(target_os = "linux")]
        if super::kernel_time::ask(&stream) {
            return Noted {
                stream,
                reads,
                receive: super::kernel_time::receive,
            };
        }
        Noted::at_read(stream, reads)
    }
}

impl<S: Unpin> AsyncRead for Noted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        (this.receive)(&mut this.stream, cx, buf, &this.reads)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Noted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
