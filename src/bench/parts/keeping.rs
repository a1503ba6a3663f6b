//! What is kept of a run, and which stored runs it is compared with.

use crate::{baseline, journal};
use serde::Serialize;

/// What is kept of a run, and which stored runs it is compared with.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Keeping {
    /// The bench's own baseline.
    pub(crate) baseline: Option<String>,
    /// Whether something must be stored under the baseline.
    pub(crate) require_baseline: bool,
    /// What the command or the environment asks for in addition.
    pub(crate) baselines: baseline::Settings,
    /// Where a live run writes down what it has measured so far.
    // Where a file is that is gone once there is a result.
    #[serde(skip)]
    pub(crate) journal: Option<journal::Place>,
}
