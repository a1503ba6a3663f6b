//! A bench that names no target measures the built-in simulation: that is said, and refused where live servers
//! are required.

use super::{Bench, control::Control};
use crate::{
    error::Error,
    judge::{Finding, FindingKind},
    report::Report,
    targets::{live_is_required, url_of_environment},
};

impl Bench {
    /// Whether the built-in simulation is measured because nobody named a target.
    fn is_simulated_by_default(&self) -> bool {
        self.target.is_none() && url_of_environment().is_none()
    }

    /// [`conduct`](Self::conduct), unless live servers are required and no target was named.
    pub(super) fn conduct_live(self, control: &Control) -> Result<Report, Error> {
        if !self.is_simulated_by_default() {
            return self.conduct(control);
        }
        if live_is_required() {
            self.check()?;
            return Err(Error::Target(
                "no target is named, so this bench would measure the built-in simulation, and \
                 GOODPUT_REQUIRE_LIVE asks for live servers. Set `target` or GOODPUT_URL; a simulation that is \
                 meant is `target = \"sim\"`"
                    .to_owned(),
            ));
        }
        self.conduct(control)
    }

    /// A remark where no target was named.
    pub(super) fn remark_on_target(&self) -> Option<Finding> {
        self.is_simulated_by_default().then(|| Finding {
            kind: FindingKind::NoTarget,
            message: "no target is named (`target` or GOODPUT_URL), so the built-in simulation was measured"
                .to_owned(),
        })
    }
}
