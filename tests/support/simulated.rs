//! A simulated server that a test can look into.

use goodput::{
    clock::Clock,
    sim::{InProcess, SimServer},
};
use std::sync::Arc;
use tokio::io::DuplexStream;

/// A simulated server and the pipes that lead to it.
pub(crate) struct Simulated {
    server: Arc<SimServer>,
    pipes: InProcess,
}

impl Simulated {
    pub(crate) fn new(server: SimServer, clock: Clock) -> Self {
        let server = Arc::new(server);
        let pipes = InProcess::new(server.clone(), clock);
        Simulated { server, pipes }
    }

    pub(crate) fn connect(&self) -> DuplexStream {
        self.pipes.connect()
    }

    pub(crate) fn server(&self) -> &SimServer {
        &self.server
    }
}
