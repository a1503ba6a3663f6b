//! Requests within their limits.

use super::{
    request::{Basis, RequestTimes},
    throughput::per,
};
use crate::{
    record::{Record, RequestError},
    run::Run,
};
use goodput_grammar::{
    class::ClassName,
    goodput::{RequestLimit, RequestMetric},
};
use serde::Serialize;

/// How many requests were within all their limits (inclusive). Without limits every success is
/// good.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Goodput {
    /// The limits.
    #[serde(skip)]
    pub limits: Vec<RequestLimit>,
    /// vLLM's: successes that are good counted from sending; a TPOT that does not exist counts
    /// as 0.
    pub good_from_sent: u64,
    /// vLLM's `request_goodput`: those per second of the run's duration.
    pub requests_per_s: f64,
    /// The gate's: requests that are good counted from the intended time in open loop, from
    /// sending in closed loop.
    pub good: u64,
    /// Requests that had the chance: all that were sent, failed ones included, cancelled ones not.
    pub counted: u64,
    /// `good / counted`, 0–1; NaN when nothing was counted.
    pub ratio: f64,
}

impl Goodput {
    pub(super) fn of(run: &Run, limits: &[RequestLimit]) -> Self {
        let good = |basis| {
            let records = run.records.iter();
            records
                .filter(|record| is_good(record, basis, limits))
                .count() as u64
        };
        let counted = run
            .records
            .iter()
            .filter(|record| record.error != Some(RequestError::Cancelled))
            .count() as u64;
        let good_from_sent = good(Basis::Sent);
        let good = good(Basis::of_gate(run));
        Goodput {
            limits: limits.to_vec(),
            good_from_sent,
            requests_per_s: per(good_from_sent as f64, run.duration.as_secs_f64()),
            good,
            counted,
            ratio: per(good as f64, counted as f64),
        }
    }
}

/// Whether a request is within all limits.
pub(crate) fn is_good(record: &Record, basis: Basis, limits: &[RequestLimit]) -> bool {
    let mut limits = limits_of(record, limits).peekable();
    record.ok()
        && (limits.peek().is_none()
            || RequestTimes::of(record, basis)
                .is_some_and(|times| limits.all(|limit| within(limit, &times))))
}

/// The limits that a request has: those of its class, if that has any, else those of all.
fn limits_of<'a>(
    record: &Record,
    limits: &'a [RequestLimit],
) -> impl Iterator<Item = &'a RequestLimit> {
    let named = |limit: &RequestLimit| {
        let class = limit.class.as_ref().map(ClassName::as_str);
        class.is_some() && class == record.class.as_deref()
    };
    let own = limits.iter().any(named);
    limits.iter().filter(move |limit| {
        if own {
            named(limit)
        } else {
            limit.class.is_none()
        }
    })
}

/// Compares whole nanoseconds, so that a value at its limit is good whatever the rounding.
fn within(limit: &RequestLimit, times: &RequestTimes) -> bool {
    let at_most = limit.at_most.as_nanos();
    match limit.metric {
        RequestMetric::Ttft => times.ttft().is_some_and(|ttft| ttft.as_nanos() <= at_most),
        RequestMetric::E2el => times.e2el().as_nanos() <= at_most,
        RequestMetric::Tpot => {
            let later_tokens = u128::from(times.later_tokens());
            later_tokens == 0 || times.decode().as_nanos() <= at_most.saturating_mul(later_tokens)
        }
    }
}

/// How far a request is beyond its strictest limit: 1 is at the limit. `None` without a limit
/// that applies.
pub(crate) fn limit_ratio(record: &Record, basis: Basis, limits: &[RequestLimit]) -> Option<f64> {
    let times = RequestTimes::of(record, basis)?;
    limits_of(record, limits)
        .filter_map(|limit| {
            let value = match limit.metric {
                RequestMetric::Ttft => times.ttft()?.as_secs_f64() * 1e3,
                RequestMetric::E2el => times.e2el().as_secs_f64() * 1e3,
                RequestMetric::Tpot => times.tpot_ms()?,
            };
            Some(value / (limit.at_most.as_secs_f64() * 1e3).max(f64::MIN_POSITIVE))
        })
        .max_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Nanos,
        metrics::testing::{limit, record, run_of},
    };
    use rstest::rstest;

    #[rstest]
    #[case(RequestMetric::Ttft, 50, true)]
    #[case(RequestMetric::Ttft, 49, false)]
    #[case(RequestMetric::Tpot, 15, true)]
    #[case(RequestMetric::Tpot, 14, false)]
    #[case(RequestMetric::E2el, 80, true)]
    #[case(RequestMetric::E2el, 79, false)]
    fn limits_are_inclusive(#[case] metric: RequestMetric, #[case] ms: u64, #[case] good: bool) {
        let run = run_of(vec![record(100, &[150, 160, 180], 3)]);
        let goodput = Goodput::of(&run, &[limit(metric, ms)]);
        assert_eq!(goodput.good, u64::from(good));
        assert_eq!(goodput.good_from_sent, u64::from(good));
    }

    #[test]
    fn a_single_token_has_no_tpot_and_is_good() {
        let run = run_of(vec![record(0, &[10, 500], 1)]);
        let goodput = Goodput::of(&run, &[limit(RequestMetric::Tpot, 1)]);
        assert_eq!(goodput.ratio, 1.0);
    }

    #[test]
    fn failures_are_not_good_and_cancelled_requests_do_not_count() {
        let mut records = vec![record(0, &[10], 1); 4];
        records[1].error = Some(RequestError::NoTokens);
        records[2].error = Some(RequestError::Cancelled);
        let goodput = Goodput::of(&run_of(records), &[]);
        assert_eq!((goodput.good, goodput.counted), (2, 3));
        assert!((goodput.ratio - 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_wait_before_sending_counts_for_the_gate_only() {
        let mut late = record(100, &[150], 1);
        late.intended = Nanos(40_000_000);
        let goodput = Goodput::of(&run_of(vec![late]), &[limit(RequestMetric::Ttft, 60)]);
        assert_eq!((goodput.good_from_sent, goodput.good), (1, 0));
    }

    #[test]
    fn every_limit_must_hold() {
        let run = run_of(vec![record(0, &[50, 150], 2)]);
        let limits = [
            limit(RequestMetric::Ttft, 60),
            limit(RequestMetric::Tpot, 60),
        ];
        assert_eq!(Goodput::of(&run, &limits[..1]).good, 1);
        assert_eq!(Goodput::of(&run, &limits).good, 0);
        assert!(
            (limit_ratio(&run.records[0], Basis::Sent, &limits).unwrap() - 100.0 / 60.0).abs()
                < 1e-9
        );
    }
}
