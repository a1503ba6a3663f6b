//! The lines of a journal.

use crate::run::Setup;
use serde::{Deserialize, Serialize};

/// The version of the form. It rises when a reader of the older form would be misled.
pub(crate) const FORM: u32 = 1;

/// The first line of the file; each of the others is a [`Record`], or a [`LeftOut`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Heading {
    /// [`FORM`].
    pub(crate) goodput_journal: u32,
    /// When the run began, in seconds since 1970.
    pub(crate) began: u64,
    /// What was asked.
    pub(crate) setup: Setup,
    /// The limits on requests that define goodput.
    pub(crate) limits: String,
}

/// A line after a gap. The last one in the file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeftOut {
    /// So many requests have ended since the run began that are not in the file: the writer was behind, or the disk was
    /// full.
    pub(crate) left_out: u64,
}
