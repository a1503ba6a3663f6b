//! Drives an engine through a list of arrivals and cancellations, for tests.

use crate::{
    clock::Nanos,
    sim::engine::{Engine, Finished, Job, JobId, State, Step},
};
use std::collections::BTreeMap;

/// Something from outside.
#[derive(Debug, Clone)]
pub(super) enum Event {
    /// A job arrives. Jobs that are too long are left out.
    Arrival(Job),
    /// The job that arrived as the n-th is given up.
    Cancellation(usize),
}

/// Everything that happened.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Played {
    pub(super) steps: Vec<Step>,
    /// The states after each step was begun.
    pub(super) states: Vec<State>,
    /// The name of each job in order of arrival; `None` for those that were refused.
    pub(super) jobs: Vec<Option<JobId>>,
    pub(super) emitted: BTreeMap<JobId, u64>,
    pub(super) finished: BTreeMap<JobId, Finished>,
    /// The integral of the number of jobs in the system over time, in jobs times nanoseconds.
    pub(super) area: u128,
    pub(super) end: Nanos,
}

/// Plays `events`, which are in order of time, until the engine is idle. An event at the very end of a step takes
/// part in the next.
pub(super) fn play(engine: &mut Engine, events: Vec<(Nanos, Event)>) -> Played {
    let mut played = Played::default();
    let mut events = events.into_iter().peekable();
    let mut ends: Option<Nanos> = None;
    loop {
        let outside = events.peek().map(|(at, _)| *at);
        let inside = ends.or_else(|| engine.resumes());
        let Some(now) = outside.into_iter().chain(inside).min() else {
            return played;
        };
        let state = engine.state();
        let present = u128::from(state.running + state.waiting);
        played.area += present * (now - played.end).as_nanos();
        played.end = now;
        while let Some((_, event)) = events.next_if(|(at, _)| *at == now) {
            match event {
                Event::Arrival(job) => played.jobs.push(engine.submit(now, job).ok()),
                Event::Cancellation(index) => {
                    if let Some(Some(id)) = played.jobs.get(index) {
                        engine.cancel(*id);
                    }
                }
            }
        }
        if ends.is_some_and(|ends| ends > now) {
            continue;
        }
        let step = engine.step(now);
        ends = step.as_ref().map(|step| step.ends);
        if let Some(step) = step {
            for emission in &step.emissions {
                *played.emitted.entry(emission.job).or_default() += emission.tokens;
            }
            for finished in &step.finished {
                let before = played.finished.insert(finished.job, *finished);
                assert_eq!(before, None, "finished twice");
            }
            played.steps.push(step);
            played.states.push(engine.state());
            assert!(
                played.steps.len() < 1_000_000,
                "the engine makes no progress"
            );
        }
    }
}

/// Arrivals, one job each.
pub(super) fn arrivals(jobs: impl IntoIterator<Item = (Nanos, Job)>) -> Vec<(Nanos, Event)> {
    let jobs = jobs.into_iter();
    jobs.map(|(at, job)| (at, Event::Arrival(job))).collect()
}

/// A job without anything special.
pub(super) fn job(prompt_tokens: u64, max_output: u64) -> Job {
    Job {
        prompt_tokens,
        max_output,
        ..Job::default()
    }
}

/// Hashes of `blocks` blocks; prompts of the same `text` share them.
pub(super) fn hashes(text: u64, blocks: u64) -> Vec<u64> {
    (0..blocks).map(|index| (text << 32) | index).collect()
}
