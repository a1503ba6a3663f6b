//! Runs that grow until their SLOs are decided.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use goodput::{Bench, Report, Verdict, metrics::measure};
use rstest::rstest;
use std::collections::BTreeSet;

fn bench(slo: &str, max_extend: usize) -> Bench {
    Bench::new("extend")
        .target("sim(ttft = lognormal(80ms, 30ms), itl = 1ms, seed = 1)")
        .dataset("random(input = 8, output = 2)")
        .rate(100)
        .requests(150)
        .on_inconclusive("fail")
        .slo(slo)
        .max_extend(max_extend)
}

fn run(slo: &str, max_extend: usize) -> Report {
    bench(slo, max_extend).run_blocking().unwrap()
}

#[rstest]
// 299 independent requests bound a p99 at 95 %; looks that share the error need more.
#[case::grows("p99(ttft) < 1s", 8, Verdict::Pass, 2..=8)]
#[case::stays("p50(ttft) < 1s", 8, Verdict::Pass, 1..=1)]
#[case::misses("p99(ttft) < 1s, p50(ttft) < 10ms", 8, Verdict::Fail, 1..=1)]
#[case::gives_up("p50(ttft) < 76ms", 2, Verdict::Inconclusive, 2..=2)]
#[case::may_not("p50(ttft) < 79ms", 1, Verdict::Inconclusive, 1..=1)]
fn a_run_is_as_long_as_its_slos_need(
    #[case] slo: &str,
    #[case] max_extend: usize,
    #[case] verdict: Verdict,
    #[case] segments: std::ops::RangeInclusive<usize>,
) {
    let report = run(slo, max_extend);
    assert_eq!(report.verdict(), verdict, "{report}");
    let sent = report.run().records.len();
    assert!(
        sent.is_multiple_of(150) && segments.contains(&(sent / 150)),
        "{sent}"
    );
    assert_eq!(report.run().setup.requests, sent);
}

#[test]
fn segments_follow_each_other_with_fresh_requests() {
    let report = run("p99(ttft) < 1s", 8);
    let records = &report.run().records;
    assert!(
        records
            .iter()
            .enumerate()
            .all(|(index, record)| record.index == index)
    );
    assert!(records.is_sorted_by_key(|record| record.intended));
    let ends = records[..150]
        .iter()
        .map(|record| record.end)
        .max()
        .unwrap();
    assert!(records[150].intended >= ends);
    assert!(
        records
            .iter()
            .all(|record| record.end <= report.run().duration)
    );
    // Other gaps than in the first segment.
    let gap = |index: usize| records[index + 1].intended - records[index].intended;
    let gaps: BTreeSet<_> = (0..5).map(gap).chain((150..155).map(gap)).collect();
    assert_eq!(gaps.len(), 10);
}

/// Looks keep what they have counted.
#[test]
fn the_numbers_of_a_run_that_grew_are_those_of_the_whole() {
    let report = run("p50(ttft) < 76ms", 5);
    assert_eq!(report.run().records.len(), 5 * 150);
    let whole = measure(report.run(), &[]);
    assert_eq!(
        serde_json::to_string(report.metrics()).unwrap(),
        serde_json::to_string(&whole).unwrap()
    );
}

#[test]
fn a_run_that_may_grow_starts_as_one_that_may_not() {
    let (short, long) = (run("p50(ttft) < 1s", 1), run("p50(ttft) < 1s", 8));
    // The settings differ, and nothing else.
    let mut expected = short.run().clone();
    expected.setup.bench = long.run().setup.bench.clone();
    assert_eq!(expected, *long.run());
    assert_ne!(short.run().setup.bench, long.run().setup.bench);
    // One of its looks has a share of the error alone.
    let confidence = |report: &Report| report.judgement().slos[0].confidence;
    assert_eq!(confidence(&short), 0.95);
    assert!(confidence(&long) > 0.99);
}

#[test]
fn the_same_bench_grows_the_same_way() {
    let (one, other) = (run("p99(ttft) < 1s", 8), run("p99(ttft) < 1s", 8));
    assert_eq!(one.run(), other.run());
    assert_eq!(one.judgement(), other.judgement());
}

#[rstest]
#[case(
    bench("p99.9(ttft) < 1s", 2),
    "cannot be proved with 150 requests and `max_extend = 2`"
)]
#[case(bench("errors < 1%", 0), "max_extend")]
#[case(bench("errors < 1%", 101), "max_extend")]
#[case(bench("errors < 1%", 1).confidence(1.0), "confidence")]
#[case(bench("errors < 1%", 1).confidence(f64::NAN), "confidence")]
#[case(bench("errors < 1%", 1).on_inconclusive("maybe"), "on_inconclusive")]
fn unusable_settings_are_named(#[case] bench: Bench, #[case] field: &str) {
    let error = bench.run_blocking().unwrap_err().to_string();
    assert!(error.contains(field), "{error}");
}
