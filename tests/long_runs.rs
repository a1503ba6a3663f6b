//! Runs that last for a time: how they end, what is cut off, and what they drift, on virtual time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use goodput::{Bench, Error, Report, Verdict, run::EndReason};
use rstest::rstest;

const NOISY: &str = "sim(ttft = lognormal(50ms, 10ms), itl = lognormal(10ms, 2ms)";

fn bench(target: &str) -> Bench {
    Bench::new("soak")
        .target(target)
        .dataset("random(input = 8, output = 4)")
}

fn sim(settings: &str) -> String {
    format!("{NOISY}{settings})")
}

fn report(bench: Bench) -> Report {
    bench.run_blocking().unwrap()
}

fn why(report: &Report) -> EndReason {
    report.run().ending.unwrap().why
}

/// With a rate, a duration is the number of requests that are due in it: the same plan as with that number.
#[rstest]
#[case::poisson(|b: Bench| b.rate(12.5), 750)]
#[case::even(|b: Bench| b.rate(0.5).burstiness(f64::INFINITY), 30)]
#[case::fewer(|b: Bench| b.rate(12.5).requests(100), 100)]
fn a_rate_and_a_duration_make_a_number(#[case] paced: fn(Bench) -> Bench, #[case] requests: usize) {
    let lasting = paced(bench("sim").duration("1m")).plan().unwrap();
    let counted = paced(bench("sim")).requests(requests).plan().unwrap();
    assert_eq!(lasting.hash(), counted.hash());
    assert_eq!(lasting.requests.len(), requests);
}

#[rstest]
#[case("linear 1..20")]
#[case("exponential 1..20")]
#[case("linear 5..5")]
fn a_ramp_lasts_for_its_duration(#[case] ramp: &str) {
    let plan = bench("sim").ramp(ramp).duration("2m").plan().unwrap();
    let last = plan.requests.last().unwrap().at.as_secs_f64();
    assert!((105.0..=120.0).contains(&last), "{ramp}: {last}");
}

#[test]
fn a_closed_loop_sends_until_the_time_is_over() {
    // Each answer takes 80 ms, so a client sends 125 requests in 10 s, and each ends after its time.
    let closed = bench("sim").max_concurrency(4).duration("10s");
    let report = report(closed.slo("errors < 1%"));
    let run = report.run();
    assert_eq!(why(&report), EndReason::Time);
    assert_eq!((run.records.len(), run.setup.requests), (500, 500));
    assert_eq!(report.verdict(), Verdict::Pass, "{report}");
    assert!(run.duration.as_secs_f64() <= 10.08, "{:?}", run.duration);
    let last = run.records.iter().map(|record| record.sent).max().unwrap();
    assert!(last.as_secs_f64() < 10.0);
}

/// The plan does not depend on how far the server comes.
#[test]
fn the_plan_of_a_closed_loop_follows_from_the_settings() {
    let hash = |target: &str| {
        let closed = bench(target).max_concurrency(2).duration("5s");
        report(closed).run().setup.plan_hash.clone()
    };
    assert_eq!(hash("sim"), hash("sim(ttft = 500ms)"));
}

#[test]
fn a_plan_that_is_over_before_its_time_says_so() {
    let closed = bench("sim").max_concurrency(4).duration("1m").requests(100);
    let report = report(closed);
    assert_eq!(why(&report), EndReason::Plan);
    let note =
        "the plan of 100 requests was sent after 1.9 s of 60s. Set `requests` for a longer one";
    assert!(report.to_string().contains(note), "{report}");
}

#[test]
fn a_trace_ends_at_the_duration() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let rows = (0..20).map(|second| {
        format!("{{\"timestamp\": {second}, \"input_length\": 4, \"output_length\": 2}}\n")
    });
    std::fs::write(file.path(), rows.collect::<String>()).unwrap();
    let trace = format!("timed_trace(\"{}\")", file.path().display());
    let plan = bench("sim")
        .dataset(trace.as_str())
        .duration("9s")
        .plan()
        .unwrap();
    assert_eq!(plan.requests.len(), 10);
}

