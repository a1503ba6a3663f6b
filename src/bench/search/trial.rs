//! Watches a short trial of a search, and ends it once it is clear on which side of the edge it is.

use crate::{
    client::Conditions,
    judge::{Criterion, Said},
    metrics::Basis,
    observer::Observer,
    record::Record,
    run::{EndReason, Run, Setup},
    stats::search::{Early, Side},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Watches requests in the order of the plan, each once all before it have ended: the fast ones must not speak first.
pub(super) struct Watching {
    inner: Arc<dyn Observer>,
    criteria: Vec<Criterion>,
    /// The run, without its requests.
    run: Run,
    state: Mutex<State>,
}

struct State {
    early: Vec<Early>,
    /// Requests that have ended before one that is planned earlier: what each criterion has of them.
    waiting: BTreeMap<usize, Vec<Option<Said>>>,
    next: usize,
    conditions: Option<Arc<Conditions>>,
    side: Option<Side>,
}

impl Watching {
    pub(super) fn new(
        inner: Arc<dyn Observer>,
        setup: Setup,
        criteria: &[Criterion],
        requests: usize,
    ) -> Self {
        Watching {
            inner,
            run: Run::empty(setup),
            state: Mutex::new(State {
                early: criteria.iter().map(|c| c.early(requests)).collect(),
                waiting: BTreeMap::new(),
                next: 0,
                conditions: None,
                side: None,
            }),
            criteria: criteria.to_vec(),
        }
    }

    /// Takes what ends the trial.
    pub(super) fn ends(&self, conditions: Option<Arc<Conditions>>) {
        self.state().conditions = conditions;
    }

    /// The side, if it was clear before the trial was over.
    pub(super) fn side(&self) -> Option<Side> {
        self.state().side
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self, record: &Record) {
        let basis = Basis::of_gate(&self.run);
        let said = self.criteria.iter();
        let said = said.map(|criterion| criterion.said(&self.run, basis, record));
        let said = said.collect();
        let mut state = self.state();
        state.waiting.insert(record.index, said);
        while let Some(said) = {
            let next = state.next;
            state.waiting.remove(&next)
        } {
            state.next += 1;
            for (early, said) in state.early.iter_mut().zip(said) {
                if let Some(said) = said {
                    early.sees(said.beyond, said.values, said.limit_ratio);
                }
            }
        }
        if state.side.is_some() {
            return;
        }
        let sides: Vec<Option<Side>> = state.early.iter().map(Early::side).collect();
        state.side = if sides.contains(&Some(Side::Above)) {
            Some(Side::Above)
        } else if !sides.is_empty() && sides.iter().all(|side| *side == Some(Side::Below)) {
            Some(Side::Below)
        } else {
            None
        };
        if let (Some(_), Some(conditions)) = (state.side, &state.conditions) {
            conditions.end(Some(EndReason::Decided));
        }
    }
}

impl Observer for Watching {
    fn sent(&self) {
        self.inner.sent();
    }

    fn finished(&self, record: &Record) {
        if !self.criteria.is_empty() {
            self.watch(record);
        }
        self.inner.finished(record);
    }

    fn says(&self, line: &str) {
        self.inner.says(line);
    }
}
