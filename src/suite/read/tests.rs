use super::*;
use crate::{bench::keys::plain_example, grammar::names::KEYS};
use rstest::rstest;

fn told(text: &str) -> String {
    let told = Suite::parse("goodput.toml", text).unwrap_err().to_string();
    // The author of a new key should not have to edit this list.
    let keys: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
    told.replace(&keys.join(", "), "(all keys)")
}

fn one(text: &str) -> Declared {
    let suite = Suite::parse("goodput.toml", text).unwrap();
    suite.benches.into_iter().next().unwrap()
}

/// The one list of keys: each works in a file, with the attribute's own example, and does something.
#[test]
fn every_key_of_the_attribute_works_in_a_file() {
    for key in KEYS {
        let line = format!("{} = {}", key.name, plain_example(key));
        if [Kind::Tolerance, Kind::Path].contains(&key.kind) {
            let told = told(&format!("[bench.a]\n{line}\n"));
            assert!(told.contains("works in Rust only"), "{told}");
            continue;
        }
        // Faults are for simulations; the rest says other than the examples that are the default.
        let others = "\
[defaults]
target = \"sim\"
requests = 300
dataset = \"random(input = 8, output = 4)\"
burstiness = 2
confidence = 0.9
max_lateness = \"1ms\"
pairs = 7
noise_threshold = 0.2
false_alarms = 0.02
[bench.a]
";
        // It needs a name that it is about.
        let name = match key.name {
            "require_baseline" => "baseline = \"main\"\n",
            "warmup_rounds" => "rounds = 2\n",
            "duration" | "stop_if" => "rate = 1\n",
            "search" => "slo = \"p99(ttft) < 1s\"\n",
            "search_budget" => "search = \"rate\"\nslo = \"p99(ttft) < 1s\"\n",
            "structured_output_ratio" => "structured_output = \"choice(yes, no)\"\n",
            _ => "",
        };
        let others = format!("{others}{name}");
        let (plain, declared) = (one(&others), one(&format!("{others}{line}\n")));
        match key.kind {
            Kind::Reason => assert_eq!(declared.ignore.as_deref(), Some("needs a GPU")),
            _ => {
                let [with, without] = [&declared, &plain].map(|d| format!("{:?}", d.bench));
                assert_ne!(with, without, "{line} changes nothing");
            }
        }
    }
}

/// Settings of one kind, and what the builder makes of the same.
#[rstest]
#[case("rate = 12", Bench::new("a").rate(12))]
#[case("rate = 0.5", Bench::new("a").rate(0.5))]
#[case("burstiness = inf", Bench::new("a").burstiness(f64::INFINITY))]
#[case("burstiness = \"inf\"", Bench::new("a").burstiness(f64::INFINITY))]
#[case("seed = 0x10", Bench::new("a").seed(16))]
#[case("stream = false", Bench::new("a").stream(false))]
#[case("total_timeout = \"5m\"", Bench::new("a").total_timeout("5m"))]
#[case("headers = [\"A: 1\", \"B: 2\"]", Bench::new("a").headers(["A: 1", "B: 2"]))]
#[case("balance = \"session\"", Bench::new("a").balance("session"))]
#[case("bind = [\"127.0.0.1\", \"::1\"]", Bench::new("a").bind(["127.0.0.1", "::1"]))]
#[case("extra_body = { temperature = 0, stop = [\"x\"] }",
    Bench::new("a").extra_body("{\"temperature\": 0, \"stop\": [\"x\"]}"))]
#[case("on_inconclusive = \"warn\"", Bench::new("a").on_inconclusive("warn"))]
fn values_are_the_builders(#[case] line: &str, #[case] expected: Bench) {
    let declared = one(&format!("[bench.a]\n{line}\n"));
    let expected = if line.starts_with("on_inconclusive") {
        expected
    } else {
        expected.on_inconclusive("fail")
    };
    assert_eq!(format!("{:?}", declared.bench), format!("{expected:?}"));
}

