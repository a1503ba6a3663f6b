//! Two targets side by side, on virtual time.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use goodput::{
    Bench, Report, Verdict,
    judge::{FindingKind, Pairing},
    llm_bench,
    report::{JsonOptions, vllm_json},
    stats::compare::Conclusion,
};
use rstest::rstest;
use std::collections::BTreeSet;

/// A server whose speed is this share of that of the usual one, with 4 % noise from run to run.
fn server(speed: f64, seed: u64) -> String {
    let us = |ms: f64| format!("{:.0}us", ms * 1e3 / speed);
    format!(
        "sim(ttft = lognormal({}, {}), itl = {}, noise = 4%, seed = {seed})",
        us(50.0),
        us(15.0),
        us(10.0)
    )
}

fn bench(a: &str, b: &str) -> Bench {
    Bench::new("versus")
        .target(b)
        .versus(a)
        .dataset("random(input = 8, output = 4)")
        .rate(50)
        .requests(40)
}

fn run(a: &str, b: &str) -> Report {
    bench(a, b).run_blocking().unwrap()
}

fn pairs(report: &Report) -> usize {
    match report.comparison().unwrap().pairing {
        Pairing::Paired { pairs, .. } => pairs,
        other => panic!("{other:?}"),
    }
}

fn result(report: &Report) -> String {
    let options = JsonOptions::default();
    let result = vllm_json(report.run(), report.metrics(), report.judgement(), &options);
    serde_json::to_string(&result).unwrap()
}

#[test]
fn a_slower_server_fails() {
    let report = run(&server(1.0, 1), &server(0.85, 2));
    let comparison = report.comparison().unwrap();
    assert_eq!(report.verdict(), Verdict::Fail, "{report}");
    assert_eq!(comparison.conclusion(), Conclusion::Worse);
    assert!(report.reasons().contains("REGRESSION"), "{report}");
    let tpot = comparison
        .changes
        .iter()
        .find(|c| c.subject == "mean(tpot)")
        .unwrap();
    assert!(
        tpot.statistics.interval.contains(1.0 / 0.85 - 1.0),
        "{report}"
    );
    assert!(tpot.a < tpot.b);
}

#[test]
fn a_faster_one_passes_and_says_so() {
    let report = run(&server(0.8, 1), &server(1.0, 2));
    assert_eq!(report.verdict(), Verdict::Pass, "{report}");
    assert_eq!(
        report.comparison().unwrap().conclusion(),
        Conclusion::Better
    );
    assert!(report.to_string().contains("improvement: "), "{report}");
}

#[test]
fn the_same_server_passes_although_its_runs_differ() {
    let report = run(&server(1.0, 1), &server(1.0, 2));
    assert_eq!(report.verdict(), Verdict::Pass, "{report}");
    assert_eq!(pairs(&report), 10);
    let change = &report.comparison().unwrap().changes[0];
    assert!(change.statistics.change != 0.0, "the luck of runs differs");
    assert!(
        report.comparison().unwrap().detectable().unwrap() < 0.15,
        "{report}"
    );
    // Only who asks for proof gets no pass.
    let strict = bench(&server(1.0, 1), &server(1.0, 2)).on_inconclusive("fail");
    assert_eq!(
        strict.run_blocking().unwrap().verdict(),
        Verdict::Inconclusive
    );
}

#[test]
fn without_noise_no_change_is_shown_to_be_none() {
    let quiet = "sim(ttft = 50ms, itl = 10ms)";
    let report = bench(quiet, quiet)
        .on_inconclusive("fail")
        .run_blocking()
        .unwrap();
    assert_eq!(report.comparison().unwrap().conclusion(), Conclusion::Same);
    assert_eq!((report.verdict(), pairs(&report)), (Verdict::Pass, 5));
}

#[rstest]
#[case::big(0.5, 5)]
#[case::none(1.0, 10)]
fn a_big_change_ends_the_pairs_early(#[case] speed: f64, #[case] expected: usize) {
    assert_eq!(pairs(&run(&server(1.0, 1), &server(speed, 2))), expected);
}

