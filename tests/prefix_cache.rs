//! Shared prefixes: what a server's prefix cache had, cold and warm rounds, on virtual time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use goodput::{Bench, Error, Report, Service, Verdict};
use rstest::rstest;

/// Requests that share long prefixes, one after the other, so that each finds what the ones before it left.
fn bench(target: &str) -> Bench {
    Bench::new("prefixes")
        .target(target)
        .dataset("prefix_repetition(prefixes = 2, prefix = 512, suffix = 32, output = 8)")
        .requests(12)
        .max_concurrency(1)
}

fn report(bench: Bench) -> Report {
    bench.run_blocking().unwrap()
}

const ENGINE: &str = "sim(engine = linear, tp = 100us)";

/// The first request with a prefix finds nothing, the others all of its full blocks.
#[rstest]
#[case::completions("openai")]
#[case::chat("openai-chat")]
#[case::responses("openai-responses")]
#[case::anthropic("anthropic")]
#[case::sglang("sglang")]
#[case::llama("llama.cpp")]
fn every_dialect_that_counts_cached_tokens_tells_them(#[case] backend: &str) {
    let report = report(bench(ENGINE).backend(backend));
    let cached: Vec<u64> = report
        .run()
        .records
        .iter()
        .map(|record| record.usage.unwrap().cached_tokens.unwrap())
        .collect();
    let misses = cached.iter().filter(|tokens| **tokens < 16).count();
    let hits = cached.iter().filter(|tokens| **tokens >= 480).count();
    assert_eq!((misses, hits), (2, 10), "{cached:?}");
    let share = report.value("cached").unwrap().unwrap();
    assert!((0.7..0.9).contains(&share), "{share}");
    assert_eq!(report.metrics().cached_share, Some(share));
}

#[test]
fn a_server_without_a_cache_has_no_hits() {
    let off = "sim(engine = linear, enable_prefix_caching = false)";
    assert_eq!(report(bench(off)).value("cached").unwrap(), Some(0.0));
    // A script has no cache to speak of.
    assert_eq!(report(bench("sim")).value("cached").unwrap(), None);
}

#[test]
fn the_second_round_is_warm() {
    let slo = "cached(round 2) >= 90%, warm(ttft) < 60%, errors(round 2) < 30%";
    let unique = bench(ENGINE).dataset("random(input = 512, output = 8, token_ids)");
    let report = report(unique.rounds(2).slo(slo));
    assert_eq!(report.run().records.len(), 24);
    let ids: Vec<usize> = report
        .run()
        .records
        .iter()
        .map(|record| record.index)
        .collect();
    assert_eq!(ids, (0..24).collect::<Vec<_>>());
    let rounds = report.metrics().rounds.as_ref().unwrap();
    let [cold, warm] = &rounds.each[..] else {
        panic!("two rounds")
    };
    assert!(cold.cached_share.unwrap() < 0.1 && warm.cached_share.unwrap() > 0.9);
    assert!(warm.ttft.max < cold.ttft.max && warm.duration < cold.duration);
    let verdicts: Vec<(&str, Verdict)> = report
        .judgement()
        .slos
        .iter()
        .map(|slo| (&*slo.slo, slo.verdict))
        .collect();
    assert_eq!(
        verdicts,
        [
            ("cached(round 2) >= 90%", Verdict::Pass),
            ("warm(ttft) < 60%", Verdict::Pass),
            ("errors(round 2) < 30%", Verdict::Pass)
        ]
    );
    insta::assert_snapshot!(
        report
            .to_string()
            .lines()
            .filter(|line| line.trim_start().starts_with("rounds"))
            .collect::<Vec<_>>()
            .join("\n")
    );
}

#[test]
fn without_a_cache_no_round_is_warmer() {
    let off = "sim(engine = linear, enable_prefix_caching = false, tp = 100us)";
    let report = report(bench(off).rounds(3).slo("warm(ttft) < 60%"));
    assert_eq!(report.run().records.len(), 36);
    assert_eq!(report.verdict(), Verdict::Fail);
    let warm = report.value("warm(ttft)").unwrap().unwrap();
    assert!((warm - 1.0).abs() < 1e-9, "{warm}");
}

