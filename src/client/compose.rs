//! Bodies of requests: most are encoded before the run, those that repeat what was said once it was said.

use super::body::Body;
use std::fmt;

/// Bodies of a plan's requests.
#[derive(Clone, Copy)]
pub struct Bodies<'a> {
    /// Bodies by their places in the plan; empty for requests that are encoded later.
    pub ready: &'a [Body],
    /// Encodes the rest.
    pub later: Option<&'a dyn Compose>,
}

/// Encodes a request whose predecessors were answered.
pub trait Compose: Sync {
    /// Returns the body of the request at this place of the plan. `answers` holds what the server answered to the
    /// requests before, by their places.
    fn body(&self, index: usize, answers: &[Option<String>]) -> Body;
}

impl<'a> From<&'a [Body]> for Bodies<'a> {
    fn from(ready: &'a [Body]) -> Self {
        Bodies { ready, later: None }
    }
}

impl<'a> From<&'a Vec<Body>> for Bodies<'a> {
    fn from(ready: &'a Vec<Body>) -> Self {
        Bodies::from(&ready[..])
    }
}

impl Bodies<'_> {
    /// The body of a request.
    pub(super) fn of(&self, index: usize, answers: &[Option<String>]) -> Body {
        match (self.later, self.ready.get(index)) {
            (Some(later), Some(ready)) if ready.size() == 0 => later.body(index, answers),
            (_, ready) => ready.cloned().unwrap_or_default(),
        }
    }
}

impl fmt::Debug for Bodies<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bodies", self.ready.len())
    }
}
