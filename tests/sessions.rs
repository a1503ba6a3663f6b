//! Sessions: conversations of several turns against the simulation.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use goodput::{Bench, Error, Report, Verdict, record::Record};
use rstest::rstest;
use std::collections::BTreeMap;

const FILE: &str = "fixtures/plan/datasets/conversations.json";

fn bench(settings: &str) -> Bench {
    Bench::new("chat")
        .target("sim(ttft = 50ms, itl = 10ms)")
        .backend("openai-chat")
        .dataset(format!("conversations(\"{FILE}\", output = 4{settings})").as_str())
        .requests(100)
}

fn run(bench: Bench) -> Report {
    bench.run_blocking().unwrap()
}

/// The records of each session in the order of their turns.
fn sessions(report: &Report) -> BTreeMap<usize, Vec<&Record>> {
    let mut sessions: BTreeMap<usize, Vec<&Record>> = BTreeMap::new();
    for record in &report.run().records {
        let turn = record.turn.as_deref().unwrap();
        sessions.entry(turn.session).or_default().push(record);
    }
    sessions
}

fn ms(report: &Report, metric: &str) -> f64 {
    report.value(metric).unwrap().unwrap()
}

#[test]
fn a_turn_is_due_when_the_answer_before_it_has_ended_and_the_think_time_has_passed() {
    let report = run(bench(", think = 2s").rate(1));
    let sessions = sessions(&report);
    assert_eq!(sessions.len(), 3);
    for records in sessions.values() {
        for (place, record) in records.iter().enumerate() {
            assert_eq!(record.turn.as_deref().unwrap().number, place);
        }
        for pair in records.windows(2) {
            assert_eq!((pair[1].intended - pair[0].end).as_millis(), 2_000);
            assert_eq!(pair[1].sent, pair[1].intended);
        }
        // 50 ms and three gaps for each turn; think time does not count.
        let expected = 80.0 * records.len() as f64;
        let last = records.last().unwrap().session_e2el.unwrap();
        assert!((last.as_secs_f64() * 1e3 - expected).abs() < 1e-6);
    }
    assert_eq!(ms(&report, "max(session_e2el)"), 240.0);
}

/// The simulation's usage says how long the prompt was that it got.
#[rstest]
#[case::of_the_server("")]
#[case::of_the_file(", history = file")]
fn later_turns_send_the_history(#[case] history: &str) {
    let report = run(bench(history).max_concurrency(1));
    for records in sessions(&report).values() {
        let lengths = records
            .iter()
            .map(|record| record.usage.unwrap().prompt_tokens.unwrap());
        let lengths: Vec<u64> = lengths.collect();
        assert!(lengths.is_sorted_by(|a, b| a + 4 < *b), "{lengths:?}");
    }
}

#[test]
fn a_closed_loop_has_as_many_sessions_as_clients() {
    let report = run(bench("").max_concurrency(1));
    let mut records: Vec<&Record> = report.run().records.iter().collect();
    records.sort_by_key(|record| record.sent);
    let order: Vec<usize> = records
        .iter()
        .map(|record| record.turn.as_deref().unwrap().session)
        .collect();
    // One after the other, each to its end.
    assert!(order.is_sorted(), "{order:?}");
}

#[rstest]
#[case("reset@40%")]
#[case("status(500)@30%")]
#[case("end_early@30%, stall@10%")]
#[case("no_tokens@20%")]
fn every_request_is_accounted_for_once(#[case] faults: &str, #[values(0, 1, 2, 3)] seed: u64) {
    let bench = bench(", think = 100ms")
        .rate(20)
        .seed(seed)
        .total_timeout("5s")
        .faults(faults);
    let planned = bench.plan().unwrap().requests.len();
    let report = run(bench);
    let records = &report.run().records;
    let mut seen: Vec<usize> = records.iter().map(|record| record.index).collect();
    seen.extend(&report.run().abandoned);
    seen.sort_unstable();
    assert_eq!(seen, (0..planned).collect::<Vec<_>>());
    for records in sessions(&report).values() {
        // Nothing follows a failure.
        let failed = records.iter().position(|record| !record.ok());
        assert!(failed.is_none_or(|place| place + 1 == records.len()));
        let last = records.last().unwrap();
        assert_eq!(last.session_e2el.is_some(), failed.is_none());
    }
}

