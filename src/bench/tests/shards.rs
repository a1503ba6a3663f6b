//! Shards on one virtual clock against one simulated server, merged, are the run of one process.

use crate::{
    bench::{
        Bench, Control, Sharding, Together, checked::Checked, conduct::Ended, line::Line,
        prepare::Prepared,
    },
    client::Dialer,
    clock::on_virtual_time,
    judge::FindingKind,
    merge::{self, Merged, Shown},
    metrics::Tally,
    report::{JsonOptions, Report, vllm_json},
    run::Run,
    shard::Shard,
    sim::{InProcess, SimServer},
    targets::Place,
};
use futures_util::future::join_all;
use rstest::rstest;
use serde_json::Value;
use std::sync::Arc;

/// Fields of a result that a merged run has otherwise than a run of one process. docs/shards.md shows the same table. The
/// date is that of the run's end in both.
const DIFFERS: [(&str, &str); 3] = [
    ("/goodput/audit", "clients are audited one by one"),
    ("/goodput/client", "the worst client speaks"),
    (
        "/goodput/latency/connect_ms",
        "each client has connections of its own",
    ),
];

fn bench() -> Bench {
    Bench::new("shards")
        .seed(7)
        .goodput("ttft:200 tpot:50")
        .slo("p90(ttft) < 400ms, goodput >= 20%, errors < 50%")
        .on_inconclusive("warn")
        .exclusive(false)
}

/// The bench for each of these shards, and its requests.
fn prepared(bench: &Bench, shards: &[Shard]) -> Vec<(Checked, Prepared)> {
    let one = |shard: &Shard| {
        let sharding = (!shard.is_whole()).then(|| Sharding {
            shard: *shard,
            start: Together::Alone,
            restarted: None,
            host: format!("host{}", shard.index),
        });
        let checked = bench.clone().sharded(sharding).checked().unwrap();
        let place = checked.target.open().unwrap().place;
        let mut prepared = checked.prepare(&place, None, &Control::default()).unwrap();
        prepared.party = checked.party();
        (checked, prepared)
    };
    shards.iter().map(one).collect()
}

/// Lets all shards send on one clock to one server.
fn sent(all: &[(Checked, Prepared)]) -> Vec<Report> {
    let place = all[0].0.target.open().unwrap().place;
    let Place::Simulation(simulation) = &place else {
        panic!("{place:?}")
    };
    let server: Arc<SimServer> = all[0].1.simulated(simulation).unwrap();
    let control = Control::default();
    let runs: Vec<Run> = on_virtual_time(async |clock| {
        let lines = all.iter().map(|(bench, prepared)| {
            let pipes = InProcess::new(server.clone(), clock.clone());
            let dialer = Dialer::in_process(pipes);
            let line = Line::new(bench, &place, prepared, &control, vec![dialer], &clock);
            async move {
                let sent = line.open(async |line, plan| line.send(plan).await).await;
                sent.unwrap().into_run()
            }
        });
        join_all(lines).await
    })
    .unwrap();
    let judged = all.iter().zip(runs).map(|((bench, prepared), mut run)| {
        if let Some(party) = &prepared.party {
            let gathered = party.gather(&prepared.plan, bench.settings_hash()).unwrap();
            run.audit.shard = party.started(gathered).unwrap().map(Box::new);
        }
        bench.judge(Ended {
            run,
            numbers: Tally::default(),
            segments: 1,
            notes: prepared.plan.notes.clone(),
            complaint: None,
            gate: None,
        })
    });
    judged.collect()
}

fn options() -> JsonOptions {
    JsonOptions {
        detailed: true,
        date: "today".to_owned(),
        num_prompts: 60,
        rate_change_times: vec!["then".to_owned(); 1000],
        ..JsonOptions::default()
    }
}

fn merged(bench: &Bench, count: usize) -> Merged {
    let shards: Vec<Shard> = (0..count).map(|index| Shard { index, count }).collect();
    let all = prepared(bench, &shards);
    let folder = tempfile::tempdir().unwrap();
    let cuts = (bench.load.cut_start, bench.load.cut_end);
    let mut paths = Vec::new();
    for (index, report) in sent(&all).iter().enumerate() {
        let path = folder.path().join(format!("shard-{index}.json"));
        merge::write(&path, report, cuts, Shown::of(options()), true).unwrap();
        paths.push(path);
    }
    // Their order does not matter.
    paths.reverse();
    merge::merged(&paths).unwrap()
}

/// The result file without what differs.
fn same(report: &Report) -> Value {
    let json = vllm_json(
        report.run(),
        report.metrics(),
        report.judgement(),
        &options(),
    );
    let mut json = serde_json::to_value(&json).unwrap();
    // Notes that need the settings of the bench.
    let findings = json["goodput"]["findings"].as_array_mut().unwrap();
    findings.retain(|f| f["kind"] != "unprovable" && f["kind"] != "short_plan");
    for (field, why) in DIFFERS {
        let field = json
            .pointer_mut(field)
            .unwrap_or_else(|| panic!("{field}: {why}"));
        *field = Value::Null;
    }
    json
}

const TALKS: &str = "conversations(\"fixtures/plan/datasets/conversations.json\", output = 4, think = exponential(300ms))";

