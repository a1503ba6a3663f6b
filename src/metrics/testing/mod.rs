//! Made-up runs for tests, and runs of golden files.

pub(crate) mod golden;

use crate::{
    clock::Nanos,
    record::{Channel, CountSource, Record, ServerTimes, TokenCount, TokenEvent},
    run::{Audit, Run, Setup, Task, Timestamps},
};
use goodput_grammar::goodput::{RequestLimit, RequestMetric};
use serde_json::Value;
use std::time::Duration;

/// A success that was sent on time; times in ms since the run's start, events are of the answer.
pub(crate) fn record(sent: u64, events: &[u64], output_tokens: u64) -> Record {
    let ms = |n: u64| Nanos(n * 1_000_000);
    let count = |tokens| TokenCount {
        tokens,
        source: CountSource::Usage,
    };
    let event = |&at: &u64| TokenEvent {
        at: ms(at),
        tokens: 0,
        channel: Channel::Answer,
    };
    Record {
        index: 0,
        intended: ms(sent),
        dispatched: ms(sent),
        sent: ms(sent),
        connected: None,
        head: None,
        end: ms(events.last().copied().unwrap_or(sent)),
        status: Some(200),
        timestamps: Some(Timestamps::Monotonic),
        retried: false,
        frontend: None,
        events: events.iter().map(event).collect(),
        answered: None,
        asked: 0,
        inputs: 1,
        audio_seconds: 0.0,
        lora: None,
        class: None,
        client: None,
        structure: None,
        turn: None,
        session_e2el: None,
        round_e2el: None,
        cut: false,
        text: String::new(),
        reasoning: String::new(),
        finish: None,
        usage: None,
        server_times: ServerTimes::default(),
        input: count(10),
        output: count(output_tokens),
        error: None,
    }
}

/// An open-loop run of 10 requests per second that lasted a second, or as long as its records, and
/// delivered its plan.
pub(crate) fn run_of(records: Vec<Record>) -> Run {
    Run {
        setup: Setup {
            name: "bench".into(),
            backend: "openai-chat".into(),
            task: Task::Generate,
            target: "http://localhost:8000".into(),
            frontends: Vec::new(),
            simulated: false,
            model: Some("model".into()),
            tokenizer: None,
            rounds: 1,
            classes: Vec::new(),
            requests: records.len(),
            rate: Some(10.0),
            ramp: None,
            burstiness: 1.0,
            max_concurrency: None,
            open_loop: true,
            seed: 7,
            request_id_prefix: "goodput-".into(),
            plan_hash: "00ff".into(),
            bench: Value::Null,
        },
        duration: records
            .iter()
            .map(|record| record.end)
            .fold(Nanos(1_000_000_000), Nanos::max),
        records,
        audit: Audit {
            timestamps: Timestamps::Monotonic,
            connections: 1,
            ..Audit::default()
        },
        partial: false,
        ending: None,
        steady: None,
        warm_up: None,
        rate_changes: Vec::new(),
        server: None,
        abandoned: Vec::new(),
        probes: Vec::new(),
    }
}

/// A limit in ms.
pub(crate) fn limit(metric: RequestMetric, ms: u64) -> RequestLimit {
    RequestLimit {
        metric,
        at_most: Duration::from_millis(ms),
        class: None,
    }
}
