//! Runs whose numbers vLLM's own code has computed; `fixtures/metrics/generate.py` made them.

use super::{limit, record, run_of};
use crate::{
    backend::by_name,
    clock::Nanos,
    metrics::{Metrics, Summary, measure},
    plan::RateChange,
    record::{Channel, Events, Record, RequestError, TokenEvent},
    run::{Run, ServerSide, Task},
    scrape::{Between, Reading},
};
use goodput_grammar::goodput::{RequestLimit, RequestMetric};
use rstest::rstest;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// A golden file.
#[derive(Deserialize)]
pub(crate) struct Golden {
    input: Input,
    /// The saved result's file name.
    pub(crate) file_name: String,
    /// What vLLM printed.
    pub(crate) table: Vec<String>,
    /// What vLLM saved.
    pub(crate) result: Map<String, Value>,
}

#[derive(Deserialize)]
struct Input {
    backend: Option<String>,
    requests: Vec<Row>,
    duration: Nanos,
    flags: String,
    /// Requests in addition to the plan.
    #[serde(default)]
    probes: Vec<Row>,
    /// The server's `/metrics` before and after.
    #[serde(default)]
    pages: Vec<String>,
}

#[derive(Deserialize)]
struct Row {
    intended: Nanos,
    dispatched: Nanos,
    sent: Nanos,
    events: Vec<Nanos>,
    prompt_tokens: u64,
    output_tokens: u64,
    text: String,
    error: Option<String>,
    #[serde(default = "one")]
    inputs: u64,
    /// Seconds of a recording.
    #[serde(default)]
    audio: f64,
}

fn one() -> u64 {
    1
}

impl Row {
    fn record(&self, index: usize, task: Task) -> Record {
        let mut record = record(0, &[], self.output_tokens);
        record.index = index;
        record.intended = self.intended;
        record.dispatched = self.dispatched;
        record.sent = self.sent;
        record.input.tokens = self.prompt_tokens;
        record.text = self.text.clone();
        record.inputs = self.inputs;
        record.audio_seconds = self.audio;
        let event = |&at| TokenEvent {
            at,
            tokens: 0,
            channel: Channel::Answer,
        };
        record.events = self.events.iter().map(event).collect();
        let malformed = |message| RequestError::Malformed { message };
        record.error = self.error.clone().map(malformed);
        if task == Task::Pool {
            record.answered = record.events.last_at();
            record.events = Events::default();
        }
        record
    }
}

impl Golden {
    pub(crate) fn read(name: &str) -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/metrics");
        Golden::at(Path::new(&format!("{folder}/{name}.json")))
    }

    pub(crate) fn at(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// The words after a flag up to the next one.
    pub(crate) fn flag(&self, name: &str) -> Option<Vec<&str>> {
        let mut words = self.input.flags.split(' ');
        words.find(|word| word.strip_prefix("--") == Some(name))?;
        Some(words.take_while(|word| !word.starts_with("--")).collect())
    }

    pub(crate) fn limits(&self) -> Vec<RequestLimit> {
        let pairs = self.flag("goodput").unwrap_or_default();
        let limit = |pair: &str| {
            let (name, ms) = pair.split_once(':').unwrap();
            let metric = match name {
                "ttft" => RequestMetric::Ttft,
                "tpot" => RequestMetric::Tpot,
                _ => RequestMetric::E2el,
            };
            limit(metric, ms.parse().unwrap())
        };
        pairs.into_iter().map(limit).collect()
    }

    pub(crate) fn run(&self) -> Run {
        let backend = self.input.backend.as_deref().unwrap_or("openai");
        let task = by_name(backend).unwrap().task();
        let records = |rows: &[Row]| -> Vec<Record> {
            let rows = rows.iter().enumerate();
            rows.map(|(index, row)| row.record(index, task)).collect()
        };
        let mut run = run_of(records(&self.input.requests));
        run.duration = self.input.duration;
        run.setup.backend = backend.to_owned();
        run.setup.task = task;
        let number = |name| Some(self.flag(name)?[0].parse::<f64>().unwrap());
        run.setup.rate = number("request-rate");
        run.setup.max_concurrency = number("max-concurrency").map(|n| n as usize);
        run.setup.burstiness = number("burstiness").unwrap_or(1.0);
        let changes = self
            .result
            .get("rps_change_events")
            .and_then(Value::as_array);
        run.rate_changes = changes
            .into_iter()
            .flatten()
            .map(|change| RateChange {
                rps: change["rps"].as_u64().unwrap(),
                at: Nanos(0),
            })
            .collect();
        run.probes = records(&self.input.probes);
        if let [before, after] = &self.input.pages[..] {
            let reading = |page: &str| Reading::of(page).unwrap();
            let Between::Counted(counts, _) = reading(after).since(&reading(before)) else {
                panic!("restarted")
            };
            run.server = Some(ServerSide {
                counted: Some(counts),
                ..ServerSide::default()
            });
        }
        run
    }

    /// An error as vLLM has it: ours says where it comes from.
    pub(crate) fn plain_error(text: &str) -> String {
        text.replace("unreadable answer: ", "")
    }

    fn number(&self, key: &str) -> f64 {
        self.result[key].as_f64().unwrap()
    }
}

