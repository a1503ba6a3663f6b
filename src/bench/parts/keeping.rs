//! What is kept of a run, and which stored runs it is compared with.

use crate::{
    baseline::{self, Chosen},
    journal,
};
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

impl Keeping {
    /// The baseline that the run is compared with, from the bench, the command or the environment.
    pub(crate) fn against(&self) -> Option<String> {
        Some(self.chosen()?.against?.name)
    }

    /// Whether the run is saved as a baseline.
    pub(crate) fn saves(&self) -> bool {
        self.chosen().is_some_and(|chosen| chosen.save.is_some())
    }

    /// The checks report what is wrong with a name.
    fn chosen(&self) -> Option<Chosen> {
        let variable = |name: &str| std::env::var(name).ok();
        self.baselines
            .choose(self.baseline.as_deref(), variable)
            .ok()?
    }
}
