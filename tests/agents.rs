//! Recorded agents against the simulation: sessions that fork, join and wait.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use goodput::{
    Bench, Error, Report,
    plan::{Plan, Turn},
    record::Record,
};
use rstest::rstest;
use std::collections::BTreeMap;

const FORMATS: [&str; 4] = ["mooncake", "weka", "bailian", "otel"];

fn bench(format: &str, settings: &str) -> Bench {
    let file = format!("fixtures/plan/datasets/agents_{format}.jsonl");
    Bench::new("agents")
        .target("sim(ttft = 50ms, itl = 10ms)")
        .backend("openai-chat")
        .dataset(format!("agents(\"{file}\", output = 4{settings})").as_str())
        .requests(100)
}

fn run(bench: Bench) -> Report {
    bench.run_blocking().unwrap()
}

fn turn(plan: &Plan, index: usize) -> &Turn {
    plan.requests[index].turn.as_deref().unwrap()
}

/// The records by their places in the plan.
fn records(report: &Report) -> BTreeMap<usize, &Record> {
    let records = &report.run().records;
    records
        .iter()
        .map(|record| (record.index, record))
        .collect()
}

/// Checks when each request of a run was due by the plan: the last of those before it plus its pause, and not before its
/// recorded time.
fn check(plan: &Plan, report: &Report) {
    let records = records(report);
    for (index, record) in &records {
        let turn = turn(plan, *index);
        let ends = turn.after.iter().map(|before| {
            let before = records[before];
            assert!(before.ok());
            before.end
        });
        let first = index - turn.id.number;
        if *index == first {
            // It may have waited for the end of other sessions.
            assert!(record.sent >= record.intended, "request {index}");
            continue;
        }
        let begin = records[&first].sent;
        let due = ends.max().unwrap_or(begin).0 + turn.pause.0;
        let due = due.max(begin.0 + turn.earliest.0);
        assert_eq!(record.intended.0, due, "request {index}");
        assert_eq!(record.sent, record.intended, "request {index}");
    }
}

#[rstest]
#[case::at_their_times("")]
#[case::faster(", time_scale = 0.25, max_pause = 200ms")]
#[case::one_after_the_other(", active = 1")]
fn every_request_is_due_when_those_before_it_have_ended(
    #[values("mooncake", "weka", "bailian", "otel")] format: &str,
    #[case] settings: &str,
) {
    let bench = bench(format, settings);
    let plan = bench.plan().unwrap();
    let report = run(bench);
    assert_eq!(report.run().records.len(), plan.requests.len());
    assert!(report.run().records.iter().all(Record::ok));
    check(&plan, &report);
}

#[rstest]
fn a_closed_loop_has_as_many_sessions_as_clients(
    #[values("mooncake", "weka", "bailian", "otel")] format: &str,
) {
    let bench = bench(format, ", self_timed = false, active = 1");
    let plan = bench.plan().unwrap();
    let report = run(bench);
    assert!(!report.run().setup.open_loop);
    check(&plan, &report);
    let mut sent: Vec<&Record> = report.run().records.iter().collect();
    sent.sort_by_key(|record| record.sent);
    let order: Vec<usize> = sent
        .iter()
        .map(|record| record.turn.as_deref().unwrap().session)
        .collect();
    assert!(order.is_sorted(), "{order:?}");
}

/// The two subagents of the first session run side by side; the request behind them waits for both.
#[test]
fn subagents_run_side_by_side_and_are_joined() {
    let bench = bench("weka", "").requests(9);
    let plan = bench.plan().unwrap();
    let report = run(bench);
    let records = records(&report);
    let forks: Vec<usize> = (0..9)
        .filter(|index| turn(&plan, *index).after == [1])
        .collect();
    let joins: Vec<usize> = (0..9)
        .filter(|index| turn(&plan, *index).after.len() == 2)
        .collect();
    let ([one, other], [join]) = (&forks[..], &joins[..]) else {
        panic!("{forks:?} {joins:?}")
    };
    // 100 ms apart, they ask at times of their own: neither waits for an answer to the other.
    assert_eq!((records[other].sent - records[one].sent).as_millis(), 100);
    let before = &turn(&plan, *join).after;
    assert!(
        before
            .iter()
            .all(|before| records[before].end < records[join].sent)
    );
}

/// What two agents wait for at the same time counts once: by hand from the fixture's pauses, and 80 ms a request.
#[test]
fn the_time_of_a_session_counts_overlaps_once() {
    let text = r#"{"id": "a", "requests": [
        {"t": 0, "in": 5, "out": 4, "api_time": 1},
        {"t": 2, "type": "subagent", "requests": [{"t": 0, "in": 5, "out": 4, "api_time": 2}]},
        {"t": 2.05, "type": "subagent", "requests": [{"t": 0, "in": 5, "out": 4, "api_time": 2}]},
        {"t": 9, "in": 5, "out": 4, "api_time": 1}]}"#;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("session.json");
    std::fs::write(&file, text).unwrap();
    let report = run(Bench::new("overlap")
        .target("sim(ttft = 50ms, itl = 10ms)")
        .dataset(format!("agents('{}')", file.display()).as_str())
        .requests(10));
    let times = report
        .run()
        .records
        .iter()
        .filter_map(|record| record.session_e2el);
    let times: Vec<u128> = times
        .map(|time| (time - goodput::clock::Nanos(0)).as_millis())
        .collect();
    // 80 ms for the first and the last, and 50 + 80 ms for both agents together.
    assert_eq!(times, [80 + 130 + 80]);
}

