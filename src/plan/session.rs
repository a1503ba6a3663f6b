//! Sessions: requests of which later ones wait for earlier ones, as turns of a conversation or steps of an agent do.

use super::{Plan, PlannedRequest};
use crate::{clock::Nanos, record::TurnId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Place of a request in a session.
///
/// A request without a turn is a session of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Session and number of the turn.
    pub id: TurnId,
    /// Requests that must succeed first, by their places in the plan, which are before this one's. Without any, the
    /// request is due when the session begins. The first request of a session has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<usize>,
    /// Time from the end of the last of them, or from the session's begin, until the request is due: think time.
    pub pause: Nanos,
    /// Time from the session's begin before which the request is not due, for recordings that say when a request was
    /// sent but not how long its user thought. Default 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub earliest: Nanos,
    /// Request whose messages are sent again before this request's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<usize>,
    /// Whether the server's answer to that request follows its messages. Otherwise this request's own messages begin with
    /// an answer from the file, or no answer is sent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub answered: bool,
}

impl Turn {
    /// Whether the request waits for no other of its session.
    pub fn is_first(&self) -> bool {
        self.after.is_empty()
    }

    /// Whether the request is due at the moment at which its session begins.
    pub fn begins(&self) -> bool {
        self.is_first() && self.pause == Nanos(0) && self.earliest == Nanos(0)
    }
}

fn is_zero(time: &Nanos) -> bool {
    *time == Nanos(0)
}

/// The session of each request, counted from 0 in the plan's order. The turns of a session stand together; a request
/// without a turn is a session.
pub(super) fn numbers<'a>(turns: impl Iterator<Item = Option<&'a Turn>>) -> Vec<usize> {
    let mut before = None;
    let mut number = 0;
    turns
        .enumerate()
        .map(|(index, turn)| {
            let session = turn.map(|turn| turn.id.session);
            let same = session.is_some() && session == before;
            number += usize::from(index > 0 && !same);
            before = session;
            number
        })
        .collect()
}

impl Plan {
    /// The session of each request, counted from 0 in the plan's order; a request without a turn is a session of its own.
    pub fn sessions(&self) -> Vec<usize> {
        numbers(self.requests.iter().map(|request| request.turn.as_deref()))
    }

    /// Number of sessions that have turns: of a class, or of all.
    pub(crate) fn sessions_with_turns(&self, class: Option<&str>) -> usize {
        let counts = |(request, _): &(&PlannedRequest, usize)| {
            let of_class = class.is_none() || request.class.as_deref() == class;
            of_class && request.turn.is_some()
        };
        let sessions = self.requests.iter().zip(self.sessions()).filter(counts);
        sessions
            .map(|(_, session)| session)
            .collect::<BTreeSet<usize>>()
            .len()
    }

    /// Names of the classes of a mix that have requests.
    pub(crate) fn classes(&self) -> BTreeSet<&str> {
        self.requests
            .iter()
            .filter_map(|request| request.class.as_deref())
            .collect()
    }

    /// Number of sessions; a request without a turn is one.
    pub fn session_count(&self) -> usize {
        self.sessions().last().map_or(0, |last| last + 1)
    }

    /// Whether requests are turns of sessions.
    pub fn has_sessions(&self) -> bool {
        self.requests.iter().any(|request| request.turn.is_some())
    }

    /// Whether a request sends the server's own answers back. Then its text is not known before the run.
    pub fn sends_answers(&self) -> bool {
        let mut turns = self
            .requests
            .iter()
            .filter_map(|request| request.turn.as_deref());
        turns.any(|turn| turn.answered)
    }

    /// The requests whose messages a request sends, oldest first, the request itself last.
    pub fn history(&self, index: usize) -> Vec<usize> {
        let before = |index: &usize| self.requests.get(*index)?.turn.as_deref()?.history;
        let mut all: Vec<usize> = std::iter::successors(Some(index), before).collect();
        all.reverse();
        all
    }
}
