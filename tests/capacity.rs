//! Capacity: searches on the simulation, as setting, gate, command and suite.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

use goodput::{
    Bench, Error, Verdict,
    judge::{Bound, Stopped, TrialSide},
};
use rstest::rstest;
use std::process::{Command, Output};

/// Four requests at a time, each for 20 ms and 10 ms a token: 0.18 s.
const SERVER: &str = "sim(engine = linear, max_num_seqs = 4)";
const PROMPTS: &str = "random(input = 32, output = 16)";

fn bench() -> Bench {
    Bench::new("capacity")
        .target(SERVER)
        .dataset(PROMPTS)
        .requests(200)
        .slo("p90(ttft) < 100ms")
}

#[test]
fn a_concurrency_is_found_exactly() {
    // The fifth waits for a slot.
    let report = bench().search("concurrency").run_blocking().unwrap();
    let capacity = report.capacity().unwrap();
    assert_eq!(capacity.value, Some(4.0));
    assert_eq!(
        (capacity.interval.low, capacity.interval.high),
        (Some(4.0), Some(4.0))
    );
    assert_eq!((capacity.passing, capacity.failing), (Some(4.0), Some(5.0)));
    assert_eq!(capacity.stopped, Stopped::Precise);
    assert_eq!(report.verdict(), Verdict::NoVerdict);
    // The report is about the highest load that kept the SLO.
    assert_eq!(report.run().setup.max_concurrency, Some(4));
    assert_eq!(
        capacity.requests,
        capacity
            .trials
            .iter()
            .map(|trial| trial.point.requests)
            .sum::<u64>()
    );
}

/// Where answers differ in length, the first to end is not the first of the plan.
#[test]
fn answers_of_different_lengths_are_no_trouble() {
    // Eight at a time, each for about 90 ms.
    let bench = Bench::new("lengths")
        .target("sim(engine = linear, max_num_seqs = 8)")
        .dataset("random(input = 16, output = 8, range_ratio = 0.75)")
        .requests(400)
        .search("rate(5..500, within = 10%)")
        .goodput("ttft:200")
        .slo("goodput >= 90%");
    let report = bench.run_blocking().unwrap();
    let capacity = report.capacity().unwrap();
    assert!(
        (70.0..100.0).contains(&capacity.value.unwrap()),
        "{}",
        capacity.sentence()
    );
    assert!(
        capacity
            .trials
            .iter()
            .all(|trial| trial.point.requests >= 50)
    );
}

#[rstest]
#[case("max_concurrency(p90(ttft) < 100ms) >= 4", Verdict::Pass)]
#[case("max_concurrency(p90(ttft) < 100ms) >= 5", Verdict::Fail)]
// The same in two parts.
#[case("p90(ttft) < 100ms, max_concurrency >= 4", Verdict::Pass)]
#[case("max_concurrency(p90(ttft) < 100ms, errors < 1%) > 4", Verdict::Fail)]
fn a_capacity_is_a_gate(#[case] slo: &str, #[case] verdict: Verdict) {
    let report = bench().slo(slo).run_blocking().unwrap();
    assert_eq!(report.verdict(), verdict, "{report}");
    assert_eq!(report.judgement().slos.len(), 1, "{report}");
}

#[test]
fn a_rate_has_an_interval() {
    let report = bench()
        .search("rate(within = 15%)")
        .slo("p90(ttft) < 300ms")
        .run_blocking()
        .unwrap();
    let capacity = report.capacity().unwrap();
    // No queue of four slots with 0.17 s to 0.18 s each takes more than 23.6 a second.
    let value = capacity.value.unwrap();
    assert!((15.0..23.6).contains(&value), "{report}");
    let (low, high) = (
        capacity.interval.low.unwrap(),
        capacity.interval.high.unwrap(),
    );
    assert!(low < value && value < high, "{report}");
    assert!(high / low < 1.4, "{report}");
    let fails = |side| capacity.trials.iter().any(|trial| trial.side == side);
    assert!(
        fails(TrialSide::Fails) && fails(TrialSide::Holds),
        "{report}"
    );
}

#[test]
fn the_same_search_finds_the_same() {
    let found = || {
        let report = bench().search("concurrency").run_blocking().unwrap();
        report.capacity().cloned().unwrap()
    };
    assert_eq!(found(), found());
}

