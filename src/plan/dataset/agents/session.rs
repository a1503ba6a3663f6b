//! Sessions as recordings have them, whatever their format.

use serde_json::{Map, Value};
use std::rc::Rc;

/// A session: requests of which later ones wait for earlier ones.
pub(super) struct Session {
    pub(super) name: String,
    /// When it began, in seconds; `None` if the recording does not say it.
    pub(super) at: Option<f64>,
    /// Each request sends what is new, after what was said before it, answers of the server included.
    pub(super) grows: bool,
    /// Requests, those first that others wait for. The first waits for none.
    pub(super) steps: Vec<Step>,
}

/// A request of a session.
pub(super) struct Step {
    /// Earlier requests of the session that it waits for.
    pub(super) after: Vec<usize>,
    pub(super) wait: Wait,
    pub(super) asked: Asked,
    pub(super) output: Output,
    /// Fields of the body that only this request has.
    pub(super) overrides: Map<String, Value>,
}

/// When a request is due, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Wait {
    /// This long after the end of the last request that it waits for.
    Pause(f64),
    /// When those have ended, but not before this time since the session's begin.
    Until(f64),
}

/// What a request asks.
pub(super) enum Asked {
    /// Tokens that are made up.
    Made { length: u64, blocks: Option<Ids> },
    /// A text.
    Text(String),
    /// Token ids.
    Tokens(Vec<u32>),
    /// A chat.
    Messages(Vec<Value>),
}

/// How long the answer was.
pub(super) enum Output {
    Tokens(u64),
    /// The length of these messages.
    Messages(Vec<Value>),
    Unknown,
}

impl From<Option<u64>> for Output {
    fn from(tokens: Option<u64>) -> Self {
        tokens.map_or(Output::Unknown, Output::Tokens)
    }
}

/// Hash ids of a prompt.
pub(super) struct Ids {
    /// Tokens that an id stands for.
    pub(super) size: usize,
    pub(super) ids: Vec<u64>,
    /// Where an id means the same tokens; empty for everywhere.
    pub(super) scope: Rc<str>,
}