#[rstest]
#[case::zero(|b: Bench| b.rate(1).duration("0s"), "duration = 0ms: must be above 0")]
#[case::before_the_first(|b: Bench| b.rate(0.1).duration("5s"), "is over before the first request is due")]
#[case::at_once(|b: Bench| b.duration("5s"), "needs a `rate`, a `ramp` or `max_concurrency`")]
#[case::too_many(|b: Bench| b.rate(100_000).duration("1h"), "must be from 1 to 5000000")]
#[case::sessions(
    |b: Bench| b.rate(1).duration("5s").dataset("conversations(\"x.json\")"),
    "does not go with sessions"
)]
#[case::rounds(
    |b: Bench| b.max_concurrency(1).duration("5s").rounds(2),
    "cannot be given together with `rounds` without a `rate`"
)]
#[case::extends(
    |b: Bench| b.max_concurrency(1).duration("5s").max_extend(2),
    "cannot be given together with `max_extend` without a `rate`"
)]
#[case::versus(
    |b: Bench| b.max_concurrency(1).duration("5s").versus("sim"),
    "cannot be given together with `versus` without a `rate`"
)]
#[case::longer_than_the_run(
    |b: Bench| b.rate(10).duration("30s").cut_start("20s").cut_end("10s"),
    "cuts 30s off a run of 30s, which leaves nothing"
)]
#[case::longer_than_the_requests(
    |b: Bench| b.rate(10).requests(100).cut_start("10s"),
    "cuts 10s off a run of 10s, which leaves nothing"
)]
#[case::more_than_all(
    |b: Bench| b.requests(100).cut_start("60 requests").cut_end("40 requests"),
    "cuts 100 requests off a run of 100, which leaves nothing"
)]
#[case::settles_at_the_end(|b: Bench| b.cut_end("auto"), "finds where a run has settled, which is at its start")]
#[case::cut_rounds(|b: Bench| b.cut_start("1s").rounds(2), "cannot be given together with `rounds`")]
#[case::cut_pairs(|b: Bench| b.cut_start("1s").versus("sim"), "cannot be given together with `versus`")]
#[case::cut_sessions(
    |b: Bench| b.cut_start("1 request").dataset("conversations(\"x.json\")"),
    "does not go with sessions"
)]
#[case::drift_of_rounds(|b: Bench| b.rounds(2).slo("drift(p50(ttft)) < 5%/h"), "is about one run in one piece")]
#[case::drift_of_pairs(|b: Bench| b.versus("sim").slo("drift(memory) < 5%/h"), "is about one run in one piece")]
#[case::stop_of_rounds(|b: Bench| b.rounds(2).stop_if("errors > 5%"), "cannot be given together with `rounds`")]
#[case::stop_of_pairs(|b: Bench| b.versus("sim").stop_if("errors > 5%"), "cannot be given together with `versus`")]
#[case::saturated_loop(|b: Bench| b.max_concurrency(2).stop_if("saturated"), "needs a `rate`")]
#[case::unknown_state(|b: Bench| b.stop_if("slow"), "unknown state of a run `slow`")]
#[case::no_tokens(
    |b: Bench| b.backend("openai-embeddings").slo("drift(p50(ttft)) < 5%/h"),
    "limits ttft, which answers of the backend `openai-embeddings` do not have"
)]
fn what_makes_no_sense_is_refused(#[case] change: fn(Bench) -> Bench, #[case] said: &str) {
    let error = change(bench("sim")).run_blocking().unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error}");
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains(said), "{error}");
}

#[test]
fn all_that_makes_no_sense_is_said_at_once() {
    let wrong = bench("sim")
        .duration("0s")
        .cut_end("auto")
        .stop_if("saturated")
        .grace("9000h");
    let error = wrong.run_blocking().unwrap_err().to_string();
    for field in ["duration", "cut_end", "stop_if", "grace"] {
        assert!(error.contains(field), "{field}: {error}");
    }
}

/// In open loop a run with a duration can be compared, and grow.
#[test]
fn runs_with_a_rate_can_be_repeated() {
    let lasting = bench(&sim("")).rate(10).duration("10s");
    let rounds = report(lasting.clone().rounds(2));
    assert_eq!(rounds.run().records.len(), 200);
    let grown = report(lasting.clone().max_extend(3).slo("p99(ttft) < 300ms"));
    assert_eq!(grown.run().records.len(), 300);
    let compared = report(lasting.versus(sim("").as_str()).pairs(2));
    assert!(compared.comparison().is_some());
}

/// Cut requests are sent and stored, marked, and counted in the report, and are in no number.
#[test]
fn ends_are_cut_off() {
    let cold = sim(", cold = 5x@20s");
    let lasting = bench(&cold)
        .rate(10)
        .duration("2m")
        .slo("p90(ttft) < 100ms");
    let whole = report(lasting.clone());
    assert_ne!(whole.judgement().slos[0].verdict, Verdict::Pass, "{whole}");
    let steady = report(lasting.cut_start("20s").cut_end("10s"));
    assert_eq!(steady.verdict(), Verdict::Pass, "{steady}");
    let run = steady.run();
    let part = run.steady.unwrap();
    assert_eq!(run.records.len(), 1200);
    assert_eq!(
        (part.from.as_secs_f64(), part.to.as_secs_f64()),
        (20.0, 110.0)
    );
    let kept = 1200 - part.cut_start - part.cut_end;
    assert_eq!(steady.completed(), kept as u64);
    assert_eq!(
        run.records.iter().filter(|record| !record.cut).count(),
        kept
    );
    let per_second = steady.value("throughput(requests)").unwrap().unwrap();
    assert!((per_second - kept as f64 / 90.0).abs() < 1e-9);
    let text = steady.to_string();
    let line = format!(
        "{} of the first 20.00 s and {} of the last 10.",
        part.cut_start, part.cut_end
    );
    assert!(text.contains(&line), "{text}");
}