#[test]
fn a_failed_turn_abandons_its_session_and_the_report_says_so() {
    let report = run(bench("").max_concurrency(1).faults("reset@req:0"));
    assert!(!report.run().abandoned.is_empty());
    let text = report.to_string();
    assert!(
        text.contains("abandoned because an earlier turn failed"),
        "{text}"
    );
    assert!(
        !text.contains("planned requests were sent and came to an end"),
        "{text}"
    );
}

#[test]
fn a_turn_that_never_succeeds_has_no_numbers() {
    let report = run(bench("").max_concurrency(1).faults("reset"));
    let text = report.to_string();
    assert!(
        text.contains("turn 1: 3 requests, none succeeded"),
        "{text}"
    );
    assert!(!text.contains("NaN"), "{text}");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let one = || run(bench(", think = lognormal(1s, 1s)").rate(3).seed(4));
    let (one, other) = (one(), one());
    assert_eq!(one.run(), other.run());
}

/// The engine keeps the blocks of a conversation, so that later turns compute only what is new.
#[test]
fn a_prefix_cache_serves_later_turns() {
    let engine = |caching: bool| {
        let target =
            format!("sim(engine = linear, block_size = 4, enable_prefix_caching = {caching})");
        run(bench("").target(target.as_str()).max_concurrency(1))
    };
    let cached = |report: &Report| {
        let server = report.run().server.as_ref().unwrap();
        server
            .counted
            .as_ref()
            .unwrap()
            .cached_prompt_tokens
            .unwrap()
    };
    let prompts: u64 = engine(true)
        .run()
        .records
        .iter()
        .map(|record| record.input.tokens)
        .sum();
    let hits = cached(&engine(true));
    assert!(hits > prompts / 4, "{hits} of {prompts}");
    assert_eq!(cached(&engine(false)), 0);
}

#[test]
fn sessions_can_be_limited_by_an_slo() {
    let report = run(bench("")
        .max_concurrency(1)
        .slo("p50(session_e2el) < 200ms, max(session_e2el) < 1s"));
    let slos = &report.judgement().slos;
    assert_eq!(slos.len(), 2);
    assert_eq!(slos[1].verdict, Verdict::Pass, "{report}");
}

#[rstest]
#[case::rounds(bench("").rounds(2), "rounds")]
#[case(bench("").max_extend(3), "max_extend")]
#[case(bench("").versus("sim"), "versus")]
#[case(bench("").baseline("main"), "baseline")]
fn the_servers_answers_are_no_load_to_compare(#[case] bench: Bench, #[case] field: &str) {
    let Err(Error::Invalid(problems)) = bench.run_blocking() else {
        panic!("it is refused")
    };
    let text = problems.iter().map(ToString::to_string).collect::<String>();
    assert!(
        text.contains(field) && text.contains("history = file"),
        "{text}"
    );
}

#[test]
fn with_the_files_answers_a_run_may_grow() {
    let report = run(bench(", history = file")
        .rate(50)
        .on_inconclusive("fail")
        .slo("p90(ttft) < 1s")
        .max_extend(3));
    let numbers: Vec<usize> = sessions(&report).into_keys().collect();
    assert_eq!(numbers, (0..9).collect::<Vec<_>>());
}

/// Little's law: the mean number of sessions that wait for the server is their rate times the mean time that each waits.
/// The server's own gauge is one side, the client's `session_e2el` the other.
#[test]
fn littles_law_holds_for_sessions() {
    let bench = Bench::new("little")
        .target("sim(engine = linear, max_num_seqs = 4)")
        .backend("openai-chat")
        .dataset(
            format!("conversations(\"{FILE}\", output = 40, think = exponential(300ms))").as_str(),
        )
        .requests(100)
        .rate(3)
        .server_metrics_interval("10ms");
    let report = run(bench);
    let metrics = report.metrics();
    let waiting: f64 = {
        let gauges = report
            .run()
            .server
            .as_ref()
            .unwrap()
            .gauges
            .as_ref()
            .unwrap();
        let at_server =
            |sample: &goodput::run::GaugeSample| sample.running.unwrap() + sample.waiting.unwrap();
        let samples = &gauges.samples;
        samples.iter().map(at_server).sum::<f64>() / samples.len() as f64
    };
    let duration = report.run().duration.as_secs_f64();
    let sessions = metrics.sessions.as_ref().unwrap().finished as f64;
    let each = metrics.gate.session_e2el.mean / 1e3;
    let by_law = sessions / duration * each;
    assert!((waiting / by_law - 1.0).abs() < 0.05, "{waiting} {by_law}");
}

