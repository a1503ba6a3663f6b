//! Answers that are not HTTP.

use crate::record::RequestError;
use std::fmt;

/// Error for an answer that is not valid HTTP.
pub(super) fn not_http(why: &dyn fmt::Display) -> RequestError {
    RequestError::Malformed {
        message: format!("not HTTP: {why}"),
    }
}
