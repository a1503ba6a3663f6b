//! One request of a recorded trace.

/// A request of a trace.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    /// Seconds, before they are multiplied.
    pub(super) at: f64,
    pub(super) input: u64,
    pub(super) output: u64,
    /// Chunks of the prompt; `None` where the trace says nothing of what was asked.
    pub(super) chunks: Option<Vec<String>>,
}
