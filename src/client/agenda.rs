//! What of a plan of sessions is due, and when: a request waits for those that it follows.
//!
//! Pure bookkeeping without a clock, so that its promises can be tested with made-up ends.

use super::share::Share;
use crate::{clock::Nanos, plan::Plan};
use std::collections::{BTreeSet, VecDeque};

/// Requests of a plan that are still to be sent.
pub(super) struct Agenda {
    /// What is known of each request, by its place in the plan.
    steps: Vec<Step>,
    /// What is known of each session.
    sessions: Vec<Session>,
    /// Requests that wait only for their time. Of a session that has not begun, only its first request is here.
    due: BTreeSet<(Nanos, usize)>,
    /// Sessions that have arrived and wait for the end of others, oldest first, with the request that they begin with.
    held: VecDeque<(Nanos, usize)>,
    /// Sessions that may go on at a time.
    most: Option<usize>,
    going_on: usize,
    abandoned: Vec<usize>,
}

/// A request, as the agenda sees it.
struct Step {
    session: usize,
    /// Requests that it waits for and that have not ended.
    awaits: usize,
    /// End of the last of those that have.
    since: Nanos,
    pause: Nanos,
    /// Not due before: first counted from the session's begin, and once it has begun, a time.
    earliest: Nanos,
    followers: Vec<usize>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not sent yet.
    Planned,
    /// Sent.
    UnderWay,
    /// Answered, failed, or abandoned.
    Over,
    /// Sent by another worker.
    Foreign,
}

#[derive(Default)]
struct Session {
    requests: Vec<usize>,
    /// Requests other than the first that wait for no other, until the session begins.
    roots: Vec<usize>,
    left: usize,
    /// Since when it has waited for the end of others, if it has.
    held: Option<Nanos>,
    begun: bool,
    failed: bool,
    /// From when each request that has ended was due until it ended.
    waits: Vec<(Nanos, Nanos)>,
}

/// What follows from the end of a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Released {
    /// Requests that have become due, or will after their pause.
    pub(super) requests: Vec<usize>,
    /// If the session is over and nothing in it failed: for how long it waited for the server.
    pub(super) session_e2el: Option<Nanos>,
    /// If the session is over: all its requests, whose answers no other needs any more.
    pub(super) over: Vec<usize>,
}

impl Agenda {
    /// The share's sessions of a plan whose schedule starts at `start`.
    pub(super) fn of(plan: &Plan, share: Share, start: Nanos, most: Option<usize>) -> Self {
        let numbers = plan.sessions();
        let count = numbers.last().map_or(0, |last| last + 1);
        let mut agenda = Agenda {
            steps: Vec::with_capacity(plan.requests.len()),
            sessions: (0..count).map(|_| Session::default()).collect(),
            due: BTreeSet::new(),
            held: VecDeque::new(),
            most,
            going_on: 0,
            abandoned: Vec::new(),
        };
        for (index, (request, session)) in plan.requests.iter().zip(numbers).enumerate() {
            let (after, pause, earliest) = match request.turn.as_deref() {
                Some(turn) => (&turn.after[..], turn.pause, turn.earliest),
                None => (&[][..], Nanos(0), Nanos(0)),
            };
            let ours = share.has(session);
            agenda.steps.push(Step {
                session,
                awaits: after.len(),
                since: Nanos(start.0 + request.at.0),
                pause,
                earliest,
                followers: Vec::new(),
                state: if ours { State::Planned } else { State::Foreign },
            });
            // A plan names only requests that stand before, so nothing waits in a circle.
            for before in after.iter().filter(|before| **before < index) {
                agenda.steps[*before].followers.push(index);
            }
            if ours {
                let session = &mut agenda.sessions[session];
                if session.requests.is_empty() {
                    let step = &mut agenda.steps[index];
                    step.earliest.0 += step.since.0;
                    agenda.due.insert((step.due(), index));
                } else if after.is_empty() {
                    session.roots.push(index);
                }
                session.requests.push(index);
                session.left += 1;
            }
        }
        agenda
    }

