//! How the client goes about it.

use crate::client::Timeouts;
use std::time::Duration;

/// How the client goes about it.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) workers: usize,
    pub(crate) warmups: usize,
    pub(crate) prewarm: Option<bool>,
    pub(crate) ready_timeout: Option<Duration>,
    pub(crate) timeouts: Timeouts,
    pub(crate) insecure: bool,
    pub(crate) profile: bool,
    pub(crate) server_metrics_interval: Option<Duration>,
    pub(crate) probe_rate: f64,
    pub(crate) align_prompts: bool,
    pub(crate) exclusive: bool,
    pub(crate) max_lateness: Duration,
}

impl Default for Client {
    fn default() -> Self {
        Client {
            workers: 1,
            warmups: 0,
            prewarm: None,
            ready_timeout: None,
            timeouts: Timeouts::default(),
            insecure: false,
            profile: false,
            server_metrics_interval: None,
            probe_rate: 0.0,
            align_prompts: true,
            exclusive: true,
            max_lateness: Duration::from_millis(25),
        }
    }
}
