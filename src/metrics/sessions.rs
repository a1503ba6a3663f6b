//! Numbers of sessions and of their turns.

use super::{
    cached::cached_share,
    percentile::Summary,
    request::{Basis, RequestTimes, millis},
};
use crate::{
    record::{Record, RequestError},
    run::Run,
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Sessions of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sessions {
    /// Sessions of which at least one request was sent.
    pub begun: u64,
    /// Sessions in which every request succeeded.
    pub finished: u64,
    /// Requests that were not sent because an earlier one of their session failed.
    pub abandoned: u64,
    /// Requests by their turn, from the first.
    pub turns: Vec<TurnMetrics>,
    /// Each session of which a request was sent, in the plan's order. Result files have them with `--save-detailed`.
    #[serde(skip)]
    pub each: Vec<SessionMetrics>,
}

/// One session.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SessionMetrics {
    /// Name of the session, such as the id of a conversation.
    pub id: String,
    /// Requests that were sent.
    pub requests: u64,
    /// Requests that were sent and failed.
    pub failed: u64,
    /// Requests that were not sent because an earlier one failed.
    pub abandoned: u64,
    /// For how long the session waited for the server, think time left out, in ms; `None` unless all requests succeeded.
    pub session_e2el_ms: Option<f64>,
}

/// The requests that have the same turn in their sessions. Latencies are in milliseconds, over successes; NaN without any.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TurnMetrics {
    /// Number of the turn, from 0.
    pub turn: u64,
    /// Requests that succeeded.
    pub completed: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Mean prompt tokens of those that succeeded; NaN without any.
    pub mean_input_tokens: f64,
    /// Mean generated tokens of those that succeeded; NaN without any.
    pub mean_output_tokens: f64,
    /// Share of the prompt tokens that came from the server's cache, 0–1, by its usage; `None` if it reports none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_share: Option<f64>,
    /// Time to first token, from the intended time in open loop.
    #[serde(rename = "ttft_ms")]
    pub ttft: Summary,
    /// Time per output token after the first.
    #[serde(rename = "tpot_ms")]
    pub tpot: Summary,
    /// End-to-end latency.
    #[serde(rename = "e2el_ms")]
    pub e2el: Summary,
}

impl Sessions {
    /// Measures the sessions of a run; `None` for a run of single requests.
    pub(super) fn of(run: &Run) -> Option<Self> {
        let mut by_turn: BTreeMap<usize, Vec<&Record>> = BTreeMap::new();
        let mut begun = BTreeSet::new();
        for record in &run.records {
            if let Some(turn) = record.turn.as_deref() {
                begun.insert(turn.session);
                by_turn.entry(turn.number).or_default().push(record);
            }
        }
        let basis = Basis::of_gate(run);
        let turns = by_turn.iter();
        let finished = run.records.iter().filter_map(|record| record.session_e2el);
        (!begun.is_empty()).then(|| Sessions {
            begun: begun.len() as u64,
            finished: finished.count() as u64,
            abandoned: run.abandoned.len() as u64,
            turns: turns
                .map(|(turn, records)| TurnMetrics::of(*turn, records, basis))
                .collect(),
            each: each(run),
        })
    }
}

/// The sessions of a run. Its records are in the plan's order, where the requests of a session stand together.
fn each(run: &Run) -> Vec<SessionMetrics> {
    let mut sessions: Vec<(usize, SessionMetrics)> = Vec::new();
    let mut abandoned = run.abandoned.iter().copied().peekable();
    for record in &run.records {
        // A session begins with a request that is sent, so what was abandoned before this one is of the session before.
        while abandoned.next_if(|index| *index < record.index).is_some() {
            if let Some((_, session)) = sessions.last_mut() {
                session.abandoned += 1;
            }
        }
        let Some(turn) = record.turn.as_deref() else {
            continue;
        };
        if sessions.last().map(|(number, _)| *number) != Some(turn.session) {
            let session = SessionMetrics {
                id: turn.name.clone(),
                requests: 0,
                failed: 0,
                abandoned: 0,
                session_e2el_ms: None,
            };
            sessions.push((turn.session, session));
        }
        if let Some((_, session)) = sessions.last_mut() {
            session.requests += 1;
            session.failed += u64::from(failed(record));
            let e2el = record.session_e2el.map(|at| at.as_secs_f64() * 1e3);
            session.session_e2el_ms = session.session_e2el_ms.or(e2el);
        }
    }
    if let Some((_, session)) = sessions.last_mut() {
        session.abandoned += abandoned.count() as u64;
    }
    sessions.into_iter().map(|(_, session)| session).collect()
}

/// Whether a request failed; a cancelled one did not.
fn failed(record: &Record) -> bool {
    !record.ok() && record.error != Some(RequestError::Cancelled)
}

impl TurnMetrics {
    fn of(turn: usize, records: &[&Record], basis: Basis) -> Self {
        let good: Vec<&Record> = records
            .iter()
            .copied()
            .filter(|record| record.ok())
            .collect();
        let completed = good.len() as u64;
        let mean = |of: &dyn Fn(&Record) -> f64| {
            good.iter().map(|record| of(record)).sum::<f64>() / completed as f64
        };
        let times = || {
            good.iter()
                .filter_map(|record| RequestTimes::of(record, basis))
        };
        TurnMetrics {
            turn: turn as u64,
            completed,
            failed: records.iter().filter(|record| failed(record)).count() as u64,
            mean_input_tokens: mean(&|record| record.input.tokens as f64),
            mean_output_tokens: mean(&|record| record.output.tokens as f64),
            cached_share: cached_share(good.iter().copied()),
            ttft: Summary::of(
                times()
                    .filter_map(|times| times.ttft().map(millis))
                    .collect(),
            ),
            tpot: Summary::of(times().filter_map(|times| times.tpot_ms()).collect()),
            e2el: Summary::of(times().map(|times| millis(times.e2el())).collect()),
        }
    }
}
