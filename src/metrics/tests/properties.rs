//! What holds for every run.

use crate::{
    clock::Nanos,
    metrics::{
        Basis, Metrics, RequestTimes, Tally, measure,
        request::gaps,
        testing::{limit, record, run_of},
    },
    record::{Channel, Record, RequestError},
    run::Run,
};
use goodput_grammar::goodput::RequestMetric;
use proptest::prelude::*;
use std::time::Duration;

fn a_run() -> impl Strategy<Value = Run> {
    let channel = prop_oneof![
        Just(Channel::Answer),
        Just(Channel::Reasoning),
        Just(Channel::Tool),
        Just(Channel::Silent),
    ];
    let gaps = prop::collection::vec((0_u64..400, 0_u32..4, channel), 0..12);
    let error = prop_oneof![
        4 => Just(None),
        1 => Just(Some(RequestError::NoTokens)),
        1 => Just(Some(RequestError::Cancelled)),
    ];
    let request = (0_u64..3000, 0_u64..500, gaps, 0_u64..40, error);
    let requests = prop::collection::vec(request, 0..20);
    (requests, any::<bool>(), 0_u64..5000).prop_map(|(requests, open_loop, duration)| {
        let records = requests.into_iter().enumerate().map(|(index, request)| {
            let (intended, wait, gaps, tokens, error) = request;
            let mut at = intended + wait;
            let times: Vec<u64> = gaps
                .iter()
                .map(|(gap, ..)| {
                    at += gap;
                    at
                })
                .collect();
            let mut record = record(intended + wait, &times, tokens);
            record.index = index;
            record.intended = Nanos(intended * 1_000_000);
            record.dispatched = record.intended;
            record.events.change(|events| {
                for (event, (_, tokens, channel)) in events.iter_mut().zip(gaps) {
                    event.tokens = tokens;
                    event.channel = channel;
                }
            });
            record.error = error;
            record
        });
        let mut run = run_of(records.collect());
        run.setup.open_loop = open_loop;
        run.duration = Nanos(duration * 1_000_000);
        run
    })
}

/// All numbers with all their digits.
fn bits(metrics: &Metrics) -> String {
    serde_json::to_string(metrics).unwrap()
}

/// How many numbers of a JSON value are not finite, and so `null`, apart from samples without values.
fn nulls(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Null => 1,
        serde_json::Value::Array(items) => items.iter().map(nulls).sum(),
        serde_json::Value::Object(map) if map.get("count") == Some(&0.into()) => {
            assert!(
                map.iter()
                    .all(|(key, value)| key == "count" || value.is_null())
            );
            0
        }
        serde_json::Value::Object(map) => map.values().map(nulls).sum(),
        _ => 0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However often it was measured while it grew.
    #[test]
    fn a_run_that_grew_has_the_numbers_of_the_whole(
        run in a_run(),
        cuts in prop::collection::vec(0_usize..20, 0..4),
    ) {
        let limits = [limit(RequestMetric::Ttft, 300)];
        let mut tally = Tally::default();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(run.records.len())).collect();
        cuts.sort_unstable();
        for cut in cuts {
            let mut part = run.clone();
            part.records.truncate(cut);
            let grown = tally.measure(&part, &limits);
            prop_assert_eq!(bits(&grown), bits(&measure(&part, &limits)));
        }
        prop_assert_eq!(bits(&tally.measure(&run, &limits)), bits(&measure(&run, &limits)));
    }

    #[test]
    fn latency_is_ttft_and_all_gaps(run in a_run()) {
        for record in &run.records {
            let Some(times) = RequestTimes::of(record, Basis::Sent) else { continue };
            let gaps: Duration = gaps(record).sum();
            prop_assert_eq!(times.e2el(), times.ttft().unwrap() + gaps);
            prop_assert_eq!(times.decode(), gaps);
        }
    }

    #[test]
    fn wider_limits_make_no_request_worse(
        run in a_run(),
        ms in 0_u64..800,
        more in 0_u64..800,
        metric in prop_oneof![
            Just(RequestMetric::Ttft),
            Just(RequestMetric::Tpot),
            Just(RequestMetric::E2el),
        ],
    ) {
        let narrow = measure(&run, &[limit(metric, ms)]).goodput;
        let wide = measure(&run, &[limit(metric, ms + more)]).goodput;
        let none = measure(&run, &[]).goodput;
        prop_assert!(narrow.good <= wide.good && wide.good <= none.good);
        prop_assert!(narrow.good_from_sent <= wide.good_from_sent);
        prop_assert!(wide.ratio <= 1.0 || wide.counted == 0);
        prop_assert!(narrow.good <= narrow.good_from_sent);
    }

    #[test]
    fn exact_concurrency_is_at_most_vllms(run in a_run()) {
        let peaks = measure(&run, &[]).peaks;
        prop_assert!(peaks.exact_concurrent_requests <= peaks.concurrent_requests);
    }

    #[test]
    fn the_gate_is_never_faster_than_vllm(run in a_run()) {
        let metrics = measure(&run, &[]);
        for q in [0.0, 50.0, 99.0] {
            let of = [
                (&metrics.gate.ttft, &metrics.latency.ttft),
                (&metrics.gate.e2el, &metrics.latency.e2el),
            ];
            for (gate, vllm) in of {
                prop_assert_eq!(gate.count, vllm.count);
                prop_assert!(gate.is_empty() || gate.percentile(q) >= vllm.percentile(q));
            }
        }
    }

    #[test]
    fn every_number_is_finite(mut run in a_run()) {
        // A run without duration has no rates, one in which no request came to an end no shares.
        run.duration.0 += 1;
        let ended = |record: &Record| record.error != Some(RequestError::Cancelled);
        prop_assume!(run.records.iter().any(|record| record.sent > Nanos(0)));
        prop_assume!(run.records.iter().any(ended));
        let metrics = measure(&run, &[limit(RequestMetric::Tpot, 0)]);
        prop_assert_eq!(nulls(&serde_json::to_value(&metrics).unwrap()), 0);
    }

    #[test]
    fn no_limit_holds_for_a_run_of_failures(mut run in a_run()) {
        run.duration.0 += 1;
        for record in &mut run.records {
            record.error = Some(RequestError::NoTokens);
        }
        let metrics = measure(&run, &[]);
        prop_assert_eq!(metrics.counts.completed, 0);
        prop_assert!(metrics.goodput.ratio.is_nan() || metrics.goodput.ratio == 0.0);
        prop_assert_eq!(metrics.throughput.requests, 0.0);
        let latency = &metrics.latency;
        for summary in [&latency.ttft, &latency.tpot, &latency.itl, &latency.e2el, &metrics.gate.ttft] {
            for value in [summary.percentile(99.0), summary.mean, summary.max, summary.min, summary.std] {
                prop_assert!(value.is_nan());
            }
        }
    }
}
