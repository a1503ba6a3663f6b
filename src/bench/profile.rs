//! The server's own profiler, on while requests are measured.

use super::control::Control;
use crate::{address::Endpoint, error::Error, inspect::Inspector, stop::Stop};
use hyper::HeaderMap;
use std::time::Duration;

/// How long the server may take to switch.
const LIMIT: Duration = Duration::from_secs(30);

/// How long the server may take after the run was asked to end.
const LIMIT_AFTER_END: Duration = Duration::from_secs(5);

/// Switches a server's profiler by vLLM's two paths.
pub(super) struct Profiler<'a> {
    inspector: Inspector,
    headers: &'a HeaderMap,
}

impl<'a> Profiler<'a> {
    /// The profiler of this server; `headers` are those of every request.
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

    /// Starts the profiler, before the first request. A server without a profiler ends the run before it begins.
    pub(super) fn start(&self, control: &Control) -> Result<(), Error> {
        let started = self
            .inspector
            .post("/start_profile", self.headers, LIMIT, &control.stop);
        if control.stop.is_requested() {
            // It may have started nevertheless.
            self.stop(control);
        }
        control.go_on("waited for the server's profiler to start")?;
        started.map_err(|why| {
            Error::Target(format!(
                "{why}. Start the server with its profiler, or leave `profile` out"
            ))
        })
    }

    /// Stops the profiler after the last answer, also of a run that was ended. What was measured stays, so a refusal
    /// is a note.
    pub(super) fn stop(&self, control: &Control) -> Option<String> {
        let limit = if control.stop.is_requested() {
            LIMIT_AFTER_END
        } else {
            LIMIT
        };
        let stopped = self
            .inspector
            .post("/stop_profile", self.headers, limit, &Stop::never());
        let why = stopped.err()?;
        Some(format!("the server's profiler may still be on: {why}"))
    }
}
