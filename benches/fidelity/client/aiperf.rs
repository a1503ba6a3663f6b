//! aiperf: draws its own arrivals and request ids, and keeps every gap.

use super::{Order, Peer, Seen, launch};
use crate::{launch::Launch, machine::Fallible, points::SEED, trace::Trace};
use serde::Deserialize;
use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
};

#[derive(Deserialize)]
struct Record {
    metadata: Metadata,
    metrics: Metrics,
    error: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Metadata {
    x_request_id: String,
}

#[derive(Deserialize)]
struct Metrics {
    time_to_first_token: Option<Value<f64>>,
    #[serde(default)]
    inter_chunk_latency: Option<Value<Vec<f64>>>,
}

/// In milliseconds.
#[derive(Deserialize)]
struct Value<T> {
    value: T,
}

pub(super) fn run(peer: &Peer, order: &Order<'_>) -> Fallible<(Seen, Launch)> {
    let folder = order.folder.join("aiperf");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let count = order.point.requests.to_string();
    let mut command = [
        &peer.program.display().to_string(),
        "profile",
        "-m",
        "truth",
        "--url",
        &format!("http://127.0.0.1:{}", order.port),
        "--endpoint-type",
        "completions",
        "--streaming",
        "--synthetic-input-tokens-mean",
        &order.point.prompt_words().to_string(),
        "--num-dataset-entries",
        "100",
        "--extra-inputs",
        &format!("max_tokens:{}", order.point.tokens),
        "--request-count",
        &count,
        "--random-seed",
        &SEED.to_string(),
        "--tokenizer",
        &peer.tokenizer()?.display().to_string(),
        "--use-server-token-count",
        "--artifact-dir",
        &folder.display().to_string(),
        "--export-level",
        "records",
        "--ui",
        "none",
    ]
    .map(str::to_owned)
    .to_vec();
    let load = if order.point.rate.is_finite() {
        [
            "--request-rate".to_owned(),
            order.point.rate.to_string(),
            "--request-rate-mode".to_owned(),
            "poisson".to_owned(),
        ]
        .to_vec()
    } else {
        ["--concurrency".to_owned(), count].to_vec()
    };
    command.extend(load);
    let launch = launch(order.folder, order.cores(), &[0], &command)?;
    let lines = BufReader::new(File::open(folder.join("profile_export.jsonl"))?).lines();
    let mut seen = Vec::new();
    for line in lines {
        let record: Record = serde_json::from_str(&line?)?;
        let Some(ttft) = record.metrics.time_to_first_token else {
            continue;
        };
        if record.error.is_some() {
            continue;
        }
        let gaps = record
            .metrics
            .inter_chunk_latency
            .map_or(Vec::new(), |g| g.value);
        let mut at = ttft.value;
        let later = gaps.iter().map(|gap| {
            at += gap;
            at
        });
        let times = [ttft.value].into_iter().chain(later);
        seen.push(Trace {
            id: record.metadata.x_request_id,
            start: 0,
            tokens: times.map(|ms| (ms * 1e6) as u64).collect(),
        });
    }
    Ok((Seen::Tokens(seen), launch))
}
