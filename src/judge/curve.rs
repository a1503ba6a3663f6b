//! Curves: what a server gives at each load.
//!
//! | Number | Formula | Source |
//! |---|---|---|
//! | [`CurvePoint::per_user`] | 1000 / median TPOT in ms: the output tokens per second that a user sees | interactivity of InferenceX |
//! | [`Curve::knee`] | the load with the greatest throughput / mean E2EL | power, [Kleinrock 1979](https://www.lk.cs.ucla.edu/data/files/Kleinrock/Power%20and%20Deterministic%20Rules%20of%20Thumb%20for%20Probabilistic%20Problems%20in%20Computer%20Communications.pdf) |
//! | [`Curve::frontier`] | the points that no other beats in tokens per second for a user and in all | Pareto |

use super::number::{Number, numbers};
use crate::{
    metrics::{Metrics, Summary},
    run::Run,
    stats::{Knee, Tried, frontier, knee},
};
use goodput_grammar::search::Over;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How often a load is wrongly taken for surely below or above the knee.
const ERROR: f64 = 0.05;

/// What a load is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Load {
    /// Requests per second.
    Rate,
    /// Requests in flight.
    Concurrency,
}

impl Load {
    /// `rate` or `concurrency`.
    pub fn name(self) -> &'static str {
        Over::from(self).name()
    }
}

impl From<Load> for Over {
    fn from(load: Load) -> Over {
        match load {
            Load::Rate => Over::Rate,
            Load::Concurrency => Over::Concurrency,
        }
    }
}

impl From<Over> for Load {
    fn from(over: Over) -> Load {
        match over {
            Over::Rate => Load::Rate,
            Over::Concurrency => Load::Concurrency,
        }
    }
}

/// What a server gives at several loads of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// What the loads are.
    pub over: Load,
    /// The points, by load, ascending. Several may have the same load.
    pub points: Vec<CurvePoint>,
    /// The highest load at which the SLOs hold, if a search has found it, in the unit of the loads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Number>,
}

/// What a server gives at one load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Requests per second, or requests in flight.
    pub load: f64,
    /// Requests that were sent.
    pub requests: u64,
    /// Hash of their plan; empty if a tool without plans has measured the point.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub plan_hash: String,
    /// Whether the same plan gives the same numbers again: the built-in simulation on virtual time.
    #[serde(default, skip_serializing_if = "is_false")]
    pub exact: bool,
    /// Completed requests per second.
    pub request_throughput: f64,
    /// Output tokens per second.
    pub output_throughput: f64,
    /// The share of good requests, 0–1; `None` without `goodput = …`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goodput: Option<f64>,
    /// The share of requests that failed, 0–1.
    #[serde(default)]
    pub errors: f64,
    /// Median TTFT, ms.
    pub median_ttft_ms: Option<f64>,
    /// 99th percentile of the TTFT, ms.
    pub p99_ttft_ms: Option<f64>,
    /// Median TPOT, ms.
    pub median_tpot_ms: Option<f64>,
    /// Mean E2EL, ms.
    pub mean_e2el_ms: Option<f64>,
    /// Median E2EL, ms.
    pub median_e2el_ms: Option<f64>,
    /// 99th percentile of the E2EL, ms.
    pub p99_e2el_ms: Option<f64>,
    /// The numbers that runs are compared by, under their names in SLOs, with their uncertainty.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub compared: BTreeMap<String, Number>,
}

impl CurvePoint {
    /// What a run with one load gave.
    pub(crate) fn of(load: f64, run: &Run, metrics: &Metrics) -> Self {
        let some = |value: f64| Some(value).filter(|value| value.is_finite());
        let at = |of: &Summary, percent: f64| some(of.percentile(percent));
        let limited = !metrics.goodput.limits.is_empty();
        CurvePoint {
            load,
            requests: run.records.len() as u64,
            plan_hash: run.setup.plan_hash.clone(),
            exact: run.is_deterministic(),
            request_throughput: metrics.throughput.requests,
            output_throughput: metrics.throughput.output_tokens,
            goodput: some(metrics.goodput.ratio).filter(|_| limited),
            errors: some(metrics.counts.error_ratio()).unwrap_or(0.0),
            median_ttft_ms: at(&metrics.gate.ttft, 50.0),
            p99_ttft_ms: at(&metrics.gate.ttft, 99.0),
            median_tpot_ms: at(&metrics.latency.tpot, 50.0),
            mean_e2el_ms: some(metrics.gate.e2el.mean),
            median_e2el_ms: at(&metrics.gate.e2el, 50.0),
            p99_e2el_ms: at(&metrics.gate.e2el, 99.0),
            compared: numbers(&run.steady(), metrics),
        }
    }

    /// Output tokens per second that a user sees: 1000 / median TPOT.
    pub fn per_user(&self) -> Option<f64> {
        self.median_tpot_ms
            .filter(|tpot| *tpot > 0.0)
            .map(|tpot| 1e3 / tpot)
    }

    fn tried(&self) -> Tried {
        let time = self.compared.get("mean(e2el)");
        Tried {
            load: self.load,
            throughput: self.request_throughput,
            time: self.mean_e2el_ms.unwrap_or(f64::NAN),
            error: time.and_then(|time| time.error).unwrap_or(0.0),
        }
    }
}

impl Curve {
    /// Sorts the points by load.
    pub(crate) fn new(over: Load, mut points: Vec<CurvePoint>) -> Self {
        points.sort_by(|a, b| a.load.total_cmp(&b.load));
        Curve {
            over,
            points,
            capacity: None,
        }
    }

    /// The knee, if there are three loads. Its bracket is sure to 95 %, by the requests within the runs.
    pub fn knee(&self) -> Option<Knee> {
        let tried: Vec<Tried> = self.points.iter().map(CurvePoint::tried).collect();
        knee(&tried, ERROR)
    }

    /// The places of the points that no other beats in tokens per second for a user and in all, from the fewest for a user
    /// on.
    pub fn frontier(&self) -> Vec<usize> {
        frontier::frontier(&self.speeds())
    }

    /// Tokens per second for a user and in all, of each point; NaN where they are not known.
    fn speeds(&self) -> Vec<(f64, f64)> {
        let of = |point: &CurvePoint| {
            (
                point.per_user().unwrap_or(f64::NAN),
                point.output_throughput,
            )
        };
        self.points.iter().map(of).collect()
    }

    /// The points of the frontier: tokens per second for a user, and in all.
    pub(crate) fn frontier_line(&self) -> Vec<(f64, f64)> {
        let speeds = self.speeds();
        let on = self.frontier().into_iter();
        on.map(|place| speeds[place]).collect()
    }

    /// The area below the frontier between two numbers of tokens per second for a user, over the distance between them: the mean
    /// of the output tokens per second that the server gives there. `None` if the frontier does not reach from one to the other.
    pub fn mean_throughput(&self, from: f64, to: f64) -> Option<f64> {
        let area = frontier::area(&self.frontier_line(), from, to)?;
        Some(area / (to - from))
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}
