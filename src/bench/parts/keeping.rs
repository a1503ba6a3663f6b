//! What is kept of a run, and what was kept before.

use crate::{baseline, journal};

/// What is kept of a run, and what was kept before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keeping {
    /// The bench's own baseline.
    pub(crate) baseline: Option<String>,
    /// That something must be stored there.
    pub(crate) require_baseline: bool,
    /// What the command or the environment asks for next to it.
    pub(crate) baselines: baseline::Settings,
    /// Where a live run writes down what it has measured so far.
    pub(crate) journal: Option<journal::Place>,
}
