//! One HTTP/1.1 connection, driven by the request that uses it.

use super::{
    arrivals::{Reader, Reads},
    dial::Dialer,
    io::Stream,
};
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::{
    cell::{Cell, RefCell},
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

type Protocol = http1::Connection<TokioIo<Stream>, Full<Bytes>>;

/// An open connection.
///
/// hyper wants its protocol future to be polled beside the request. It is polled here, by the
/// request's own task, instead of being spawned: no task is ever without an owner, and a body's
/// piece is handed out right after the read that brought it.
pub(super) struct Connection {
    pub(super) sender: SendRequest<Full<Bytes>>,
    pub(super) reads: Rc<Reads>,
    protocol: Pin<Box<Protocol>>,
    closed: bool,
}

impl Connection {
    async fn open(dialer: &Dialer, reader: Rc<Reader>) -> Result<Self, String> {
        let reads = Reads::new(reader);
        let stream = dialer.dial(reads.clone()).await;
        let stream = stream.map_err(|e| e.to_string())?;
        let (sender, protocol) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|e| e.to_string())?;
        Ok(Connection {
            sender,
            reads,
            protocol: Box::pin(protocol),
            closed: false,
        })
    }

    /// Reads and writes what can be.
    pub(super) fn poll_protocol(&mut self, cx: &mut Context<'_>) {
        if !self.closed {
            self.closed = self.protocol.as_mut().poll(cx).is_ready();
        }
    }

    /// Whether another request may be sent now; notices a server that has hung up meanwhile.
    async fn is_reusable(&mut self) -> bool {
        std::future::poll_fn(|cx| {
            self.poll_protocol(cx);
            Poll::Ready(!self.closed && matches!(self.sender.poll_ready(cx), Poll::Ready(Ok(()))))
        })
        .await
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

    /// An idle connection that still works.
    pub(super) async fn idle(&self) -> Option<Connection> {
        loop {
            let mut connection = self.idle.borrow_mut().pop()?;
            if connection.is_reusable().await {
                return Some(connection);
            }
        }
    }

    /// A new connection.
    pub(super) async fn open(&self) -> Result<Connection, String> {
        let connection = Connection::open(&self.dialer, self.reader.clone()).await?;
        self.opened.set(self.opened.get() + 1);
        Ok(connection)
    }

    /// Keeps a connection for the next request if the server leaves it open.
    pub(super) async fn give_back(&self, mut connection: Connection) {
        if connection.is_reusable().await {
            self.idle.borrow_mut().push(connection);
        }
    }

    /// Connections opened so far.
    pub(super) fn opened(&self) -> u64 {
        self.opened.get()
    }
}