#[rstest]
#[case::poisson(bench().rate(20).requests(60).target("sim(ttft = lognormal(80ms, 60ms), itl = exponential(10ms))"))]
#[case::ramp(bench().ramp("linear 5..40").requests(60).target("sim(ttft = lognormal(80ms, 60ms), itl = exponential(10ms))"))]
#[case::faults(bench().rate(20).requests(60).target("sim(faults = 'reset@10%, status(503)@10%')"))]
#[case::ends_are_cut(bench().rate(20).requests(60).cut_start("10 requests").cut_end("500ms").target("sim(ttft = lognormal(80ms, 60ms))"))]
#[case::for_a_time(bench().rate(20).duration("3s").target("sim(ttft = lognormal(80ms, 60ms))"))]
#[case::sessions(bench().backend("openai-chat").rate(3).requests(20).dataset(TALKS).target("sim(ttft = normal(50ms, 5ms))"))]
#[case::slower_under_load(bench().rate(40).requests(60).target("sim(ttft = lognormal(80ms, 60ms), slowdown = 1.5x@8)"))]
#[case::an_engine(bench().rate(20).requests(60).dataset("random(input = 200, output = 12)").target("sim(engine = 'llama-3-8b@h100', max_num_seqs = 8)"))]
fn merged_shards_are_the_run_of_one_process(#[case] bench: Bench, #[values(2, 3, 5)] count: usize) {
    let whole = sent(&prepared(&bench, &[Shard::WHOLE])).remove(0);
    let Merged { report, .. } = merged(&bench, count);
    assert_eq!(report.run().audit.shards.len(), count);
    let (merged, whole) = (same(&report), same(&whole));
    for (key, value) in whole["goodput"].as_object().unwrap() {
        assert_eq!(&merged["goodput"][key], value, "goodput.{key}");
    }
    for (key, value) in whole.as_object().unwrap() {
        assert_eq!(&merged[key], value, "{key}");
    }
    assert_eq!(merged, whole);
}

/// Requests at the same moment reach the server in another order, which then gives its times to others: the numbers are the
/// same, and how they follow each other is not.
#[test]
fn all_at_once_has_the_same_latencies() {
    let bench = bench()
        .requests(60)
        .target("sim(ttft = lognormal(80ms, 60ms), itl = exponential(10ms))");
    let whole = sent(&prepared(&bench, &[Shard::WHOLE])).remove(0);
    let Merged { report, .. } = merged(&bench, 3);
    let (merged, whole) = (same(&report), same(&whole));
    for key in [
        "latency",
        "throughput",
        "peaks",
        "requests",
        "histograms",
        "goodput",
    ] {
        assert_eq!(
            merged["goodput"][key], whole["goodput"][key],
            "goodput.{key}"
        );
    }
}

/// A limit on requests in flight holds for the whole run, and the report says that it was divided.
#[test]
fn a_divided_limit_is_told() {
    let bench = bench()
        .requests(60)
        .max_concurrency(7)
        .target("sim(ttft = lognormal(80ms, 60ms))");
    let Merged { report, .. } = merged(&bench, 3);
    assert_eq!(report.completed(), 60);
    assert!(report.metrics().peaks.exact_concurrent_requests <= 7);
    let findings = &report.judgement().findings;
    let divided = findings
        .iter()
        .find(|f| f.kind == FindingKind::Divided)
        .unwrap();
    assert!(
        divided
            .message
            .starts_with("`max_concurrency = 7` was divided among 3 shards, 2 or 3 each"),
        "{}",
        divided.message
    );
}

#[test]
fn one_shard_sends_nothing_of_another() {
    let bench = bench().rate(20).requests(10).target("sim(ttft = 50ms)");
    let second = Shard { index: 1, count: 3 };
    let report = sent(&prepared(&bench, &[second])).remove(0);
    let indices: Vec<usize> = report.run().records.iter().map(|r| r.index).collect();
    assert_eq!(indices, [1, 4, 7]);
    assert_eq!(report.run().setup.requests, 3);
    let plan = bench.plan().unwrap();
    for record in &report.run().records {
        assert_eq!(record.intended, plan.requests[record.index].at);
    }
}

#[rstest]
#[case::versus(bench().versus("http://127.0.0.1:1"), "versus")]
#[case::growing(bench().max_extend(3), "max_extend")]
#[case::rounds(bench().rounds(2), "rounds")]
#[case::states(bench().rate(5).stop_if("errors > 20%"), "stop_if")]
#[case::searched(bench().slo("p99(ttft) < 1s").search("rate").search_budget("1000 requests"), "search")]
#[case::own_salt(bench().salt("auto"), "salt")]
#[case::the_lock(bench().exclusive(true), "exclusive")]
#[case::too_few_slots(bench().max_concurrency(3), "max_concurrency")]
#[case::a_baseline(bench().baseline("main"), "baseline")]
fn what_no_shard_can_do_is_refused(#[case] bench: Bench, #[case] field: &str) {
    let sharding = Sharding {
        shard: Shard { index: 0, count: 4 },
        start: Together::Alone,
        restarted: None,
        host: "host".to_owned(),
    };
    let bench = bench.target("http://127.0.0.1:1");
    bench.check().unwrap();
    let error = bench
        .sharded(Some(sharding))
        .check()
        .unwrap_err()
        .to_string();
    assert!(error.starts_with(&format!("{field} = ")), "{error}");
}
