//! A simulated server at the other end of in-memory pipes.

use super::server::{SimServer, serve_connection};
use crate::clock::Clock;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::{
    io::{DuplexStream, duplex},
    task::JoinSet,
};

/// Bytes that a pipe holds each way before its writer waits.
const PIPE: usize = 64 << 10;

/// A simulated server in this process. Dropping it ends all its connections.
#[derive(Debug)]
pub struct InProcess {
    server: Arc<SimServer>,
    clock: Clock,
    connections: Mutex<JoinSet<()>>,
}

impl InProcess {
    /// A server on this clock.
    pub fn new(server: Arc<SimServer>, clock: Clock) -> Self {
        InProcess {
            server,
            clock,
            connections: Mutex::default(),
        }
    }

    /// The server behind the pipes.
    pub fn server(&self) -> &Arc<SimServer> {
        &self.server
    }

    /// Opens a connection and returns the client's end.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn connect(&self) -> DuplexStream {
        let (client, server) = duplex(PIPE);
        let serving = serve_connection(server, self.server.clone(), self.clock.clone());
        let mut connections = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Closed connections leave only their results behind.
        while connections.try_join_next().is_some() {}
        connections.spawn(async {
            // It ends with an error when the client leaves early, which is the client's right.
            let _ = serving.await;
        });
        client
    }
}
