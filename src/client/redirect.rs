//! Redirects, which are told and not followed: a request is measured where it was sent, and what it
//! carries is for the target alone.

use crate::redact;

/// The longest place that is told, in characters.
const LONGEST: usize = 200;

/// Says where an answer wants the request to go, without what may be a secret.
pub(super) fn told(location: &str) -> String {
    let place: String = redact::place(location).chars().take(LONGEST).collect();
    format!(
        "the server redirects to {place}. goodput does not follow redirects: if that is the right \
         place, make it the target or the endpoint"
    )
}
