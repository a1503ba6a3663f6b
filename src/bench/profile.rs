//! The server's own profiler, on while requests are measured.

use crate::{error::Error, inspect::Inspector, target::Endpoint};
use hyper::HeaderMap;

/// Switches a server's profiler by vLLM's two paths.
pub(super) struct Profiler<'a> {
    inspector: Inspector,
    headers: &'a HeaderMap,
}

impl<'a> Profiler<'a> {
    /// Of this server; `headers` are those of every request.
    pub(super) fn new(
        endpoint: &Endpoint,
        insecure: bool,
        headers: &'a HeaderMap,
    ) -> Result<Self, Error> {
        Ok(Profiler {
            inspector: Inspector::new(endpoint, insecure).map_err(Error::Target)?,
            headers,
        })
    }

    /// Before the first request. A server without a profiler ends the run before it begins.
    pub(super) fn start(&self) -> Result<(), Error> {
        let started = self.inspector.post("/start_profile", self.headers);
        started.map_err(|why| {
            Error::Target(format!(
                "{why}. Start the server with its profiler, or leave `profile` out"
            ))
        })
    }

    /// After the last answer. What was measured stays, so a refusal is a remark.
    pub(super) fn stop(&self) -> Option<String> {
        let stopped = self.inspector.post("/stop_profile", self.headers);
        let why = stopped.err()?;
        Some(format!("the server's profiler may still be on: {why}"))
    }
}