#[test]
fn a_closed_loop_is_cut_by_the_time_of_sending() {
    let closed = bench("sim").max_concurrency(4).duration("10s");
    let report = report(
        closed
            .cut_start("2s")
            .cut_end("3s")
            .slo("throughput(requests) > 45"),
    );
    // Four clients that each take 80 ms, for 5 s.
    assert_eq!(report.completed(), 252);
    assert_eq!(report.verdict(), Verdict::Pass, "{report}");
    let per_second = report.value("throughput(requests)").unwrap().unwrap();
    assert!((per_second - 50.0).abs() < 0.5, "{per_second}");
}

/// A server that is cold for 20 s: what MSER-5 cuts off ends near that time, in most runs.
#[test]
fn where_a_server_has_settled_is_found() {
    let cuts: Vec<f64> = (0..10)
        .map(|seed| {
            let cold = sim(", cold = 3x@20s, seed = 1");
            let lasting = bench(&cold)
                .rate(20)
                .duration("2m")
                .seed(seed)
                .cut_start("auto");
            let report = report(lasting);
            let steady = report.run().steady.unwrap();
            assert_eq!(steady.settled, Some(true));
            steady.from.as_secs_f64()
        })
        .collect();
    let near = cuts.iter().filter(|at| (14.0..=26.0).contains(*at)).count();
    assert!(near >= 9, "{cuts:?}");
}

#[test]
fn a_server_that_never_settles_makes_the_run_invalid() {
    let aging = sim(", aging = 10000%/h");
    let report = report(bench(&aging).rate(10).duration("1m").cut_start("auto"));
    assert_eq!(report.verdict(), Verdict::Invalid, "{report}");
    assert!(
        report.to_string().contains("the run never settled"),
        "{report}"
    );
}

#[test]
fn a_run_that_was_shorter_than_its_cut_is_invalid() {
    let closed = bench("sim")
        .max_concurrency(50)
        .requests(100)
        .cut_start("1m");
    let report = report(closed.slo("errors < 10%"));
    assert_eq!(report.verdict(), Verdict::Invalid, "{report}");
    assert!(
        report.to_string().contains("leave none of them"),
        "{report}"
    );
}

#[test]
fn errors_end_a_run_that_keeps_what_it_measured() {
    let failing = bench("sim")
        .faults("status(500)@t:30s..1h")
        .rate(10)
        .duration("10m");
    let report = report(
        failing
            .stop_if("errors > 20%, in_flight > 100")
            .slo("p99(ttft) < 1s"),
    );
    let run = report.run();
    let EndReason::Errors { failed, of } = why(&report) else {
        panic!("{:?}", run.ending);
    };
    assert_eq!((failed, of), (21, 100));
    assert!(run.records.len() < 400 && report.completed() > 250);
    assert_eq!(run.setup.requests, run.records.len());
    // More than 1 % failed, and no SLO on errors says that this is right.
    assert_eq!(report.verdict(), Verdict::Fail, "{report}");
    assert!(
        report.to_string().contains("`stop_if` ended the run after"),
        "{report}"
    );
}

#[test]
fn a_run_that_a_state_ended_never_passes() {
    let failing = bench("sim")
        .faults("status(500)@t:30s..1h")
        .rate(10)
        .duration("10m");
    let lenient = failing
        .stop_if("errors > 20%")
        .slo("p99(ttft) < 1s, errors <= 100%");
    let report = report(lenient);
    assert_eq!(report.verdict(), Verdict::Inconclusive, "{report}");
    assert!(report.ensure_passed().is_err());
    assert!(
        report
            .to_string()
            .contains("INCONCLUSIVE: `stop_if` ended the run"),
        "{report}"
    );
}

