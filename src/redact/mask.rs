//! What stands where a secret was.

/// What stands in place of a credential.
pub(crate) const MASK: &str = "***";
