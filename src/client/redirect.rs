//! Redirects, which goodput reports and does not follow: it measures the target alone, and a request's
//! contents are for the target alone.

use crate::redact;

/// Limit for the reported address, in characters.
const LONGEST: usize = 200;

/// Names the address that a redirect gives, without possible secrets.
pub(super) fn told(location: &str) -> String {
    let place: String = redact::place(location).chars().take(LONGEST).collect();
    format!(
        "the server redirects to {place}. goodput does not follow redirects: if that is the right \
         place, make it the target or the endpoint"
    )
}
