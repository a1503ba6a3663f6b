//! The key `goodput` of a result as values: what is written by [`extra`](super::extra) is read here.

use crate::{
    judge::{
        Capacity, Comparison, Curve, Expect, Finding, FunctionCheck, Judgement, SloResult, Verdict,
        WorstRequest,
    },
    metrics::{Course, ErrorGroup, Stalls, Timeline},
    run::Audit,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What goodput says about a run in its result file. Older files lack some keys.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Facts {
    #[cfg_attr(
        not(feature = "cli"),
        allow(dead_code, reason = "only files are shown by it")
    )]
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) target: String,
    #[serde(default)]
    pub(crate) simulated: bool,
    #[serde(default)]
    pub(crate) model: Option<String>,
    #[serde(default)]
    pub(crate) open_loop: bool,
    #[serde(default)]
    pub(crate) seed: u64,
    #[serde(default)]
    pub(crate) plan_hash: String,
    /// Every setting of the bench.
    #[serde(default)]
    pub(crate) bench: Value,
    pub(crate) verdict: Verdict,
    pub(crate) findings: Vec<Finding>,
    pub(crate) slos: Vec<SloResult>,
    /// Limits on requests, by the name of the latency with `_ms`; limits of classes below the name of the class.
    #[serde(default)]
    pub(crate) limits: Map<String, Value>,
    #[serde(default)]
    pub(crate) goodput: Shares,
    #[serde(default)]
    pub(crate) requests: Requests,
    #[serde(default)]
    pub(crate) throughput: Map<String, Value>,
    /// Statistics by the name of the latency with `_ms`.
    #[serde(default)]
    latency: Map<String, Value>,
    /// `[µs, count]` by the name of the latency with `_us`.
    #[serde(default)]
    histograms: BTreeMap<String, Vec<(u64, u64)>>,
    #[serde(default)]
    pub(crate) error_groups: Vec<ErrorGroup>,
    #[cfg_attr(
        not(feature = "cli"),
        allow(dead_code, reason = "only files are shown by it")
    )]
    #[serde(default)]
    pub(crate) first_errors: Vec<String>,
    #[serde(default)]
    pub(crate) worst: Vec<WorstRequest>,
    #[serde(default)]
    pub(crate) audit: Audit,
    /// Lines about the client and the server, each with its label.
    #[serde(default)]
    pub(crate) client: Vec<(String, String)>,
    #[serde(default)]
    pub(crate) expect: Expect,
    #[serde(default)]
    pub(crate) function: Option<FunctionCheck>,
    #[serde(default)]
    pub(crate) course: Option<Course>,
    #[serde(default)]
    pub(crate) steady: Option<Steady>,
    #[serde(default)]
    pub(crate) stalls: Option<Stalls>,
    #[serde(default)]
    pub(crate) slowest: Vec<Timeline>,
    #[serde(default)]
    pub(crate) server: Option<Server>,
    #[serde(default)]
    pub(crate) sessions: Option<Sessions>,
    #[serde(default)]
    pub(crate) rounds: Option<Rounds>,
    #[serde(default)]
    pub(crate) classes: Map<String, Value>,
    #[serde(default)]
    pub(crate) capacity: Option<Capacity>,
    #[serde(default)]
    pub(crate) curve: Option<Curve>,
    #[serde(default)]
    pub(crate) comparison: Option<Comparison>,
}

/// How many requests were good.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Shares {
    pub(crate) good: Option<u64>,
    pub(crate) counted: Option<u64>,
    pub(crate) ratio: Option<f64>,
}

/// How many requests and tokens.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Requests {
    pub(crate) planned: Option<u64>,
    pub(crate) sent: Option<u64>,
    pub(crate) completed: Option<u64>,
    pub(crate) failed: Option<u64>,
    pub(crate) input_tokens: Option<u64>,
    pub(crate) output_tokens: Option<u64>,
}

/// The steady part, s since the run's start.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Steady {
    pub(crate) from: f64,
    pub(crate) to: f64,
}