/// A dry run counts what an SLO is about: sessions, or the requests of a turn.
#[test]
fn proofs_count_sessions_and_turns() {
    let bench = bench("").slo("p50(session_e2el) < 1s, p50(ttft, turn 2+) < 1s, p50(ttft) < 1s");
    let plan = bench.plan().unwrap();
    insta::assert_snapshot!(bench.decidable(&plan));
    let report = run(bench);
    let note = "`p50(session_e2el) < 1000ms` can only fail, never pass, with 3 requests";
    assert!(report.to_string().contains(note), "{report}");
}

/// What is under way when a run is stopped is cancelled; sessions that were over before keep their times.
#[test]
fn a_stopped_run_keeps_the_sessions_that_were_over() {
    use goodput::{
        bench::Control,
        observer::Observer,
        stop::{Stop, Stopper},
    };
    use std::sync::Arc;
    /// Stops the run with the end of the first session.
    struct AfterOne(Stopper);
    impl Observer for AfterOne {
        fn finished(&self, record: &Record) {
            if record.index == 1 {
                self.0.stop();
            }
        }
    }
    let (stopper, stop) = Stop::pair();
    let observer = Arc::new(AfterOne(stopper));
    let control = Control { stop, observer };
    let whole = run(bench("").max_concurrency(1));
    let stopped = bench("")
        .max_concurrency(1)
        .run_blocking_with(control)
        .unwrap();
    let times = |report: &Report| report.metrics().gate.session_e2el.count;
    assert!(stopped.run().partial);
    assert!(times(&stopped) < times(&whole));
    let sessions = stopped.metrics().sessions.as_ref().unwrap();
    assert_eq!(sessions.finished, times(&stopped));
    assert_eq!(sessions.abandoned, 0);
}

#[test]
fn each_session_has_its_numbers() {
    let report = run(bench("").max_concurrency(1).faults("reset@req:1"));
    let sessions = report.metrics().sessions.as_ref().unwrap();
    assert_eq!(sessions.each.len() as u64, sessions.begun);
    let sum = |of: fn(&goodput::metrics::SessionMetrics) -> u64| -> u64 {
        sessions.each.iter().map(of).sum()
    };
    assert_eq!(
        sum(|session| session.requests),
        report.run().records.len() as u64
    );
    assert_eq!(sum(|session| session.failed), 1);
    assert_eq!(sum(|session| session.abandoned), sessions.abandoned);
    assert!(sessions.abandoned > 0);
    for session in &sessions.each {
        assert_eq!(session.session_e2el_ms.is_none(), session.failed > 0);
        assert!(session.failed > 0 || session.abandoned == 0);
    }
}

/// A limit of the user's own on sessions is not lateness of the client.
#[test]
fn sessions_that_wait_for_others_do_not_make_the_client_late() {
    let report = run(bench(", active = 1").rate(1000));
    assert_ne!(report.verdict(), Verdict::Invalid, "{report}");
    assert!(
        ms(&report, "max(ttft)") > 100.0,
        "the wait counts in the latency"
    );
}

#[rstest]
#[case::no_such_turn(bench("").slo("p50(ttft, turn 9) < 1s"), "the plan has no such request")]
#[case::no_sessions(
    Bench::new("single").slo("p50(session_e2el) < 1s"),
    "the requests of this plan have none"
)]
#[case::too_few(
    bench("").slo("p90(session_e2el) < 5s").on_inconclusive("fail"),
    "the plan has 3 sessions for it, and 95 % confidence takes 29 sessions at least"
)]
fn what_the_plan_cannot_show_is_refused_before_anything_is_sent(
    #[case] bench: Bench,
    #[case] said: &str,
) {
    let error = bench.run_blocking().unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains(said), "{error}");
}
