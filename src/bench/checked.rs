//! A bench that can be run.

use super::{
    Bench,
    parts::{Client, Demands, Keeping, Load, Wire},
};
use crate::{
    error::Error,
    targets::{AnyTarget, url_of_environment},
};

/// A bench whose settings make sense together, with the target that it measures.
///
/// It is made once, before a run, and the environment is not asked for the target again. So the target that is checked is the
/// target that is locked, opened, measured and named in the report.
#[derive(Debug, Clone)]
pub(super) struct Checked {
    pub(super) name: String,
    /// The target, with its faults.
    pub(super) target: AnyTarget,
    /// Nothing names a target, so the built-in simulation is measured.
    pub(super) unnamed: bool,
    pub(super) load: Load,
    pub(super) wire: Wire,
    pub(super) client: Client,
    pub(super) demands: Demands,
    pub(super) keeping: Keeping,
}

impl Bench {
    /// The bench as it is run.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub(super) fn checked(self) -> Result<Checked, Error> {
        self.check()?;
        Ok(Checked {
            unnamed: self.target.is_none() && url_of_environment().is_none(),
            target: self.chosen_target(),
            name: self.name,
            load: self.load,
            wire: self.wire,
            client: self.client,
            demands: self.demands,
            keeping: self.keeping,
        })
    }
}
