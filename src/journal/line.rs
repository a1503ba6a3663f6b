//! The lines of a journal.

use crate::run::Setup;
use serde::{Deserialize, Serialize};

/// Version of the form. It rises when a reader of the older form would be misled.
pub(crate) const FORM: u32 = 1;

/// First line of the file; each of the others is a [`Record`], or a [`LeftOut`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Heading {
    /// Version of the form, [`FORM`].
    pub(crate) goodput_journal: u32,
    /// When the run began, in seconds since 1970.
    pub(crate) began: u64,
    /// Settings of the run.
    pub(crate) setup: Setup,
    /// Limits on requests that define goodput.
    pub(crate) limits: String,
}

/// Line after a gap. The last one in the file counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeftOut {
    /// Number of requests that have ended since the run began and are not in the file: the writer was
    /// behind, or the disk was full.
    pub(crate) left_out: u64,
}
