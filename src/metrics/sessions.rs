//! Numbers of sessions and of their turns.

use super::{
    cached::cached_share,
    percentile::Summary,
    request::{Basis, RequestTimes, millis},
};
use crate::{record::Record, run::Run};
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
        })
    }
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
            failed: records.len() as u64 - completed,
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
