//! Watching a run while it is under way.

use crate::{record::Record, screen};

/// Hears of requests as they come and go; for progress displays. It is called by the threads that measure,
/// so it must not block.
pub trait Observer: Send + Sync {
    /// A request is on its way.
    fn sent(&self) {}
    /// A request is over.
    fn finished(&self, _record: &Record) {}
    /// The run has something to say before its report: what it has been waiting for since a second or more.
    /// Default: a line on stderr, where test runners that capture output let it through.
    fn says(&self, line: &str) {
        screen::tell(format_args!("goodput: {line}"));
    }
}

/// An observer that does nothing with requests.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Observer for Silent {}
