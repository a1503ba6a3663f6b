//! One request of a conversation, as vLLM's script measures it.

use crate::{
    clock::Nanos,
    record::{Channel, Record, TokenEvent},
    run::Run,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// A successful request of a conversation. Fields, their order and their units are those of the script.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TurnStats {
    /// Time from sending to the first token of the answer, ms. If the first event brought several tokens, the time of
    /// the first of them by the mean pace, at least 0.1.
    pub ttft_ms: f64,
    /// Time per token after those of the first event, ms; 0 without any.
    pub tpot_ms: f64,
    /// Time from sending to the end of the stream, ms.
    pub latency_ms: f64,
    /// When the request was sent, ms since the start of the run.
    pub start_time_ms: f64,
    /// Messages of the request, answers included.
    pub input_num_turns: u64,
    /// Tokens of all its messages.
    pub input_num_tokens: u64,
    /// Tokens of the answer.
    pub output_num_tokens: u64,
    /// Events with text after the first.
    pub output_num_chunks: u64,
    /// Tokens of the first event; 1 if the server does not report them.
    pub output_num_first_chunk_tokens: u64,
    /// Share of the prompt that was said before, in percent: what a prefix cache could serve.
    pub approx_cached_percent: f64,
    /// Id of the conversation.
    pub conversation_id: String,
    /// Number of the client: sessions take turns on the smallest number that is free when they begin.
    pub client_id: u64,
}

/// The successful requests of a run's conversations, in the order of their sending. `clients` is the number of clients.
pub fn turn_stats(run: &Run, clients: usize) -> Vec<TurnStats> {
    let lanes = lanes(run);
    let mut said: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    for record in run.records.iter().filter(|record| record.ok()) {
        if let Some(turn) = record.turn.as_deref() {
            let tokens = record.input.tokens.saturating_add(record.output.tokens);
            said.insert((turn.session, turn.number), tokens);
        }
    }
    let mut records: Vec<&Record> = run.records.iter().filter(|record| record.ok()).collect();
    records.sort_by_key(|record| (record.sent, record.index));
    let stats = records.into_iter().filter_map(|record| {
        let turn = record.turn.as_deref()?;
        let before = turn.number.checked_sub(1);
        let before = before.and_then(|before| said.get(&(turn.session, before)));
        let lane = lanes.get(&turn.session).copied().unwrap_or(0);
        Some(TurnStats {
            client_id: (lane % clients.max(1)) as u64,
            ..of(record, before.copied().unwrap_or(0))?
        })
    });
    stats.collect()
}

/// A request. `before` is the number of tokens that were said before its question.
fn of(record: &Record, before: u64) -> Option<TurnStats> {
    let turn = record.turn.as_deref()?;
    let brings_text = |event: &TokenEvent| event.channel == Channel::Answer;
    let mut events = record.events.iter().filter(brings_text);
    let first = events.next().or_else(|| record.events.iter().next());
    let latency_ms = millis(record.end, record.sent);
    let output = record.output.tokens;
    let in_first = first.map_or(1, |event| u64::from(event.tokens.max(1)));
    let received = first.map_or(latency_ms, |event| millis(event.at, record.sent));
    let later = output.saturating_sub(in_first);
    let tpot_ms = if later > 0 {
        (latency_ms - received) / later as f64
    } else {
        0.0
    };
    let ttft_ms = if in_first > 1 {
        (received - (in_first - 1) as f64 * tpot_ms).max(0.1)
    } else {
        received
    };
    let input = record.input.tokens;
    let cached = before.min(input) as f64 / input.max(1) as f64;
    Some(TurnStats {
        ttft_ms,
        tpot_ms,
        latency_ms,
        start_time_ms: millis(record.sent, Nanos(0)),
        input_num_turns: 2 * turn.number as u64 + 1,
        input_num_tokens: input,
        output_num_tokens: output,
        output_num_chunks: events.count() as u64,
        output_num_first_chunk_tokens: in_first,
        approx_cached_percent: 100.0 * cached,
        conversation_id: turn.name.clone(),
        client_id: 0,
    })
}

fn millis(to: Nanos, from: Nanos) -> f64 {
    to.0.saturating_sub(from.0) as f64 / 1e6
}

/// Places of sessions among those that go on at the same time: the smallest that is free when a session begins.
fn lanes(run: &Run) -> BTreeMap<usize, usize> {
    let mut spans: BTreeMap<usize, (Nanos, Nanos)> = BTreeMap::new();
    for record in &run.records {
        if let Some(turn) = record.turn.as_deref() {
            let span = spans
                .entry(turn.session)
                .or_insert((record.sent, record.end));
            *span = (span.0.min(record.sent), span.1.max(record.end));
        }
    }
    let mut order: Vec<(usize, (Nanos, Nanos))> = spans.into_iter().collect();
    order.sort_by_key(|(session, (from, _))| (*from, *session));
    let mut free_at: Vec<Nanos> = Vec::new();
    let mut lanes = BTreeMap::new();
    for (session, (from, to)) in order {
        let lane = free_at.iter().position(|at| *at <= from);
        let lane = lane.unwrap_or(free_at.len());
        match free_at.get_mut(lane) {
            Some(at) => *at = to,
            None => free_at.push(to),
        }
        lanes.insert(session, lane);
    }
    lanes
}
