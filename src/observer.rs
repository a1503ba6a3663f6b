//! Observers watch a run in progress.

use crate::{record::Record, screen};

/// Receives the events of a run, for progress displays. The measuring threads call it, so it must not
/// block.
pub trait Observer: Send + Sync {
    /// A request was sent.
    fn sent(&self) {}
    /// A request ended.
    fn finished(&self, _record: &Record) {}
    /// The run has a message before its report: what it has been waiting for, for a second or more.
    /// Default: prints a line on stderr, which test runners that capture output let through.
    fn says(&self, line: &str) {
        screen::tell(format_args!("goodput: {line}"));
    }
}

/// Observer that ignores all requests.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Observer for Silent {}
