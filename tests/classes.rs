//! Classes of requests in one run: priorities, limits and numbers of each, on virtual time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use goodput::{Bench, Report, Verdict, baseline::Settings};
use rstest::rstest;

/// A server that is behind: four sequences at a time.
const BUSY: &str = "sim(engine = linear, max_num_seqs = 4, scheduling_policy = priority)";

fn mix(classes: &str) -> Bench {
    Bench::new("mix")
        .target(BUSY)
        .dataset(format!("mix({classes})"))
        .requests(200)
        .rate(9)
}

fn report(bench: Bench) -> Report {
    bench.run_blocking().unwrap()
}

fn value(report: &Report, number: &str) -> f64 {
    report.value(number).unwrap().unwrap()
}

const SHORT: &str = "random(input = 64, output = 40)";

/// What vLLM's script `benchmark_prioritization.py` does: the same requests with two priorities.
#[rstest]
#[case::completions("openai")]
#[case::chat("openai-chat")]
#[case::responses("openai-responses")]
#[case::sglang("sglang")]
fn the_urgent_class_gets_better(#[case] backend: &str) {
    let with = |urgent: i64| {
        let classes = format!("urgent({SHORT}, priority = {urgent}), slow({SHORT}, priority = 1)");
        report(mix(&classes).backend(backend))
    };
    let (equal, first) = (with(1), with(0));
    for class in ["urgent", "slow"] {
        assert_eq!(value(&equal, &format!("errors({class})")), 0.0);
    }
    let of = |report: &Report, class: &str| value(report, &format!("p90(ttft, {class})"));
    assert!(of(&first, "urgent") < of(&equal, "urgent") / 3.0, "{first}");
    assert!(of(&first, "slow") > of(&equal, "slow"), "{first}");
    assert_eq!(value(&first, "worst_class(p90(ttft))"), of(&first, "slow"));
}

#[test]
fn each_class_has_its_own_limits() {
    let classes = format!(
        "urgent({SHORT}, priority = 0, goodput = 'ttft:200'), slow({SHORT}, priority = 1, goodput = 'e2el:60s')"
    );
    let report = report(
        mix(&classes)
            .slo("goodput(slow) >= 90%, goodput(urgent) >= 90%, worst_class(goodput) >= 90%"),
    );
    assert_eq!(report.verdict(), Verdict::Pass, "{report}");
    // By the other class's limit most of the slow ones would be too late.
    let strict = format!("urgent({SHORT}, priority = 0), slow({SHORT}, priority = 1)");
    let strict = self::report(
        mix(&strict)
            .goodput("ttft:200")
            .slo("goodput(urgent) >= 90%, worst_class(goodput) >= 90%"),
    );
    let urgent = value(&strict, "goodput(urgent)");
    let slow = value(&strict, "goodput(slow)");
    assert!(urgent > 0.9 && slow < 0.6, "{strict}");
    assert_eq!(value(&strict, "worst_class(goodput)"), slow);
    let slos = &strict.judgement().slos;
    assert_eq!((slos[0].value, slos[1].value), (Some(urgent), Some(slow)));
    let worst = &slos[1].sentence;
    assert!(worst.contains("in class `slow`"), "{worst}");
}

#[test]
fn classes_add_up_to_the_run() {
    let report = report(mix(&format!("a({SHORT}, weight = 3), b({SHORT})")));
    let metrics = report.metrics();
    let classes: Vec<_> = metrics
        .classes
        .iter()
        .map(|class| (class.name.as_str(), class.metrics.counts.completed))
        .collect();
    assert_eq!(classes, [("a", 150), ("b", 50)]);
    let output = |class: &str| value(&report, &format!("throughput(output, {class})"));
    let all = value(&report, "throughput(output)");
    assert!((output("a") + output("b") - all).abs() < 1e-9 * all);
    // Services of 3 to 1: (3 + 1)² / (2 · (9 + 1)).
    assert!((value(&report, "jain(tokens)") - 0.8).abs() < 1e-2);
}