    /// When the next request is due.
    pub(super) fn next_at(&self) -> Option<Nanos> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Takes up the next request, with its intended time; `None` if its session has to wait for others.
    pub(super) fn take(&mut self, now: Nanos) -> Option<(Nanos, usize)> {
        let (at, index) = self.due.pop_first()?;
        let number = self.steps[index].session;
        let session = &mut self.sessions[number];
        if !session.begun && self.most.is_some_and(|most| self.going_on >= most) {
            session.held = Some(now);
            self.held.push_back((at, index));
            return None;
        }
        self.steps[index].state = State::UnderWay;
        if !session.begun {
            let begin = if session.held.is_some() { now } else { at };
            self.begin(number, begin);
        }
        Some((at, index))
    }

    /// Since when the session of a request has waited for others, if it has: their number is the user's wish, not a delay of
    /// the client.
    pub(super) fn held_since(&self, index: usize) -> Option<Nanos> {
        self.sessions[self.steps[index].session].held
    }

    /// The number of a request's session.
    pub(super) fn session_of(&self, index: usize) -> usize {
        self.steps[index].session
    }

    /// Lets the times of a session count from here.
    fn begin(&mut self, number: usize, begin: Nanos) {
        self.going_on += 1;
        let session = &mut self.sessions[number];
        session.begun = true;
        for index in session.requests.iter().skip(1) {
            self.steps[*index].earliest.0 += begin.0;
        }
        for index in std::mem::take(&mut session.roots) {
            let step = &mut self.steps[index];
            step.since = begin;
            self.due.insert((step.due(), index));
        }
    }

    /// Notes the end of a request. A failed one abandons its session: what is not under way is not sent.
    pub(super) fn end(
        &mut self,
        index: usize,
        (due, at): (Nanos, Nanos),
        succeeded: bool,
    ) -> Released {
        let number = self.steps[index].session;
        self.over(index);
        let session = &mut self.sessions[number];
        session.waits.push((due, at));
        session.failed |= !succeeded;
        let mut released = Released::default();
        if succeeded {
            for follower in std::mem::take(&mut self.steps[index].followers) {
                let step = &mut self.steps[follower];
                step.awaits -= 1;
                step.since = step.since.max(at);
                if step.awaits == 0 && step.state == State::Planned {
                    let due = step.due();
                    self.due.insert((due, follower));
                    released.requests.push(follower);
                }
            }
        } else {
            self.abandon(number);
        }
        let session = &mut self.sessions[number];
        if session.left == 0 {
            let waits = std::mem::take(&mut session.waits);
            released.session_e2el = Some(length(waits)).filter(|_| !session.failed);
            released.over = std::mem::take(&mut session.requests);
            self.going_on -= 1;
            self.admit();
        }
        released
    }

    /// Lets the session go on that has waited longest. Its time is over, so it is due now.
    fn admit(&mut self) {
        let Some((_, first)) = self.held.front() else {
            return;
        };
        let number = self.steps[*first].session;
        let held = std::mem::take(&mut self.held);
        for (at, index) in held {
            if self.steps[index].session == number {
                self.due.insert((at, index));
            } else {
                self.held.push_back((at, index));
            }
        }
    }

    fn abandon(&mut self, number: usize) {
        for place in 0..self.sessions[number].requests.len() {
            let index = self.sessions[number].requests[place];
            if self.steps[index].state == State::Planned {
                let due = self.steps[index].due();
                self.due.remove(&(due, index));
                self.held.retain(|(_, held)| *held != index);
                self.over(index);
                self.abandoned.push(index);
            }
        }
    }

    fn over(&mut self, index: usize) {
        let step = &mut self.steps[index];
        step.state = State::Over;
        self.sessions[step.session].left -= 1;
    }

    /// Requests that were not sent because an earlier one of their session failed.
    pub(super) fn into_abandoned(mut self) -> Vec<usize> {
        self.abandoned.sort_unstable();
        self.abandoned
    }
}

/// The length of these spans of time together, where several overlap once.
fn length(mut spans: Vec<(Nanos, Nanos)>) -> Nanos {
    spans.sort_unstable();
    let (mut length, mut until) = (0, Nanos(0));
    for (from, to) in spans {
        length += to.0.saturating_sub(from.max(until).0);
        until = until.max(to);
    }
    Nanos(length)
}

impl Step {
    fn due(&self) -> Nanos {
        Nanos(self.since.0 + self.pause.0).max(self.earliest)
    }
}

#[cfg(test)]
mod tests;
