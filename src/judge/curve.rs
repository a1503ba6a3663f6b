//! Curves: what a server gives at each load.
//!
//! | Number | Formula | Source |
//! |---|---|---|
//! | [`CurvePoint::per_user`] | 1000 / median TPOT in ms: the output tokens per second that a user sees | interactivity of InferenceX |
//! | [`Curve::knee`] | the load with the greatest throughput / mean E2EL | power, [Kleinrock 1979](https://www.lk.cs.ucla.edu/data/files/Kleinrock/Power%20and%20Deterministic%20Rules%20of%20Thumb%20for%20Probabilistic%20Problems%20in%20Computer%20Communications.pdf) |
//! | [`Curve::frontier`] | the points that no other beats in tokens per second for a user and in all | Pareto |

use super::{
    Judgement,
    capacity::TrialSide,
    number::{Number, numbers},
};
use crate::{
    clock::Nanos,
    metrics::{Metrics, Summary, measure, tokens_of_events},
    plan::rate_at,
    record::Record,
    run::{Audit, Run},
    stats::{Knee, Tried, frontier, knee},
};
use goodput_grammar::{
    goodput::RequestLimit,
    ramp::{self, Ramp},
    search::Over,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The largest number of points that a ramp is cut into, and the smallest number of requests in one.
const MOST: usize = 10;
const IN_POINT: usize = 50;
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
    /// The curve of a run: one point for each part of a ramp, each trial of a search that says what the server gives, or
    /// the load of the run. `None` if the run has no load: all requests at once, or the times of a trace.
    pub(crate) fn of(run: &Run, metrics: &Metrics, judgement: &Judgement) -> Option<Curve> {
        let setup = &run.setup;
        if let Some(capacity) = &judgement.capacity {
            // A short trial beyond the edge ended before the server had settled.
            let settled = capacity
                .trials
                .iter()
                .filter(|trial| !trial.short || trial.side == TrialSide::Holds);
            let points = settled.map(|trial| trial.point.clone());
            return Some(Curve {
                capacity: capacity.number(),
                ..Curve::new(capacity.over, points.collect())
            });
        }
        let ramp = setup
            .ramp
            .as_deref()
            .and_then(|ramp| ramp::parse(ramp).ok());
        let (over, points) = match (ramp, setup.rate, setup.max_concurrency) {
            (Some(ramp), ..) => {
                let points = of_ramp(ramp, run, &metrics.goodput.limits);
                (Load::Rate, points)
            }
            (None, Some(rate), _) if setup.open_loop => {
                (Load::Rate, vec![CurvePoint::of(rate, run, metrics)])
            }
            (None, None, Some(clients)) if !setup.open_loop => {
                let point = CurvePoint::of(clients as f64, run, metrics);
                (Load::Concurrency, vec![point])
            }
            _ => return None,
        };
        Some(Curve::new(over, points))
    }

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

/// Cuts a ramp into parts with about as many requests each.
fn of_ramp(ramp: Ramp, run: &Run, limits: &[RequestLimit]) -> Vec<CurvePoint> {
    let mut records: Vec<&Record> = run.records.iter().filter(|record| !record.cut).collect();
    records.sort_by_key(|record| record.intended);
    let parts = (records.len() / IN_POINT).clamp(1, MOST);
    let ends: Vec<usize> = (0..=parts)
        .map(|part| part * records.len() / parts)
        .collect();
    let windows = ends.windows(2);
    windows
        .filter_map(|ends| {
            let inside = records.get(ends[0]..ends[1])?;
            let from = inside.first()?.intended;
            let to = match records.get(ends[1]) {
                Some(next) => next.intended,
                None => inside.last()?.intended,
            };
            let part = part(run, inside);
            let metrics = measure(&part, limits);
            let mut point =
                CurvePoint::of(mean_rate(ramp, run.setup.requests, inside), &part, &metrics);
            // What the server gave in that time, to whichever request.
            let seconds = to.0.saturating_sub(from.0) as f64 / 1e9;
            let (requests, tokens) = given(run, from, to);
            point.request_throughput = requests / seconds;
            point.output_throughput = tokens / seconds;
            // A part of a ramp has no time of its own that a throughput could be over.
            point
                .compared
                .retain(|name, _| !name.starts_with("throughput"));
            Some(point)
        })
        .collect()
}

/// Some requests as a run of their own.
fn part(run: &Run, records: &[&Record]) -> Run {
    let end = records.iter().map(|record| record.end).max();
    let mut part = run.clone_without_requests();
    part.records = records.iter().map(|record| (*record).clone()).collect();
    part.setup.requests = part.records.len();
    part.duration = end.unwrap_or_default();
    part.audit = Audit::default();
    part
}

/// The mean rate at which these requests of a ramp were due: their number over the sum of their expected gaps.
fn mean_rate(ramp: Ramp, all: usize, records: &[&Record]) -> f64 {
    let gaps = records
        .iter()
        .map(|record| 1.0 / rate_at(ramp, record.index, all));
    records.len() as f64 / gaps.sum::<f64>()
}

/// Requests that ended well, and tokens that came, in a span of time.
fn given(run: &Run, from: Nanos, to: Nanos) -> (f64, f64) {
    let inside = |at: Nanos| from <= at && at < to;
    let good = || run.records.iter().filter(|record| record.ok());
    let requests = good().filter(|record| inside(record.end)).count();
    let tokens = good().flat_map(|record| {
        let events = record.events.iter().map(|event| event.at);
        events.zip(tokens_of_events(record))
    });
    let tokens = tokens.filter(|(at, _)| inside(*at));
    (
        requests as f64,
        tokens.map(|(_, tokens)| tokens.share).sum(),
    )
}
