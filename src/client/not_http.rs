//! Answers that are not HTTP.

use crate::record::RequestError;
use std::fmt;

/// What came is not HTTP as it should be.
pub(super) fn not_http(why: &dyn fmt::Display) -> RequestError {
    RequestError::Malformed {
        message: format!("not HTTP: {why}"),
    }
}
