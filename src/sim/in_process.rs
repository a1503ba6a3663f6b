//! A server at the other end of in-memory pipes.

use super::{server::SimServer, serving::serve_connection};
use crate::clock::Clock;
use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    io::{DuplexStream, duplex},
    task::JoinSet,
};

/// Bytes that a pipe holds each way before its writer waits.
const PIPE: usize = 64 << 10;

/// Serves one connection to its end.
pub(crate) type Serve =
    Arc<dyn Fn(DuplexStream) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// A server in this process. Dropping it ends all its connections.
pub struct InProcess {
    serve: Serve,
    connections: Mutex<JoinSet<()>>,
}

impl InProcess {
    /// A simulated server on this clock.
    pub fn new(server: Arc<SimServer>, clock: Clock) -> Self {
        InProcess::serving(Arc::new(move |io| {
            let serving = serve_connection(io, server.clone(), clock.clone());
            Box::pin(async {
                // Serving ends with an error when the client leaves early, which is the client's right.
                let _ = serving.await;
            })
        }))
    }

    /// Any server, made from what serves a connection.
    pub(crate) fn serving(serve: Serve) -> Self {
        InProcess {
            serve,
            connections: Mutex::default(),
        }
    }

    /// Opens a connection and returns the client's end.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn connect(&self) -> DuplexStream {
        let (client, server) = duplex(PIPE);
        let mut connections = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Closed connections leave only their results behind.
        while connections.try_join_next().is_some() {}
        connections.spawn((self.serve)(server));
        client
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess").finish_non_exhaustive()
    }
}
