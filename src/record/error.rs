//! Why a request failed.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Phase of a request that has its own time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// DNS, TCP and TLS.
    Connect,
    /// From sending to the first token.
    FirstToken,
    /// Between two events that brought tokens, or from the last of them to the end.
    BetweenTokens,
    /// The whole request.
    Total,
}

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RequestError {
    /// The connection failed.
    Connect {
        /// Error of the system.
        message: String,
    },
    /// TLS failed, or the client does not trust the certificate.
    Tls {
        /// Error of TLS.
        message: String,
    },
    /// No connection, because this machine has no descriptor, port or memory left for one: nothing
    /// that the server did.
    ClientLimit {
        /// What the system said.
        message: String,
    },
    /// A phase took too long.
    Timeout {
        /// Phase whose limit passed.
        phase: Phase,
        /// The limit, in milliseconds.
        limit_ms: u64,
    },
    /// An answer other than 200.
    Status {
        /// The HTTP status.
        status: u16,
        /// The answer's body, cut to its first 2 KiB.
        body: String,
    },
    /// An answer of another protocol or dialect.
    Foreign {
        /// Description of the answer.
        message: String,
    },
    /// An answer that cannot be parsed, or that goodput stopped reading.
    Malformed {
        /// What was wrong with the answer.
        message: String,
    },
    /// An error event inside a 200 stream.
    Server {
        /// The event's message.
        message: String,
    },
    /// The stream broke, or ended with neither a finish reason nor `[DONE]`.
    Truncated {
        /// How the stream ended.
        message: String,
    },
    /// A complete 200 answer without a single token event.
    NoTokens,
    /// The run was stopped while the request was in flight.
    Cancelled,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestError::Connect { message } | RequestError::Tls { message } => {
                write!(f, "could not connect: {message}")
            }
            RequestError::ClientLimit { message } => {
                write!(f, "this machine cannot open another connection: {message}")
            }
            RequestError::Timeout { phase, limit_ms } => {
                let phase = match phase {
                    Phase::Connect => "connecting",
                    Phase::FirstToken => "waiting for the first token",
                    Phase::BetweenTokens => "waiting for the next token",
                    Phase::Total => "the whole request",
                };
                write!(f, "timeout: {phase} took longer than {limit_ms} ms")
            }
            RequestError::Status { status, body } if body.is_empty() => {
                write!(f, "HTTP status {status} with an empty body")
            }
            RequestError::Status { status, body } => write!(f, "HTTP status {status}: {body}"),
            RequestError::Foreign { message } | RequestError::Malformed { message } => {
                write!(f, "unreadable answer: {message}")
            }
            RequestError::Server { message } => write!(f, "error event in the stream: {message}"),
            RequestError::Truncated { message } => write!(f, "the stream ended early: {message}"),
            RequestError::NoTokens => {
                f.write_str("a complete answer without a single token (zero-token success)")
            }
            RequestError::Cancelled => f.write_str("cancelled: the run was stopped"),
        }
    }
}

impl std::error::Error for RequestError {}

/// Hint for a server that requires a key, or another key.
pub(crate) const SET_THE_KEY: &str = "set the server's key: in OPENAI_API_KEY (ANTHROPIC_API_KEY for the backend \
                                      `anthropic`), or as a header";

impl RequestError {
    /// The usual fix, if there is one and the error itself does not name it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            RequestError::Status {
                status: 401 | 403, ..
            } => Some(SET_THE_KEY),
            RequestError::Status { status: 404, .. } => Some(
                "check the endpoint, the backend (which sets the endpoint) and the model's name",
            ),
            RequestError::Status {
                status: 400 | 422, ..
            } => Some(
                "the server does not accept the request: check the backend, prompt lengths and \
                 extra_body",
            ),
            RequestError::Status { status: 429, .. } => {
                Some("the server limits the rate: lower the rate, or raise its limit")
            }
            RequestError::Status { status: 500.., .. } => Some("look into the server's log"),
            RequestError::Foreign { .. } => {
                Some("check that this is the right port, endpoint and backend for the server")
            }
            RequestError::Connect { .. } => Some("check that the server is still running"),
            RequestError::NoTokens => Some(
                "check that the backend fits the endpoint; if it does, look into the server's log",
            ),
            RequestError::Timeout { phase, .. } => Some(match phase {
                Phase::Connect => {
                    "check that the server takes connections, or raise `connect_timeout`"
                }
                Phase::FirstToken => "lower the load, or raise `first_token_timeout`",
                Phase::BetweenTokens => "lower the load, or raise `between_tokens_timeout`",
                Phase::Total => "lower the load, or raise `total_timeout`",
            }),
            RequestError::Status { .. }
            | RequestError::Tls { .. }
            | RequestError::ClientLimit { .. }
            | RequestError::Malformed { .. }
            | RequestError::Server { .. }
            | RequestError::Truncated { .. }
            | RequestError::Cancelled => None,
        }
    }
}