/// Equal to nine digits; queue times of microseconds suffer from vLLM's own subtraction.
pub(crate) fn close(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() <= 1e-9 * theirs.abs().max(1.0)
}

#[track_caller]
fn assert_close(what: &str, ours: f64, theirs: f64) {
    assert!(close(ours, theirs), "{what}: ours {ours}, vLLM's {theirs}");
}

fn measured(golden: &Golden) -> Metrics {
    measure(&golden.run(), &golden.limits())
}

#[rstest]
fn every_number_is_vllms(#[files("fixtures/metrics/*.json")] path: PathBuf) {
    let golden = Golden::at(&path);
    let metrics = measured(&golden);
    let numbers = [
        ("completed", metrics.counts.completed as f64),
        ("failed", metrics.counts.failed as f64),
        ("total_input_tokens", metrics.counts.input_tokens as f64),
        ("total_output_tokens", metrics.counts.output_tokens as f64),
        ("request_throughput", metrics.throughput.requests),
        ("output_throughput", metrics.throughput.output_tokens),
        ("total_token_throughput", metrics.throughput.total_tokens),
        (
            "max_output_tokens_per_s",
            metrics.peaks.output_tokens_per_s as f64,
        ),
        (
            "max_concurrent_requests",
            metrics.peaks.concurrent_requests as f64,
        ),
        ("rtfx", metrics.throughput.rtfx),
        ("total_input_sequences", metrics.counts.inputs as f64),
        ("input_sequence_throughput", metrics.throughput.inputs),
    ];
    // Answers with tokens and those without have not all numbers in common.
    let has = |key: &str| golden.result.contains_key(key);
    for (key, ours) in numbers.into_iter().filter(|(key, _)| has(key)) {
        assert_close(key, ours, golden.number(key));
    }
    if has("request_goodput") && !golden.limits().is_empty() {
        let ours = metrics.goodput.requests_per_s;
        assert_close("request_goodput", ours, golden.number("request_goodput"));
    }
    let latency = &metrics.latency;
    let families = [
        ("ttft", &latency.ttft),
        ("tpot", &latency.tpot),
        ("itl", &latency.itl),
        ("e2el", &latency.e2el),
        ("client_queue_time", &latency.client_queue),
        (
            "e2el_including_client_queue",
            &latency.e2el_with_client_queue,
        ),
    ];
    let mut compared = 0;
    for (family, summary) in families {
        for (key, theirs) in &golden.result {
            let Some(statistic) = key.strip_suffix(&format!("_{family}_ms")) else {
                continue;
            };
            let (summary, statistic) = match statistic.strip_prefix("probe_") {
                Some(statistic) => (&metrics.probes.as_ref().unwrap().e2el, statistic),
                None => (summary, statistic),
            };
            assert_close(
                key,
                statistic_of(summary, statistic),
                theirs.as_f64().unwrap(),
            );
            compared += 1;
        }
    }
    assert!(compared >= 4, "the file has hardly any statistics");
}

/// vLLM has 0 where there are no values.
fn statistic_of(summary: &Summary, name: &str) -> f64 {
    match name {
        _ if summary.is_empty() => 0.0,
        "mean" => summary.mean,
        "median" => summary.median,
        "std" => summary.std,
        "max" => summary.max,
        _ => summary.percentile(name.strip_prefix('p').unwrap().parse().unwrap()),
    }
}

/// The same three requests, worked out by hand with numpy.
#[rstest]
#[case(|m: &Metrics| m.latency.ttft.clone(), [200.0, 200.0, 81.649_658_092_772_6, 298.0, 150.0])]
#[case(|m: &Metrics| m.latency.tpot.clone(), [160.0 / 3.0, 160.0 / 3.0, 40.0 / 3.0, 66.4, 140.0 / 3.0])]
#[case(|m: &Metrics| m.latency.itl.clone(), [100.0, 75.0, 61.237_243_569_579_455, 197.0, 50.0])]
#[case(|m: &Metrics| m.latency.e2el.clone(), [1000.0 / 3.0, 400.0, 169.967_317_119_759_5, 498.0, 250.0])]
fn three_requests_by_hand(#[case] of: fn(&Metrics) -> Summary, #[case] expected: [f64; 5]) {
    let metrics = measured(&Golden::read("three_requests"));
    let summary = of(&metrics);
    let ours = [
        summary.mean,
        summary.median,
        summary.std,
        summary.percentile(99.0),
        summary.percentile(25.0),
    ];
    for (ours, expected) in ours.into_iter().zip(expected) {
        assert_close("by hand", ours, expected);
    }
    assert_eq!(
        (
            metrics.peaks.output_tokens_per_s,
            metrics.peaks.concurrent_requests
        ),
        (5, 2)
    );
}
