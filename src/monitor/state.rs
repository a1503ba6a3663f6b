//! What the page shows.

use super::{message::EndedBench, running::Running};

/// What the page shows.
#[derive(Default)]
pub(super) struct State {
    /// The bench in progress.
    pub(super) running: Option<Running>,
    pub(super) ended: Vec<EndedBench>,
    /// Whether all benches have ended.
    pub(super) over: bool,
}
