//! Encodes turns of sessions, once what comes before them was answered.

use super::{encode::Encoder, prepare::Prepared};
use crate::{
    client::{Body, Compose},
    plan::{Plan, PlannedRequest, Prompt},
};
use serde_json::{Value, json};

/// Encodes the later turns of a plan's sessions.
pub(super) struct Composer<'a> {
    pub(super) prepared: &'a Prepared,
    pub(super) plan: &'a Plan,
}

impl Compose for Composer<'_> {
    fn body(&self, index: usize, answers: &[Option<String>]) -> Body {
        let request = &self.plan.requests[index];
        let turn = PlannedRequest {
            prompt: Prompt::Messages(messages(self.plan, index, answers)),
            ..request.clone()
        };
        let mut encoder = Encoder::new(&*self.prepared.backend, &self.prepared.options)
            .salted(self.plan.salt.as_ref());
        // A plan was checked when it was made: the backend takes all its prompts.
        encoder.body_of(&turn).unwrap_or_default()
    }
}

/// The messages of a request: those of its history with the answers to them, then its own.
fn messages(plan: &Plan, index: usize, answers: &[Option<String>]) -> Vec<Value> {
    let mut all = Vec::new();
    for place in plan.history(index) {
        let request = &plan.requests[place];
        let turn = request.turn.as_deref();
        let answered = turn
            .filter(|turn| turn.answered)
            .and_then(|turn| turn.history);
        let answer = answered.and_then(|before| answers.get(before)?.as_deref());
        all.extend(answer.map(|text| json!({"role": "assistant", "content": text})));
        if let Prompt::Messages(own) = &request.prompt {
            all.extend(own.iter().cloned());
        }
    }
    all
}