/// A part of a run is measured as if it were the whole.
#[test]
fn a_part_has_the_numbers_of_its_own_requests() {
    let report = report(bench(ENGINE).rounds(2).goodput("ttft:40"));
    let of = |name: &str| report.value(name).unwrap().unwrap();
    let both = of("mean(ttft, round 1)") + of("mean(ttft, round 2)");
    assert!((both / 2.0 - of("mean(ttft)")).abs() < 1e-9);
    assert!(of("goodput(round 2)") > of("goodput(round 1)"));
    assert!(of("throughput(output, round 2)") > of("throughput(output, round 1)"));
    assert_eq!(of("max(ttft, round 1+)"), of("max(ttft)"));
    assert_eq!(report.value("p50(ttft, round 3)").unwrap(), None);
}

/// A batch that is sent at once, again and again, as in `vllm bench latency`.
#[test]
fn rounds_have_a_time_and_may_be_rehearsed() {
    let batch = Bench::new("batch").target("sim(ttft = 50ms, itl = 10ms)");
    let batch = batch.dataset("random(input = 4, output = 6)").requests(8);
    let report = report(
        batch
            .warmup_rounds(3)
            .rounds(30)
            .slo("p50(round_e2el) < 150ms"),
    );
    assert_eq!(report.run().records.len(), 240);
    let times = &report.metrics().gate.round_e2el;
    assert_eq!((times.count, times.min, times.max), (30, 100.0, 100.0));
    assert_eq!(report.verdict(), Verdict::Pass, "{report}");
    let warm_up = report.run().warm_up.unwrap();
    assert_eq!(
        (warm_up.requests, warm_up.duration.as_secs_f64()),
        (24, 0.3)
    );
}

#[test]
fn a_round_with_a_failure_has_no_time() {
    let batch = Bench::new("batch").target("sim").requests(4).rounds(3);
    let report = report(batch.faults("reset@req:5"));
    assert_eq!(report.failed(), 1);
    assert_eq!(report.metrics().gate.round_e2el.count, 2);
}

#[rstest]
#[case::no_rounds(|b: Bench| b.warmup_rounds(2), "come before rounds, and the bench has one")]
#[case::no_time(|b: Bench| b.slo("p50(round_e2el) < 1s"), "limits the time of a round")]
#[case::none(|b: Bench| b.rounds(0), "rounds = 0: must be from 1")]
#[case::too_many(|b: Bench| b.rounds(101), "rounds = 101: must be from 1")]
#[case::grows(|b: Bench| b.rounds(2).max_extend(2), "cannot be given together with `max_extend`")]
#[case::compares(|b: Bench| b.rounds(2).versus("sim"), "cannot be given together with `versus`")]
#[case::no_such_round(|b: Bench| b.rounds(2).slo("p50(ttft, round 3) < 1s"), "Set `rounds = 3`")]
#[case::one_round(|b: Bench| b.slo("warm(ttft) < 50%"), "compares rounds, and the bench has one")]
#[case::no_turns(|b: Bench| b.slo("p50(ttft, turn 2+) < 1s"), "limits later turns of sessions")]
fn what_makes_no_sense_is_refused(#[case] change: fn(Bench) -> Bench, #[case] said: &str) {
    let error = change(bench("sim")).run_blocking().unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error}");
    assert!(error.to_string().contains(said), "{error}");
}

/// The prompts that a server gets in two runs of a bench.
fn prompts_of_two_runs(change: impl Fn(Bench) -> Bench) -> [Vec<String>; 2] {
    use axum::{Router, routing::post};
    use serde_json::Value;
    use std::sync::{Arc, Mutex};
    [0, 1].map(|_| {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let keep = seen.clone();
        let complete = async move |body: String| {
            let body: Value = serde_json::from_str(&body).unwrap();
            let prompt = body["prompt"].as_str().unwrap().to_owned();
            keep.lock().unwrap().push(prompt);
            "data: {\"choices\":[{\"text\":\"hi\",\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
        };
        let router = Router::new().route("/v1/completions", post(complete));
        let target = Service::new(router).on_virtual_time();
        let bench = Bench::new("salted").target(target).model("any");
        let bench = bench.dataset("random(input = 6, output = 2)").requests(4);
        let report = report(change(bench.max_concurrency(1)));
        assert_eq!(report.failed(), 0);
        std::mem::take(&mut *seen.lock().unwrap())
    })
}

