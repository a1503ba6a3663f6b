//! Why a server is not ready.

use crate::{
    client::{DialError, IS_IT_RUNNING, what_mends},
    inspect::Unlisted,
    record::{RequestError, SET_THE_KEY},
};
use std::{fmt, io};

/// The fix for a server with which there is no TLS.
const IS_IT_TLS: &str = ". If the server speaks plain HTTP, begin the target's URL with http://; if \
     its certificate is the problem, let this machine trust it, or set `insecure`";

/// Why an attempt failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) why: String,
    /// The usual fix, after a full stop; empty where none is known.
    pub(super) fix: String,
    /// The next attempt may succeed.
    pub(super) passes: bool,
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        let passes = match &error {
            RequestError::Status { status, .. } => may_pass(*status),
            // Also a connection to a model that is being loaded.
            RequestError::Connect { .. }
            | RequestError::Timeout { .. }
            | RequestError::Truncated { .. }
            | RequestError::Server { .. } => true,
            RequestError::ClientLimit { .. }
            | RequestError::Tls { .. }
            | RequestError::Foreign { .. }
            | RequestError::Malformed { .. }
            | RequestError::NoTokens
            | RequestError::Cancelled => false,
        };
        let fix = error.hint().map(|hint| format!(". To fix it, {hint}"));
        Failure {
            why: error.to_string(),
            fix: fix.unwrap_or_default(),
            passes,
        }
    }
}

impl From<DialError> for Failure {
    fn from(error: DialError) -> Self {
        let passes = match &error {
            // A container's name may come with the container.
            DialError::Resolve { .. } => true,
            // What is not TLS, or a certificate, will not become another.
            DialError::Unreachable { source, .. } => !matches!(
                source.kind(),
                io::ErrorKind::InvalidData
                    | io::ErrorKind::InvalidInput
                    | io::ErrorKind::PermissionDenied
            ),
            DialError::Tls { .. }
            | DialError::NoLocalAddress { .. }
            | DialError::NoUnixSockets(_) => false,
        };
        let (why, fix) = match error {
            DialError::Unreachable { source, target } => (
                format!("cannot connect to {target}: {source}"),
                what_mends(&source).to_owned(),
            ),
            other => (other.to_string(), String::new()),
        };
        Failure { why, fix, passes }
    }
}

impl From<Unlisted> for Failure {
    fn from(error: Unlisted) -> Self {
        let unnamed = |why: &dyn fmt::Display| {
            format!("no model was named and the server did not name one: {why}")
        };
        let set = ". Set `model`";
        match &error {
            Unlisted::Unreachable { for_good, .. } => Failure {
                why: error.to_string(),
                fix: if *for_good {
                    IS_IT_TLS.to_owned()
                } else {
                    IS_IT_RUNNING.to_owned()
                },
                passes: !for_good,
            },
            Unlisted::Silent(_) => Failure {
                why: unnamed(&error),
                fix: set.to_owned(),
                passes: true,
            },
            Unlisted::Refused { status, .. } => Failure {
                why: unnamed(&error),
                fix: match status.as_u16() {
                    401 | 403 => format!(". To fix it, {SET_THE_KEY}"),
                    _ => ". If the server has no model list, set `model`".into(),
                },
                passes: may_pass(status.as_u16()),
            },
            Unlisted::Nameless(_) => Failure {
                why: unnamed(&error),
                fix: set.to_owned(),
                passes: false,
            },
        }
    }
}

/// Returns whether a server that answers this may answer otherwise later: gateways and servers that load a model say
/// that they are not available yet. A model or a path that is not found is usually misspelt.
fn may_pass(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599) && !matches!(status, 501 | 505)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::loading(503, true)]
    #[case::gateway(502, true)]
    #[case::busy(429, true)]
    #[case::no_such_model(404, false)]
    #[case::wrong_key(401, false)]
    #[case::wrong_body(400, false)]
    #[case::no_such_method(501, false)]
    fn only_what_may_pass_is_repeated(#[case] status: u16, #[case] passes: bool) {
        let body = String::new();
        let failure = Failure::from(RequestError::Status { status, body });
        assert_eq!(failure.passes, passes);
    }
}
