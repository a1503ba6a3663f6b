//! The curve of a run: its load, the parts of its ramp, or the trials of its search.

use super::{
    capacity::TrialSide,
    curve::{Curve, CurvePoint, Load},
    judgement::Judgement,
};
use crate::{
    clock::Nanos,
    metrics::{Metrics, measure, tokens_of_events},
    plan::rate_at,
    record::Record,
    run::{Audit, Run},
};
use goodput_grammar::{
    goodput::RequestLimit,
    ramp::{self, Ramp},
};

/// The largest number of points that a ramp is cut into, and the smallest number of requests in one.
const MOST: usize = 10;
const IN_POINT: usize = 50;

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
    part.audit = Audit {
        timestamps: run.audit.timestamps,
        ..Audit::default()
    };
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