#[test]
fn the_same_bench_gives_the_same_bytes() {
    let of = || run(&server(1.0, 1), &server(0.9, 2));
    let (first, second) = (of(), of());
    assert_eq!(result(&first), result(&second));
    assert_eq!(first.to_string(), second.to_string());
    assert!(result(&first).contains(r#""comparison":{"conclusion":"#));
}

#[test]
fn the_report_is_the_targets_over_all_its_runs() {
    let report = run("sim(itl = 1ms)", "sim(itl = 10ms)");
    let sent = 40 * pairs(&report);
    let records = &report.run().records;
    assert_eq!((records.len(), report.run().setup.requests), (sent, sent));
    assert!((report.tpot().median - 10.0).abs() < 1e-6);
    let prompts: BTreeSet<u64> = records.iter().map(|record| record.intended.0).collect();
    assert!(
        prompts.len() > 39 * pairs(&report),
        "each run has a plan of its own"
    );
}

#[test]
fn one_pair_shows_nothing() {
    let report = bench("sim(itl = 1ms)", "sim(itl = 10ms)")
        .pairs(1)
        .run_blocking()
        .unwrap();
    assert_eq!(report.verdict(), Verdict::Pass, "{report}");
    assert!(
        report
            .to_string()
            .contains("one pair does not show its own noise"),
        "{report}"
    );
}

#[rstest]
#[case::reference("sim(faults = 'no_tokens@req:7')", "sim", "run 1 of A (")]
#[case::target("sim", "sim(faults = 'no_tokens@req:7')", "run 1 of B (")]
fn an_invalid_side_makes_all_invalid(#[case] a: &str, #[case] b: &str, #[case] said: &str) {
    let report = run(a, b);
    assert_eq!(report.verdict(), Verdict::Invalid, "{report}");
    let finding = &report.judgement().findings[0];
    assert_eq!(finding.kind, FindingKind::Pair);
    assert!(finding.message.starts_with(said), "{}", finding.message);
    assert_eq!(pairs(&report), 0);
}

#[test]
fn requests_that_fail_are_a_regression() {
    let report = bench("sim", "sim")
        .faults("status(500)@10%")
        .run_blocking()
        .unwrap();
    assert_eq!(report.verdict(), Verdict::Fail, "{report}");
    let worse = report.reasons();
    assert!(worse.contains("1 - errors -"), "{worse}");
}

#[test]
fn settings_are_checked_together() {
    let error = bench("sim(itl = 5)", "sim")
        .max_extend(3)
        .pairs(17)
        .noise_threshold(1.0)
        .false_alarms(0.0)
        .run_blocking()
        .unwrap_err()
        .to_string();
    insta::assert_snapshot!(error);
}

/// Six times as long between tokens is seen on any machine.
#[test]
fn real_sockets_too() {
    let of = |itl: &str| {
        goodput::Simulation::new()
            .ttft("2ms")
            .itl(itl)
            .on_real_clock()
    };
    let report = Bench::new("sockets")
        .target(of("60ms"))
        .versus(of("10ms"))
        .backend("openai-chat")
        .dataset("random(input = 4, output = 4)")
        .max_concurrency(4)
        .requests(12)
        .pairs(5)
        .exclusive(false)
        // Tests compile and run beside it, and the change is far larger than that.
        .max_lateness("1m")
        .run_blocking()
        .unwrap();
    assert_eq!(report.verdict(), Verdict::Fail, "{report}");
    let worse = report.reasons();
    assert!(worse.contains("mean(tpot) +"), "{worse}");
    assert!(worse.contains("throughput(output) -"), "{worse}");
}

const REFERENCE: &str = "sim(ttft = normal(50ms, 5ms), itl = 10ms, noise = 4%, seed = 1)";

#[llm_bench(
    target = "sim(ttft = normal(50ms, 5ms), itl = 10ms, noise = 4%, seed = 2)",
    versus = REFERENCE,
    dataset = "random(input = 8, output = 4)",
    rate = 50,
    requests = 20,
    pairs = 5
)]
fn unchanged(report: &Report) {
    assert!(report.comparison().is_some());
}

#[llm_bench(
    target = "sim(ttft = normal(60ms, 6ms), itl = 12ms, noise = 4%, seed = 2)",
    versus = REFERENCE,
    dataset = "random(input = 8, output = 4)",
    rate = 50,
    requests = 20,
    noise_threshold = 0.1
)]
#[should_panic(expected = "REGRESSION: ")]
fn slower_by_a_fifth() {}

/// The client's own reading of a run decides whether it is repeated, so a limit that none can keep ends
/// in a verdict that is the client's.
#[test]
fn what_the_client_spoils_again_and_again_is_invalid() {
    let server = || goodput::Simulation::new().ttft("1ms").on_real_clock();
    let report = Bench::new("late")
        .target(server())
        .versus(server())
        .dataset("random(input = 4, output = 2)")
        .rate(500)
        .requests(5)
        .pairs(2)
        .max_lateness("1ns")
        .exclusive(false)
        .run_blocking()
        .unwrap();
    assert_eq!(report.verdict(), Verdict::Invalid, "{report}");
    let notes = &report.comparison().unwrap().notes;
    assert_eq!(
        notes[0],
        "one pair was run again, because the client or its machine was too slow"
    );
}
