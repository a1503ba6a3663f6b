//! What is kept of a run, and what was kept before.

use crate::{baseline, journal};
use serde::Serialize;

/// What is kept of a run, and what was kept before.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Keeping {
    /// The bench's own baseline.
    pub(crate) baseline: Option<String>,
    /// That something must be stored there.
    pub(crate) require_baseline: bool,
    /// What the command or the environment asks for next to it.
    pub(crate) baselines: baseline::Settings,
    /// Where a live run writes down what it has measured so far.
    // Where a file is that is gone once there is a result.
    #[serde(skip)]
    pub(crate) journal: Option<journal::Place>,
}
