//! A simulated server that a test can look into.

use goodput::{
    clock::Clock,
    sim::{InProcess, SimServer},
};
use std::sync::Arc;
use tokio::io::DuplexStream;

/// A simulated server and the pipes that lead to it.
pub struct Simulated {
    server: Arc<SimServer>,
    pipes: InProcess,
}

impl Simulated {
    pub fn new(server: SimServer, clock: Clock) -> Self {
        let server = Arc::new(server);
        let pipes = InProcess::new(server.clone(), clock);
        Simulated { server, pipes }
    }

    pub fn connect(&self) -> DuplexStream {
        self.pipes.connect()
    }

    pub fn server(&self) -> &SimServer {
        &self.server
    }
}
