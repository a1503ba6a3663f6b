//! Benches that name no target measure the built-in simulation: a note says so, and settings that require live
//! servers refuse it.

use super::checked::Checked;
use crate::{
    error::Error,
    judge::{Finding, FindingKind},
    targets::live_is_required,
};

impl Checked {
    /// Refuses the simulation if live servers are required.
    ///
    /// # Errors
    /// No target was named, and live servers are required.
    pub(super) fn require_live(&self) -> Result<(), Error> {
        if !self.unnamed || !live_is_required() {
            return Ok(());
        }
        Err(Error::Target(
            "no target is named, so this bench would measure the built-in simulation, and \
             GOODPUT_REQUIRE_LIVE requires live servers. Set `target` or GOODPUT_URL; to measure \
             the simulation, set `target = \"sim\"`"
                .to_owned(),
        ))
    }

    /// A note if no target was named.
    pub(super) fn note_on_target(&self) -> Option<Finding> {
        self.unnamed.then(|| Finding {
            kind: FindingKind::NoTarget,
            message: "no target is named (`target` or GOODPUT_URL), so the built-in simulation was measured"
                .to_owned(),
        })
    }
}