#[test]
fn benches_keep_their_order_and_have_the_defaults() {
    let text = "\
[defaults]
rate = 10
requests = 20
headers = [\"A: 1\"]

[bench.zebra]
[bench.\"a long name\"]
requests = 5
headers = [\"B: 2\"]
[bench.ramped]
ramp = \"linear 1..10\"
";
    let suite = Suite::parse("goodput.toml", text).unwrap();
    let names: Vec<_> = suite.benches.iter().map(|d| d.bench.name()).collect();
    assert_eq!(names, ["zebra", "a long name", "ramped"]);
    let requests: Vec<_> = suite
        .benches
        .iter()
        .map(|d| d.bench.load.requests)
        .collect();
    assert_eq!(requests, [20, 5, 20]);
    let [zebra, long, ramped] = suite.benches.as_slice() else {
        unreachable!()
    };
    assert_eq!(
        (zebra.bench.load.rate, ramped.bench.load.rate),
        (10.0, f64::INFINITY)
    );
    assert!(zebra.bench.wire.headers.contains_key("A"));
    assert!(
        !long.bench.wire.headers.contains_key("A") && long.bench.wire.headers.contains_key("B")
    );
}

/// It may be a key, under a misspelt name.
#[rstest]
#[case(
    "api_kee = \"S3cret\"",
    "goodput.toml:2: bench.a.api_kee: unknown key `api_kee`; did you mean `api_key`?"
)]
#[case(
    "extra_body = [\"S3cret\"]",
    "goodput.toml:2: bench.a.extra_body = ***: expected"
)]
#[case(
    "target = { url = \"S3cret\" }",
    "goodput.toml:2: bench.a.target: expected a string"
)]
fn a_value_that_may_be_secret_is_not_shown(#[case] line: &str, #[case] said: &str) {
    let told = told(&format!("[bench.a]\n{line}\n"));
    assert!(told.starts_with(said) && !told.contains("S3cret"), "{told}");
}

#[test]
fn everything_wrong_is_told_at_once_with_its_line() {
    insta::assert_snapshot!(told(
        "\
[defaults]
rat = 10
slo = \"p99(ttfx) < 1ms, errors < 1\"

[bench.a]
rate = -1
requests = \"ten\"
target = \"http:/nowhere\"
headers = 5
total_timeout = 30

[bench.b]
rate = 5
ramp = \"linear 1..10\"
slo = \"goodput >= 95%\"
num_prompts = 10

[server]
x = 1
"
    ));
}

#[rstest]
#[case(
    "[[bench]]\nrate = 1\n",
    "goodput.toml:1: a bench is a table with its name"
)]
#[case("bench = 5\n", "write `[bench.NAME]`")]
#[case(
    "[bench]\nrate = 1\n",
    "goodput.toml:2: a bench is a table with its name"
)]
#[case("[defaults]\n", "has no benches")]
#[case("", "has no benches")]
#[case(
    "[bench.a]\nrate == 1\n[bench.b]\nrate = -1\n",
    "goodput.toml:2: is not TOML"
)]
#[case(
    "[bench.a]\nrate == 1\n[bench.b]\nrate = -1\n",
    "goodput.toml:4: bench.b.rate = -1"
)]
#[case("[bench.a]\n[bench.a]\n", "goodput.toml:2: is not TOML")]
fn a_file_that_is_no_suite_is_refused(#[case] text: &str, #[case] part: &str) {
    let told = told(text);
    assert!(told.contains(part), "{told}");
}

#[test]
fn secrets_are_not_repeated() {
    let told = told("[bench.a]\nheaders = [\"Authorization Bearer hunter2\"]\napi_key = 5\n");
    assert!(
        !told.contains("hunter2") && told.contains("bench.a.headers = ***"),
        "{told}"
    );
    let debug = format!("{:?}", one("[bench.a]\napi_key = \"hunter2\"\n").bench);
    assert!(!debug.contains("hunter2"), "{debug}");
}

const ENGINES: &str = "\
[defaults]
requests = 300

[engine.a]
target = \"sim\"

[engine.b]
target = \"sim(ttft = 90ms)\"
backend = \"sglang\"
requests = 200

[bench.chat]
rate = 10

[bench.batch]
rate = 20
";

#[test]
fn every_bench_runs_on_every_engine() {
    let suite = Suite::parse("goodput.toml", ENGINES).unwrap();
    let all = suite.benches.iter().map(|declared| {
        let on = declared.engine.as_ref().unwrap();
        let name = declared.bench.name();
        (
            name,
            on.bench.as_str(),
            on.engine.as_str(),
            declared.bench.requests_at_most().unwrap(),
        )
    });
    let expected = [
        ("chat@a", "chat", "a", 300),
        ("chat@b", "chat", "b", 200),
        ("batch@a", "batch", "a", 300),
        ("batch@b", "batch", "b", 200),
    ];
    assert_eq!(all.collect::<Vec<_>>(), expected);
}

#[rstest]
#[case::set_by_both(&ENGINES.replace("rate = 10", "backend = \"openai\""), "bench.chat.backend = \"openai\": is also set by `[engine.b]`. Keep one")]
#[case::name(&ENGINES.replace("engine.a", "engine.\"a/b\""), "engine.a/b: has other characters than letters, digits")]
#[case::no_table(
    "[engine]\na = 3\n[bench.a]\ntarget = \"sim\"\n",
    "an engine is a table with its name; write `[engine.NAME]`"
)]
#[case::wrong_key(&ENGINES.replace("backend", "backent"), "engine.b.backent: unknown key `backent`; did you mean `backend`?")]
fn engines_that_cannot_be(#[case] text: &str, #[case] said: &str) {
    let told = told(text);
    assert!(told.contains(said), "{told}");
}