/// Sessions and single requests in one run: turns of a class, and the class of a session.
#[test]
fn classes_may_have_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chats.jsonl");
    let chat = |id: usize| {
        let user = r#"{"role": "user", "content": "a question of some words"}"#;
        let answer = r#"{"role": "assistant", "content": "an answer"}"#;
        format!(
            r#"{{"id": "c{id}", "client": "user-{}", "messages": [{user}, {answer}, {user}, {answer}]}}"#,
            id % 3
        )
    };
    let chats: Vec<String> = (0..60).map(chat).collect();
    std::fs::write(&path, chats.join("\n")).unwrap();
    let classes = format!("chat(conversations('{}')), batch({SHORT})", path.display());
    let slo = "errors(turn 2, chat) < 20%, p50(session_e2el, chat) < 1h, jain(tokens) >= 0.1";
    let report = report(mix(&classes).backend("openai-chat").slo(slo));
    assert_eq!(report.verdict(), Verdict::Pass, "{report}");
    let turns = |class: &str| {
        let of_class = report
            .run()
            .records
            .iter()
            .filter(|r| r.class.as_deref() == Some(class));
        of_class.filter(|record| record.turn.is_some()).count()
    };
    assert_eq!((turns("chat"), turns("batch")), (100, 0));
    // Single requests are not sessions.
    let sessions = report.metrics().sessions.as_ref().unwrap();
    assert_eq!((sessions.begun, sessions.finished), (50, 50));
    let single = report.value("p50(session_e2el, batch)");
    assert!(!single.is_ok_and(|value| value.is_some()));
    let fairness = report.metrics().fairness.as_ref().unwrap();
    let clients: Vec<&str> = fairness
        .clients
        .iter()
        .map(|client| client.client.as_str())
        .collect();
    assert_eq!(clients, ["batch", "user-0", "user-1", "user-2"]);
}

#[rstest]
#[case::of_a_class(
    "goodput(chta) >= 90%",
    "limits an unknown class `chta`; did you mean `chat`?"
)]
#[case::without_requests(
    "goodput(none) >= 90%",
    "limits the class `none`, which has no requests: its weight is 0"
)]
fn slos_of_other_classes_are_refused(#[case] slo: &str, #[case] said: &str) {
    let bench = mix("chat(random), batch(random), none(random, weight = 0)").goodput("ttft:200");
    let error = bench.slo(slo).run_blocking().unwrap_err().to_string();
    assert!(error.contains(said), "{error}");
}

/// A change that hits one class alone is seen in that class.
#[test]
fn baselines_know_classes() {
    let folder = tempfile::tempdir().unwrap();
    let bench = |target: &str| {
        let classes = "chat(random(input = 32, output = 8), weight = 3), long(random(input = 2000, output = 8))";
        Bench::new("mix")
            .target(target)
            .dataset(format!("mix({classes})"))
            .requests(200)
            .rate(2)
    };
    let of = |settings: Settings| Settings {
        folder: Some(folder.path().to_owned()),
        ..settings
    };
    let save = of(Settings {
        save: Some("main".to_owned()),
        ..Settings::default()
    });
    let saved = report(bench("sim(engine = linear, tp = 10us)").baselines(save));
    assert!(saved.passed());
    let compare = of(Settings::default());
    let slower = report(
        bench("sim(engine = linear, tp = 20us)")
            .baseline("main")
            .baselines(compare),
    );
    let comparison = slower.comparison().unwrap();
    let of = |name: &str| {
        let change = comparison
            .changes
            .iter()
            .find(|change| change.subject == name);
        change.unwrap_or_else(|| panic!("{name}")).clone()
    };
    let (chat, long) = (of("mean(ttft, chat)"), of("mean(ttft, long)"));
    assert!(long.gated && long.b > long.a * 1.4, "{} {}", long.a, long.b);
    assert!(chat.b < chat.a * 1.2, "{} {}", chat.a, chat.b);
}
