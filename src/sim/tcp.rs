//! A simulated server on a port.

use super::{accept::accept_each, server::SimServer, serving::serve, thread::ServerThread};
use crate::clock::Clock;
use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
    sync::Arc,
};
use tokio::net::{TcpListener, TcpStream};

/// A simulated server that listens on a port. Dropping it ends its connections and frees the port.
#[derive(Debug)]
pub struct Listening {
    thread: ServerThread,
}

impl Listening {
    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.thread.address()
    }

    /// The server's base URL, such as `http://127.0.0.1:8000`.
    pub fn url(&self) -> String {
        self.thread.url()
    }
}

impl SimServer {
    /// Listens on `address` (port 0 is any free one) with the real clock, in a thread of its own.
    ///
    /// # Errors
    ///
    /// The address cannot be bound, or the system refuses a thread or its resources.
    pub fn listen(self: &Arc<Self>, address: impl ToSocketAddrs) -> io::Result<Listening> {
        let server = self.clone();
        let thread = ServerThread::start("goodput-sim", address, |listener, clock, stop| async {
            let stopped = async { drop(stop.await) };
            serve_forever(listener, server, clock, stopped).await;
        })?;
        Ok(Listening { thread })
    }
}

/// Serves every connection to `listener` until `shutdown`, then drops those that are left.
pub async fn serve_forever(
    listener: TcpListener,
    server: Arc<SimServer>,
    clock: Clock,
    shutdown: impl Future<Output = ()>,
) {
    accept_each(listener, &clock, shutdown, |stream| {
        let serving = serve(stream, server.clone(), clock.clone(), reset);
        async {
            // Serving ends with an error when the client leaves early, which is the client's right.
            let _ = serving.await;
        }
    })
    .await;
}

/// Makes the client see a reset when the connection is dropped.
fn reset(stream: &TcpStream) {
    // Where the system refuses, the client sees an ordinary end, which is as abrupt.
    let _ = stream.set_zero_linger();
}