#[rstest]
fn every_request_is_accounted_for_once(
    #[values("mooncake", "weka", "bailian", "otel")] format: &str,
    #[values(
        "reset@30%",
        "status(500)@20%",
        "end_early@20%, stall@10%",
        "no_tokens@15%"
    )]
    faults: &str,
    #[values(0, 1, 2)] seed: u64,
    #[values("", ", active = 1", ", time_scale = 0.01")] settings: &str,
) {
    let bench = bench(format, settings)
        .seed(seed)
        .total_timeout("5s")
        .faults(faults);
    let plan = bench.plan().unwrap();
    let report = run(bench);
    let mut seen: Vec<usize> = records(&report).into_keys().collect();
    assert_eq!(seen.len(), report.run().records.len());
    seen.extend(&report.run().abandoned);
    seen.sort_unstable();
    assert_eq!(seen, (0..plan.requests.len()).collect::<Vec<_>>());
    check(&plan, &report);
    let records = records(&report);
    for abandoned in &report.run().abandoned {
        let session = turn(&plan, *abandoned).id.session;
        let failed =
            |record: &&Record| !record.ok() && record.turn.as_deref().unwrap().session == session;
        assert!(records.values().copied().any(|record| failed(&record)));
    }
}

#[test]
fn a_run_is_the_same_every_time() {
    for format in FORMATS {
        let one = || run(bench(format, ""));
        assert_eq!(one().run(), one().run());
    }
}

/// Whole prompts are the same load in every run, so runs may be compared and may grow.
#[test]
fn whole_prompts_may_be_compared() {
    for format in FORMATS {
        let report = run(bench(format, ", time_scale = 0.1")
            .on_inconclusive("fail")
            .slo("p90(ttft) < 1s")
            .max_extend(2));
        let sessions = report.run().records.iter();
        let sessions = sessions.map(|record| record.turn.as_deref().unwrap().session);
        let planned = bench(format, "").plan().unwrap().session_count();
        assert_eq!(sessions.max(), Some(2 * planned - 1), "{format}");
    }
    let report = run(bench("weka", ", time_scale = 0.1")
        .versus("sim(ttft = 50ms, itl = 10ms)")
        .pairs(2));
    assert!(report.run().records.iter().all(Record::ok));
}

/// Prompts that are only what is new send the server's answers back, and those differ from run to run.
#[rstest]
#[case(|bench: Bench| bench.max_extend(3), "max_extend")]
#[case(|bench: Bench| bench.rounds(2), "rounds")]
#[case(|bench: Bench| bench.versus("sim"), "versus")]
#[case(|bench: Bench| bench.baseline("main"), "baseline")]
fn sessions_that_grow_are_no_load_to_compare(
    #[case] with: fn(Bench) -> Bench,
    #[case] field: &str,
) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("growing.jsonl");
    let line = r#"{"session_id": "a", "input_length": 30, "output_length": 5}"#;
    std::fs::write(&file, [line, line, line].join("\n")).unwrap();
    let growing = || {
        Bench::new("growing")
            .target("sim")
            .backend("openai-chat")
            .dataset(format!("agents('{}')", file.display()).as_str())
            .requests(5)
    };
    let report = run(growing());
    let lengths = records(&report)
        .into_values()
        .map(|record| record.usage.unwrap().prompt_tokens.unwrap());
    let lengths: Vec<u64> = lengths.collect();
    assert!(lengths.is_sorted_by(|a, b| a + 30 < *b), "{lengths:?}");
    let Err(Error::Invalid(problems)) = with(growing()).run_blocking() else {
        panic!("it is refused")
    };
    let text: String = problems.iter().map(ToString::to_string).collect();
    assert!(
        text.contains(field) && text.contains("Record whole prompts"),
        "{text}"
    );
}

#[test]
fn a_ramp_needs_sessions_without_times() {
    let ramped = |settings: &str| bench("bailian", settings).ramp("linear 1..5");
    let Err(Error::Invalid(problems)) = ramped("").run_blocking() else {
        panic!("it is refused")
    };
    let text: String = problems.iter().map(ToString::to_string).collect();
    assert!(text.contains("self_timed = false"), "{text}");
    assert!(ramped(", self_timed = false").run_blocking().is_ok());
}

/// The engine keeps the blocks of earlier prompts, which later ones share as they did in the recording.
#[test]
fn a_prefix_cache_serves_shared_blocks() {
    let cached = |caching: bool| {
        let target =
            format!("sim(engine = linear, block_size = 16, enable_prefix_caching = {caching})");
        let report = run(bench("bailian", "")
            .target(target.as_str())
            .backend("openai"));
        let server = report.run().server.as_ref().unwrap();
        server
            .counted
            .as_ref()
            .unwrap()
            .cached_prompt_tokens
            .unwrap()
    };
    // Chats 2 and 3 share 2 blocks with chat 0, chat 3 shares 5 with chat 2, chat 5 has 5 of chat 2, chat 4 has 4 of chat 1.
    assert_eq!(cached(true), 16 * (2 + 5 + 5 + 4));
    assert_eq!(cached(false), 0);
}

#[test]
fn a_dry_run_shows_forks_and_joins() {
    let arrivals = goodput::plan::Arrivals {
        rate: f64::INFINITY,
        burstiness: 1.0,
        ramp: None,
        max_concurrency: None,
    };
    let plan = bench("weka", "").requests(9).plan().unwrap();
    let text = plan.describe(&arrivals);
    assert!(text.contains("1 fork and 1 join"), "{text}");
}
