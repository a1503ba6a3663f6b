//! The mask.

/// Text in place of a credential.
pub(crate) const MASK: &str = "***";
