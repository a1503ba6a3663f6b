//! Time limits of requests.

use std::time::Duration;

/// Time limits of the phases of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// DNS, TCP and TLS. Default 30 s.
    pub connect: Duration,
    /// Time from sending to the first token. Default 10 min.
    pub first_token: Duration,
    /// Time between two events that bring tokens, and from the last of them to the end. Events without
    /// tokens, such as a heartbeat, do not count. Default 2 min.
    pub between_tokens: Duration,
    /// The whole request. Default 6 h, as in vLLM.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            connect: Duration::from_secs(30),
            first_token: Duration::from_secs(600),
            between_tokens: Duration::from_secs(120),
            total: Duration::from_secs(6 * 3600),
        }
    }
}