/// Statistics of a latency, ms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Stats {
    pub(crate) count: u64,
    pub(crate) mean: Option<f64>,
    pub(crate) std: Option<f64>,
    pub(crate) min: Option<f64>,
    pub(crate) p50: Option<f64>,
    pub(crate) p90: Option<f64>,
    pub(crate) p95: Option<f64>,
    pub(crate) p99: Option<f64>,
    #[serde(rename = "p99.9")]
    pub(crate) p999: Option<f64>,
    pub(crate) max: Option<f64>,
}

/// What the server reported.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Server {
    pub(crate) engine: Option<String>,
    pub(crate) about: BTreeMap<String, String>,
    pub(crate) gauges: Option<Gauges>,
}

/// Samples of the server's page, in columns of equal length.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Gauges {
    pub(crate) interval_ms: f64,
    pub(crate) at_s: Vec<f64>,
    pub(crate) running: Vec<Option<f64>>,
    pub(crate) waiting: Vec<Option<f64>>,
    pub(crate) kv_usage: Vec<Option<f64>>,
    pub(crate) preemptions: Vec<Option<f64>>,
    pub(crate) memory_bytes: Vec<Option<f64>>,
}

/// Sessions of a run.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sessions {
    pub(crate) begun: u64,
    pub(crate) finished: u64,
    pub(crate) abandoned: u64,
    pub(crate) turns: Vec<PartOfRun>,
}

/// Rounds of a run.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Rounds {
    pub(crate) each: Vec<PartOfRun>,
}

/// The requests of one turn or one round.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PartOfRun {
    /// The number of the turn or round, from 0.
    #[serde(alias = "turn", alias = "round")]
    pub(crate) number: u64,
    pub(crate) completed: u64,
    pub(crate) failed: u64,
    pub(crate) cached_share: Option<f64>,
    pub(crate) ttft_ms: Stats,
    pub(crate) e2el_ms: Stats,
}

impl Facts {
    /// The stored judgement.
    pub(crate) fn judgement(&self) -> Judgement {
        Judgement {
            verdict: self.verdict,
            findings: self.findings.clone(),
            slos: self.slos.clone(),
            errors: self.error_groups.clone(),
            worst: self.worst.clone(),
            comparison: self.comparison.clone(),
            capacity: self.capacity.clone(),
            function: self.function.clone(),
            expect: self.expect,
            completed: self.requests.completed.unwrap_or_default(),
            failed: self.requests.failed.unwrap_or_default(),
        }
    }

    /// Statistics of a latency of the gate.
    pub(crate) fn stats(&self, latency: &str) -> Option<Stats> {
        stats(&self.latency, latency)
    }

    /// Values of a latency, ms, each with how many requests or gaps had it, from the smallest.
    pub(crate) fn histogram(&self, latency: &str) -> Vec<(f64, u64)> {
        let pairs = self.histograms.get(&format!("{latency}_us"));
        let pairs = pairs.into_iter().flatten();
        pairs
            .map(|(micros, count)| (*micros as f64 / 1e3, *count))
            .collect()
    }

    /// What the server's gauges were during the run.
    pub(crate) fn gauges(&self) -> Option<&Gauges> {
        self.server.as_ref()?.gauges.as_ref()
    }

    /// The limit on a latency of all requests, ms.
    pub(crate) fn limit(&self, latency: &str) -> Option<f64> {
        self.limits.get(&format!("{latency}_ms"))?.as_f64()
    }

    /// Statistics of a latency of each class.
    pub(crate) fn of_classes(&self, latency: &str) -> Vec<(&str, Stats)> {
        let of = |class: &Value| stats(class.get("latency")?.as_object()?, latency);
        let classes = self.classes.iter();
        classes
            .filter_map(|(name, class)| Some((name.as_str(), of(class)?)))
            .collect()
    }

    /// A setting of the bench, such as `load` and `rate`, as a text; `None` if it is not set or not known.
    pub(crate) fn setting(&self, part: &str, key: &str) -> Option<String> {
        match self.bench.get(part)?.get(key)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            value => Some(value.to_string()),
        }
    }
}

fn stats(latencies: &Map<String, Value>, latency: &str) -> Option<Stats> {
    let stored = latencies.get(&format!("{latency}_ms"))?;
    let stats = Stats::deserialize(stored).ok()?;
    (stats.count > 0).then_some(stats)
}