#[test]
fn each_run_has_its_own_salt_before_every_prompt() {
    let [plain, again] = prompts_of_two_runs(|bench| bench);
    assert_eq!(plain, again);
    let [one, other] = prompts_of_two_runs(|bench| bench.salt("auto"));
    let salts = |prompts: &[String]| {
        let salts = prompts.iter().zip(&plain).map(|(salted, plain)| {
            let salt = salted.strip_suffix(plain.as_str()).unwrap();
            assert_eq!(salt.trim_end().len(), 8, "{salted}");
            salt.to_owned()
        });
        salts.collect::<std::collections::BTreeSet<_>>()
    };
    let (one, other) = (salts(&one), salts(&other));
    assert_eq!((one.len(), other.len()), (1, 1));
    assert_ne!(one, other);
    let [named, _] = prompts_of_two_runs(|bench| bench.salt("mine"));
    assert!(named.iter().all(|prompt| prompt.starts_with("mine ")));
}

/// The same in all rounds, another one in each segment of a run that grows.
#[test]
fn rounds_share_their_salt_and_segments_do_not() {
    let [rounds, _] = prompts_of_two_runs(|bench| bench.salt("s").rounds(2));
    assert_eq!(rounds[..4], rounds[4..]);
    let [grown, _] = prompts_of_two_runs(|bench| {
        let open = bench.salt("s").slo("p50(e2el) < 1h").max_extend(3);
        open.on_inconclusive("warn")
    });
    let segments: std::collections::BTreeSet<&str> = grown
        .iter()
        .map(|prompt| prompt.split_once(' ').unwrap().0)
        .collect();
    assert_eq!(Vec::from_iter(segments), ["s", "s-1"]);
}

#[test]
fn a_salt_changes_neither_the_plan_nor_a_simulated_run() {
    let salted = || report(bench(ENGINE).salt("auto"));
    let (one, other, plain) = (salted(), salted(), report(bench(ENGINE)));
    assert_eq!(one.run().records, other.run().records);
    assert_eq!(one.run().setup.plan_hash, plain.run().setup.plan_hash);
    let tokens = |report: &Report| report.run().records[0].input.tokens;
    assert!(tokens(&one) > tokens(&plain));
    let used = one.run().setup.bench["load"]["salt"].as_str().unwrap();
    assert_eq!(used.len(), 8, "the result names the salt that was used");
}

#[test]
fn long_documents_are_read_once() {
    let documents = |mode: &str| {
        let set =
            format!("long_document_qa(documents = 4, length = 3000, repeat = 3, mode = {mode})");
        let bench = bench(ENGINE).dataset(set.as_str()).requests(100);
        report(bench.slo("cached >= 20%, errors < 40%"))
    };
    let tiled = documents("tile");
    let ttfts = |report: &Report| -> Vec<bool> {
        let times = report.run().records.iter();
        let times: Vec<u128> = times
            .map(|record| (record.events.first_at().unwrap() - record.sent).as_millis())
            .collect();
        let (least, most) = (times.iter().min().unwrap(), times.iter().max().unwrap());
        assert!(most * 2 > least * 3, "{times:?}");
        times
            .iter()
            .map(|time| *time > (least + most) / 2)
            .collect()
    };
    assert_eq!(tiled.run().records.len(), 12);
    let first = |n: usize| (0..12).map(|index| index < n).collect::<Vec<_>>();
    assert_eq!(ttfts(&tiled), first(4));
    let inner = documents("interleave");
    let every_third: Vec<bool> = (0..12).map(|index| index % 3 == 0).collect();
    assert_eq!(ttfts(&inner), every_third);
    let warm_up = tiled.run().warm_up.unwrap();
    assert_eq!((warm_up.requests, warm_up.failed), (4, 0));
    assert!(
        tiled.client().contains("4 requests before the run"),
        "{}",
        tiled.client()
    );
    assert_eq!(tiled.verdict(), Verdict::Pass, "{tiled}");
}