#[test]
fn a_range_whose_ends_agree_gives_a_bound() {
    let report = bench().search("concurrency(1..3)").run_blocking().unwrap();
    let capacity = report.capacity().unwrap();
    assert_eq!(capacity.bound, Some(Bound::AtLeast(3.0)), "{report}");
    assert_eq!(capacity.stopped, Stopped::HighestHolds);

    let slo = "max_concurrency(p90(ttft) < 100ms) >= 8";
    let report = bench()
        .search("concurrency(8..64)")
        .slo(slo)
        .run_blocking()
        .unwrap();
    let capacity = report.capacity().unwrap();
    assert_eq!(capacity.bound, Some(Bound::Below(8.0)), "{report}");
    assert_eq!(report.verdict(), Verdict::Fail, "{report}");
}

#[test]
fn a_spent_budget_is_said() {
    let report = bench()
        .search("rate(1..64, within = 0.1%)")
        .search_budget("1600 requests")
        .run_blocking()
        .unwrap();
    let capacity = report.capacity().unwrap();
    assert_eq!(capacity.stopped, Stopped::Budget, "{report}");
    assert!(
        capacity.requests >= 1600 && capacity.requests < 2000,
        "{report}"
    );
}

#[test]
fn what_no_search_can_do_is_said_at_once() {
    let bench = bench()
        .search("rate")
        .slo("std(ttft) < 10ms, throughput(output) > 10, max_concurrency >= 3")
        .rate(5)
        .max_extend(3)
        .requests(20);
    let Err(Error::Invalid(problems)) = bench.check() else {
        panic!("there are problems");
    };
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    for part in [
        "std(ttft)",
        "throughput(output)",
        "max_concurrency",
        "rate",
        "max_extend",
        "requests",
    ] {
        assert!(
            said.iter().any(|line| line.contains(part)),
            "{part}: {said:#?}"
        );
    }
}

#[test]
fn a_search_of_a_live_server_needs_a_budget() {
    let bench = bench().target("http://127.0.0.1:9").search("rate");
    let said = bench.check().unwrap_err().to_string();
    assert!(said.contains("search_budget"), "{said}");
    assert!(bench.search_budget("10m").check().is_ok());
}

#[test]
fn a_queue_that_grows_fails() {
    let at = |rate: f64| {
        let bench = bench().requests(600).slo("queue_stable").rate(rate);
        bench.run_blocking().unwrap().verdict()
    };
    assert_eq!(at(10.0), Verdict::Pass);
    assert_eq!(at(30.0), Verdict::Fail);
}

fn goodput(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goodput"));
    command.args(args).env_remove("GOODPUT_URL");
    command.output().expect("the command runs")
}

#[test]
fn the_command_exits_with_the_verdict_and_its_file_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("found.json");
    let file = file.to_str().unwrap();
    let line = |slo: &str| {
        goodput(&[
            "search",
            "--find",
            "concurrency",
            "--target",
            SERVER,
            "--num-prompts",
            "200",
            "--random-input-len",
            "32",
            "--random-output-len",
            "16",
            "--slo",
            slo,
            "--save-result",
            "--result-filename",
            file,
        ])
    };
    let failed = line("max_concurrency(p90(ttft) < 100ms) >= 8");
    assert_eq!(failed.status.code(), Some(1));
    let passed = line("max_concurrency(p90(ttft) < 100ms) >= 2");
    assert_eq!(passed.status.code(), Some(0));
    let printed = String::from_utf8_lossy(&passed.stdout).into_owned();
    assert!(
        printed.contains("p90(ttft) < 100ms holds up to 4"),
        "{printed}"
    );
    let again = goodput(&["report", file]);
    let again = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(again.contains("p90(ttft) < 100ms holds up to 4"), "{again}");
}

/// A trial alone proves nothing, and does not have to.
#[test]
fn a_small_trial_is_allowed_where_proof_is_required() {
    let bench = bench()
        .goodput("ttft:100")
        .on_inconclusive("fail")
        .requests(50);
    let bench = bench.slo("max_concurrency(goodput >= 99%) >= 2");
    assert!(bench.check().is_ok(), "{:?}", bench.check());
}
