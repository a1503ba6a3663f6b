//! Connections, each used by one request after the other.
//!
//! The task of a request reads its connection itself. A task for each connection, with a channel to the request, would wake twice
//! for each piece and copy it, and the time of a token would be that of the second waking.

use super::{
    addresses::is_of_this_machine,
    arrivals::{Reader, Reads},
    dial::Dialer,
    io::Stream,
    message::Outgoing,
    tls::is_of_tls,
};
use crate::record::RequestError;
use bytes::Buf;
use std::{
    cell::{Cell, RefCell},
    io::{self, IoSlice},
    mem,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Maximum number of bytes of one read.
const SPACE: usize = 64 << 10;

/// Maximum number of pieces in one write.
const PIECES: usize = 8;

/// Larger buffers for incomplete lines are freed after use.
const KEPT: usize = 4 << 10;

thread_local! {
    /// Read buffer, one for all connections of a thread, because the client uses what it reads at once. So
    /// an idle connection costs little more than its socket.
    static INCOMING: RefCell<Vec<u8>> = RefCell::new(vec![0; SPACE]);
}

/// An open connection.
pub(super) struct Connection {
    pub(super) reads: Rc<Reads>,
    stream: Stream,
    /// Unused bytes: the start of something incomplete.
    unread: Vec<u8>,
    /// Bytes that came without a wait between them.
    at_once: usize,
}

impl Connection {
    async fn open(dialer: &Dialer, reader: Rc<Reader>) -> io::Result<Self> {
        let reads = Reads::new(reader);
        Ok(Connection {
            stream: dialer.dial(reads.clone()).await?,
            reads,
            unread: Vec::new(),
            at_once: 0,
        })
    }

    /// Sends the rest of a request.
    pub(super) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        outgoing: &mut Outgoing,
    ) -> Poll<io::Result<()>> {
        let mut stream = Pin::new(&mut self.stream);
        while outgoing.has_remaining() {
            let mut slices = [IoSlice::new(&[]); PIECES];
            let count = outgoing.chunks_vectored(&mut slices);
            let sent = ready!(stream.as_mut().poll_write_vectored(cx, &slices[..count]))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            outgoing.advance(sent);
        }
        stream.poll_flush(cx)
    }

    /// Reads once, and passes all unused bytes to `take`, which returns how many it used. `None` is the end
    /// of the stream.
    pub(super) fn poll_receive<T>(
        &mut self,
        cx: &mut Context<'_>,
        take: impl FnOnce(&[u8]) -> (usize, T),
    ) -> Poll<io::Result<Option<T>>> {
        INCOMING.with_borrow_mut(|space| {
            let mut incoming = ReadBuf::new(space);
            match Pin::new(&mut self.stream).poll_read(cx, &mut incoming) {
                Poll::Ready(read) => read?,
                Poll::Pending => {
                    self.at_once = 0;
                    return Poll::Pending;
                }
            }
            let bytes = incoming.filled();
            self.at_once += bytes.len();
            if bytes.is_empty() {
                return Poll::Ready(Ok(None));
            }
            if self.unread.is_empty() {
                let (used, taken) = take(bytes);
                self.unread.extend_from_slice(&bytes[used..]);
                return Poll::Ready(Ok(Some(taken)));
            }
            self.unread.extend_from_slice(bytes);
            Poll::Ready(Ok(Some(self.take_unread(take))))
        })
    }

    /// Passes the unused bytes to `take`, without a read.
    pub(super) fn take_unread<T>(&mut self, take: impl FnOnce(&[u8]) -> (usize, T)) -> T {
        let (used, taken) = take(&self.unread);
        self.unread.drain(..used);
        if self.unread.is_empty() && self.unread.capacity() > KEPT {
            mem::take(&mut self.unread);
        }
        taken
    }

    /// Lets other requests of the thread continue if this connection brings bytes faster than the client
    /// reads them. Returns whether it did.
    pub(super) async fn take_turns(&mut self) -> bool {
        let is_flood = self.at_once >= SPACE;
        if is_flood {
            self.at_once = 0;
            tokio::task::yield_now().await;
        }
        is_flood
    }

    /// Number of unused bytes.
    pub(super) fn unread(&self) -> usize {
        self.unread.len()
    }

    /// Whether the connection can carry another request: the server has neither closed it nor sent anything
    /// unasked.
    fn is_reusable(&mut self) -> bool {
        let cx = &mut Context::from_waker(Waker::noop());
        self.poll_receive(cx, |_| (0, ())).is_pending()
    }
}

/// Idle connections of a run.
pub(super) struct Pool {
    dialer: Dialer,
    reader: Rc<Reader>,
    idle: RefCell<Vec<Connection>>,
    opened: Cell<u64>,
}

impl Pool {
    pub(super) fn new(dialer: Dialer, reader: Rc<Reader>) -> Self {
        Pool {
            dialer,
            reader,
            idle: RefCell::default(),
            opened: Cell::new(0),
        }
    }

    /// Returns an idle connection that still works.
    pub(super) fn idle(&self) -> Option<Connection> {
        loop {
            let mut connection = self.idle.borrow_mut().pop()?;
            if connection.is_reusable() {
                return Some(connection);
            }
        }
    }

    /// Opens a connection.
    pub(super) async fn open(&self) -> Result<Connection, RequestError> {
        let connection = Connection::open(&self.dialer, self.reader.clone()).await;
        let connection = connection.map_err(|e| refused(&e))?;
        self.opened.set(self.opened.get() + 1);
        Ok(connection)
    }

    /// Keeps a connection for the next request.
    pub(super) fn give_back(&self, connection: Connection) {
        self.idle.borrow_mut().push(connection);
    }

    /// Explains a new connection that ended without one byte.
    pub(super) fn explain(&self, unanswered: RequestError) -> RequestError {
        match unanswered {
            RequestError::Truncated { message } if self.dialer.is_plain_tcp() => {
                let more = "; a server that expects TLS does that: use a URL with https://";
                RequestError::Truncated {
                    message: message + more,
                }
            }
            other => other,
        }
    }

    /// Connections opened so far.
    pub(super) fn opened(&self) -> u64 {
        self.opened.get()
    }
}

/// Converts the error of a connection attempt.
fn refused(error: &io::Error) -> RequestError {
    let message = error.to_string();
    if is_of_this_machine(error) {
        RequestError::ClientLimit { message }
    } else if is_of_tls(error) {
        RequestError::Tls { message }
    } else {
        RequestError::Connect { message }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use nix::errno::Errno;

    #[test]
    fn only_the_servers_refusals_are_the_servers() {
        let of = |errno: Errno| refused(&io::Error::from(errno));
        assert!(matches!(
            of(Errno::EMFILE),
            RequestError::ClientLimit { .. }
        ));
        assert!(matches!(
            of(Errno::EADDRNOTAVAIL),
            RequestError::ClientLimit { .. }
        ));
        assert!(matches!(
            of(Errno::ECONNREFUSED),
            RequestError::Connect { .. }
        ));
        let other = io::Error::new(io::ErrorKind::InvalidData, "no certificate");
        assert!(matches!(refused(&other), RequestError::Tls { .. }));
    }
}
