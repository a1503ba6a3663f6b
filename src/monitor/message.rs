//! Messages to the page's thread.

use super::{handed::Handed, running::Subject};
use crate::record::Record;
use std::sync::Arc;

/// A message to the page's thread.
pub(super) enum Message {
    /// A bench begins.
    Begin(Box<Subject>, Arc<Handed>),
    /// A request has ended.
    Request(Box<Record>),
    /// A bench has ended.
    Ended(Box<EndedBench>),
    /// All have ended.
    End,
}

/// What a bench came to.
#[derive(Debug, Clone)]
pub(super) struct EndedBench {
    pub(super) name: String,
    pub(super) word: String,
    /// The verdict's sentences.
    pub(super) lines: Vec<String>,
}