/// An engine that can serve 10 requests a second gets 20.
#[test]
fn saturation_ends_a_run_and_what_is_under_way_is_given_up() {
    let engine = "sim(engine = linear, max_num_seqs = 2, t0 = 10ms)";
    let work = bench(engine).dataset("random(input = 8, output = 20)");
    let report = report(
        work.rate(20)
            .duration("10m")
            .stop_if("saturated")
            .grace("2s"),
    );
    let run = report.run();
    let ending = run.ending.unwrap();
    assert!(
        matches!(ending.why, EndReason::Saturated { .. }),
        "{ending:?}"
    );
    assert!(ending.at.as_secs_f64() < 60.0, "{ending:?}");
    assert!(ending.given_up > 0);
    assert!((run.duration.as_secs_f64() - ending.at.as_secs_f64() - 2.0).abs() < 0.1);
    assert_eq!(report.verdict(), Verdict::Inconclusive, "{report}");
    assert!(
        report
            .to_string()
            .contains("had not ended when the grace period was over"),
        "{report}"
    );
}

#[test]
fn several_threads_end_together() {
    let server = goodput::Simulation::new()
        .ttft("20ms")
        .itl("1ms")
        .on_real_clock();
    let closed = bench("sim")
        .target(server)
        .max_concurrency(4)
        .workers(2)
        .duration("500ms");
    let report = report(closed.exclusive(false));
    assert_eq!(why(&report), EndReason::Time);
    let run = report.run();
    assert!(run.records.iter().all(|record| record.ok()));
    assert_eq!(run.setup.requests, run.records.len());
    assert!(run.ending.unwrap().at.as_secs_f64() >= 0.5);
}

/// The soak gate: half an hour at 5 requests a second.
#[rstest]
#[case::steady("", Verdict::Pass)]
#[case::aging(", aging = 30%/h", Verdict::Fail)]
#[case::leaking(", leak = 3%/h", Verdict::Fail)]
fn a_leak_is_found_and_its_absence_passes(#[case] change: &str, #[case] verdict: Verdict) {
    let soak = bench(&sim(change)).rate(5).duration("30m");
    let report = report(soak.slo("drift(p50(ttft)) < 10%/h, drift(memory) < 1%/h"));
    assert_eq!(report.verdict(), verdict, "{report}");
    let memory = report.value("drift(memory)").unwrap().unwrap();
    let leak = if change.contains("leak") {
        0.03 / 1.0075
    } else {
        0.0
    };
    assert!((memory - leak).abs() < 1e-4, "{memory}");
}

/// A cold start would look like a server that becomes faster.
#[test]
fn a_drift_is_that_of_the_steady_part() {
    let aging = sim(", cold = 5x@3m, aging = 60%/h");
    let soak = bench(&aging)
        .rate(5)
        .duration("20m")
        .slo("drift(p50(ttft)) < 10%/h");
    assert_ne!(report(soak.clone()).verdict(), Verdict::Fail);
    let steady = report(soak.cut_start("3m"));
    assert_eq!(steady.verdict(), Verdict::Fail, "{steady}");
}

#[test]
fn a_run_too_short_for_a_drift_is_undecided() {
    let short = report(
        bench(&sim(""))
            .rate(10)
            .requests(79)
            .slo("drift(p50(ttft)) < 10%/h"),
    );
    let text = short.to_string();
    assert!(
        text.contains("inconclusive: too few requests. From 80 on there is an interval"),
        "{text}"
    );
    assert_eq!(short.value("drift(p50(ttft))").unwrap(), None);
    let proof = bench(&sim(""))
        .rate(10)
        .requests(79)
        .slo("drift(p50(ttft)) < 10%/h");
    let error = proof.on_inconclusive("fail").run_blocking().unwrap_err();
    assert!(
        error.to_string().contains("95 % confidence takes 80"),
        "{error}"
    );
}

/// The memory of a server that the bench starts is that of its processes, as the kernel counts it.
#[cfg(all(feature = "cli", target_os = "linux"))]
#[test]
fn the_memory_of_a_started_server_is_its_processes() {
    let command = format!(
        "{} sim --port {{port}} --ttft 5ms --itl 1ms",
        env!("CARGO_BIN_EXE_goodput")
    );
    let server = goodput::ServerProcess::new(command);
    let bench = bench("sim")
        .target(server)
        .exclusive(false)
        .rate(100)
        .duration("1s");
    let report = report(
        bench
            .server_metrics_interval("20ms")
            .slo("drift(memory) < 100000%/h"),
    );
    let gauges = report
        .run()
        .server
        .as_ref()
        .unwrap()
        .gauges
        .as_ref()
        .unwrap();
    let sizes: Vec<f64> = gauges
        .samples
        .iter()
        .filter_map(|sample| sample.memory_bytes)
        .collect();
    assert!(sizes.len() > 10, "{sizes:?}");
    // The page of the simulation says 1 GiB.
    assert!(
        sizes.iter().all(|size| (1e6..9e8).contains(size)),
        "{sizes:?}"
    );
}
