//! The requests that made an SLO fail.

use super::{slo_result::SloResult, verdict::Verdict};
use crate::{
    metrics::{Basis, Metrics, RequestTimes, definition, limit_ratio, millis},
    record::Record,
    run::Run,
};
use goodput_grammar::slo::{Latency, Op, Part, Slo, Subject};
use serde::{Deserialize, Serialize};

/// The number of requests that are shown for each metric.
const SHOWN: usize = 5;

/// One of the worst requests in a metric whose SLO is missed. Times are the gate's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorstRequest {
    /// The metric: `ttft`, `ttfat`, `tpot`, `itl`, `e2el` or `goodput`.
    pub by: String,
    /// The request's value: ms (for `itl` its largest gap); for `goodput` the multiple of its strictest limit.
    pub value: f64,
    /// Position in the plan.
    pub index: usize,
    /// Intended send time, s since the run's start.
    pub intended_s: f64,
    /// Time to first token, ms.
    pub ttft_ms: Option<f64>,
    /// Time per output token, ms.
    pub tpot_ms: Option<f64>,
    /// End-to-end latency, ms.
    pub e2el_ms: Option<f64>,
    /// Prompt tokens.
    pub input_tokens: u64,
    /// Generated tokens.
    pub output_tokens: u64,
}

/// Stands for limits on requests where there is no SLO.
const GOODPUT: Slo = Slo {
    subject: Subject::Goodput,
    part: Part::ALL,
    op: Op::Ge,
    limit: 1.0,
};

/// The worst successes for each metric with a missed SLO, worst first; metrics in the order of the SLOs, without
/// those whose requests are shown already. Without any SLO, the requests that are farthest beyond their limits.
/// Failures have no values: they are in [`Metrics::errors`].
pub(super) fn worst(
    run: &Run,
    metrics: &Metrics,
    slos: &[Slo],
    results: &[SloResult],
) -> Vec<WorstRequest> {
    let basis = metrics.gate.basis;
    let mut worst: Vec<WorstRequest> = Vec::new();
    let missed = |result: &SloResult| result.verdict == Verdict::Fail;
    let missed = slos
        .iter()
        .zip(results)
        .filter(|(_, result)| missed(result))
        .map(|(slo, _)| slo);
    // A user who defines good requests wants to see the others.
    let limits = (slos.is_empty() && !metrics.goodput.limits.is_empty()).then_some(&GOODPUT);
    for slo in missed.chain(limits) {
        let by = match slo.subject {
            Subject::Latency(_, latency) => latency.name(),
            Subject::Goodput => "goodput",
            Subject::Errors
            | Subject::Throughput(_)
            | Subject::Cached
            | Subject::Valid
            | Subject::Warm(_)
            | Subject::Drift(_)
            | Subject::QueueGrowth
            | Subject::Max(_)
            | Subject::Jain => {
                continue;
            }
        };
        if worst.iter().any(|request| request.by == by) {
            continue;
        }
        let value = |record: &Record| match slo.subject {
            Subject::Latency(_, latency) => latency_ms(latency, record, basis),
            _ => limit_ratio(record, basis, &metrics.goodput.limits).filter(|by| *by > 1.0),
        };
        let mut found: Vec<WorstRequest> = run
            .records
            .iter()
            .filter(|record| record.ok() && run.is_part(slo.part, record))
            .filter_map(|record| Some(describe(record, basis, by, value(record)?)))
            .collect();
        found.sort_by(|a, b| b.value.total_cmp(&a.value));
        // For a lower bound on a latency the smallest values are the worst.
        if matches!(
            (slo.subject, slo.op),
            (Subject::Latency(..), Op::Gt | Op::Ge)
        ) {
            found.reverse();
        }
        found.truncate(SHOWN);
        // The slowest to begin are often the slowest in all: they are shown once.
        let shown = |request: &WorstRequest| worst.iter().any(|other| other.index == request.index);
        if !found.iter().all(shown) {
            worst.append(&mut found);
        }
    }
    worst
}

/// The latency of a request, ms. For gaps the largest, because a request with many gaps is as bad as its worst gap.
fn latency_ms(latency: Latency, record: &Record, basis: Basis) -> Option<f64> {
    let values = (definition(latency).values)(record, basis);
    values.into_iter().max_by(f64::total_cmp)
}

fn describe(record: &Record, basis: Basis, by: &str, value: f64) -> WorstRequest {
    let times = RequestTimes::of(record, basis);
    WorstRequest {
        by: by.to_owned(),
        value,
        index: record.index,
        intended_s: record.intended.as_secs_f64(),
        ttft_ms: times.and_then(|times| times.ttft()).map(millis),
        tpot_ms: times.and_then(|times| times.tpot_ms()),
        e2el_ms: times.map(|times| millis(times.e2el())),
        input_tokens: record.input.tokens,
        output_tokens: record.output.tokens,
    }
}
