//! Every kind of page that is a file. A new kind is a case: the commands that make it, its headings, and which numbers of
//! which file its tables have.

use super::{
    browser::ask,
    fine,
    folder::Folder,
    numbers::{column, stored},
};
use rstest::{Context, rstest};
use serde_json::json;
use std::{env, fs, path::Path, process::Command};

/// Has a bit of everything, and is too slow for the limits that go with it.
const RUN: &str = r#"
run() {
    goodput serve --disable-tqdm --backend openai-chat --request-rate 20 --num-prompts 400 --random-input-len 64 \
        --random-output-len 24 --goodput ttft:200 tpot:40 \
        --target "sim(ttft = lognormal(80ms, 60ms), itl = gamma(10ms, 8ms), slowdown = 1.5x@8, faults = 'stall(300ms)@3%, status(503)@2%')" \
        --slo 'p99(ttft) < 300ms, goodput >= 95%, errors < 10%, throughput(output) > 100' "$@"
}
"#;

/// The captions of tables by their begins, with a column and where its numbers are stored.
type Columns = &'static [(&'static str, &'static str, &'static str)];

#[rstest]
#[case::run(
    "run --output html=page.html --save-result --result-filename run.json",
    &["Latency distribution", "Over the run", "The slowest requests", "Gaps and stalls", "The client"],
    &[
        ("Requests, tokens and rates", "completed", "run.json /completed"),
        ("Requests, tokens and rates", "output tok/s", "run.json /output_throughput"),
        ("Latencies", "mean", "run.json /goodput/latency/{ttft,itl,e2el,tpot}_ms/mean"),
        ("Latencies", "p99.9", "run.json /goodput/latency/{ttft,itl,e2el,tpot}_ms/p99.9"),
        ("Latencies", "values", "run.json /goodput/latency/{ttft,itl,e2el,tpot}_ms/count"),
        ("Percentiles of TTFT", "p99, ms", "run.json /goodput/slos/0/value"),
        ("TTFT over the run", "p99, ms", "run.json /goodput/course/ttft_ms/*/1"),
        ("ITL over the run", "max, ms", "run.json /goodput/course/itl_ms/*/2"),
        ("Arrivals and completions", "failed", "run.json /goodput/course/failed/*"),
        ("In flight over the run", "most in flight", "run.json /goodput/course/in_flight/*"),
        ("What the slowest requests waited for", "last, ms", "run.json /goodput/slowest/*/last_ms"),
    ],
)]
#[case::several_results(
    "run --seed 1 --save-result --result-filename before.json
     run --seed 2 --save-result --result-filename after.json
     goodput report before.json after.json \"$ROOT/fixtures/vllm/result.json\" --format html > page.html",
    &["3 results", "before.json", "after.json", "TTFT over the run"],
    &[
        ("Percentiles of TTFT", "p99, ms", "{before,after}.json /goodput/latency/ttft_ms/p99"),
        ("Percentiles of E2EL", "mean, ms", "{before,after}.json /goodput/latency/e2el_ms/mean"),
        ("Completed over the run", "after.json", "after.json /goodput/course/completed/*"),
    ],
)]
#[case::of_vllm(
    "goodput report \"$ROOT/fixtures/vllm/result.json\" --format html > page.html",
    &[],
    &[],
)]
#[case::baseline(
    "serve() { goodput serve --num-prompts 200 --request-rate 20 --random-output-len 16 --disable-tqdm \"$@\"; }
     serve --target 'sim(ttft = lognormal(80ms, 20ms), itl = 10ms)' --save-baseline main
     serve --target 'sim(ttft = lognormal(90ms, 20ms), itl = 10ms)' --baseline main --output html=page.html \
        --save-result --result-filename run.json",
    &["Compared"],
    &[
        ("Compared with baseline", "A", "run.json /goodput/comparison/changes/*/a"),
        ("Compared with baseline", "B", "run.json /goodput/comparison/changes/*/b"),
        ("Compared with baseline", "change, %", "run.json /goodput/comparison/changes/*/statistics/change"),
    ],
)]
#[case::pairs(
    "goodput ab --a 'sim(ttft = lognormal(50ms, 10ms), itl = 10ms, noise = 4%)' \
        --b 'sim(ttft = lognormal(61ms, 12ms), itl = 10ms, noise = 4%, seed = 7)' --num-prompts 50 --request-rate 10 \
        --random-output-len 8 --goodput ttft:75 --disable-tqdm --output html=page.html --save-result --result-filename run.json",
    &["Compared"],
    &[
        ("Compared with", "change, %", "run.json /goodput/comparison/changes/*/statistics/change"),
        ("Compared with", "from, %", "run.json /goodput/comparison/changes/*/statistics/interval/low"),
        ("Compared with", "to, %", "run.json /goodput/comparison/changes/*/statistics/interval/high"),
    ],
)]
#[case::engines(
    "cat > goodput.toml <<'END'
[engine.first]
target = \"sim(ttft = normal(80ms, 20ms))\"
[engine.second]
target = \"sim(ttft = normal(120ms, 20ms))\"
backend = \"sglang\"
[bench.chat]
dataset = \"random(input = 32, output = 8)\"
rate = 20
slo = \"p50(ttft) < 500ms\"
END
     goodput run --results kept --output html=page.html --message-format json > events.jsonl
     grep '\"lineup\":{' events.jsonl > lineup.json",
    &["chat on 2 engines"],
    &[
        ("chat by engine", "first", "lineup.json /lineup/rows/*/cells/0/value"),
        ("chat by engine", "second", "lineup.json /lineup/rows/*/cells/1/value"),
    ],
)]
#[case::classes(
    "goodput serve --target 'sim(engine = linear, max_num_seqs = 4, scheduling_policy = priority)' --num-prompts 400 --request-rate 9 \
        --mix 'chat(random(input = 64, output = 40), weight = 3, priority = 0, goodput = \"ttft:500\"),
               batch(random(input = 64, output = 40), priority = 5, goodput = \"e2el:60s\")' \
        --slo 'goodput(chat) >= 90%, goodput(batch) >= 90%' --disable-tqdm --output html=page.html \
        --save-result --result-filename run.json",
    &["Parts of the run", "By class"],
    &[
        ("By class", "TTFT p99, ms", "run.json /goodput/classes/*/latency/ttft_ms/p99"),
        ("By class", "E2EL p50, ms", "run.json /goodput/classes/*/latency/e2el_ms/p50"),
    ],
)]
#[case::turns(
    "goodput serve --target 'sim(ttft = lognormal(50ms, 20ms), itl = 10ms, prefill = 100us)' --disable-tqdm \
        --input-file \"$ROOT/fixtures/plan/datasets/generate_uniform.json\" -p 2 --output html=page.html \
        --save-result --result-filename run.json",
    &["Parts of the run", "By turn of a session"],
    &[
        ("By turn of a session", "TTFT p50, ms", "run.json /goodput/sessions/turns/*/ttft_ms/p50"),
        ("By turn of a session", "E2EL p99, ms", "run.json /goodput/sessions/turns/*/e2el_ms/p99"),
    ],
)]
#[case::metrics_of_the_server(
    "goodput serve --target 'sim(engine = llama-3-8b@h100, max_num_seqs = 16)' --server-metrics-interval 1s --num-prompts 400 \
        --request-rate 40 --disable-tqdm --output html=page.html --save-result --result-filename run.json",
    &["The server's own metrics", "Requests in the server", "KV memory in use"],
    &[
        ("Requests in the server", "running, requests", "run.json /goodput/server/gauges/running/*"),
        ("Requests in the server", "waiting, requests", "run.json /goodput/server/gauges/waiting/*"),
        ("KV memory in use", "KV memory in use, %", "run.json /goodput/server/gauges/kv_usage/*"),
    ],
)]
#[case::ramp(
    "goodput serve --target 'sim(engine = linear, max_num_seqs = 4)' --num-prompts 600 --ramp-up-strategy linear --ramp-up-start-rps 1 \
        --ramp-up-end-rps 40 --random-output-len 16 --goodput ttft:500 --disable-tqdm --output html=page.html \
        --save-result --result-filename run.json",
    &["Load and latency"],
    &[
        ("Latency, throughput and goodput by load", "requests/s asked", "run.json /goodput/curve/points/*/load"),
        ("Latency, throughput and goodput by load", "good, %", "run.json /goodput/curve/points/*/goodput"),
        ("Latency, throughput and goodput by load", "TTFT p99, ms", "run.json /goodput/curve/points/*/p99_ttft_ms"),
    ],
)]
#[case::search(
    "goodput search --find rate --target 'sim(engine = linear, max_num_seqs = 4)' --num-prompts 200 --random-input-len 64 \
        --random-output-len 16 --goodput ttft:500 --slo 'goodput >= 90%' --disable-tqdm --output html=page.html \
        --save-result --result-filename run.json",
    &["Load and latency"],
    &[
        ("Latency, throughput and goodput by load", "requests/s asked", "run.json /goodput/curve/points/*/load"),
        ("Latency, throughput and goodput by load", "requests/s", "run.json /goodput/curve/points/*/request_throughput"),
    ],
)]
#[case::sweep(
    "goodput sweep --target 'sim(ttft = 80ms, itl = 10ms, slowdown = 20%)' --num-prompts 120 --random-input-len 32 \
        --random-output-len 16 --goodput ttft:200 --vary max-concurrency=1,2,4,8,16 --disable-tqdm
     goodput report results/bench_*.json --format html > page.html
     mv results/summary/curve.json curve.json",
    &["5 results", "Load and latency"],
    &[
        ("Latency, throughput and goodput by load", "requests in flight", "curve.json /curves/0/points/*/load"),
        ("Latency, throughput and goodput by load", "TTFT p99, ms", "curve.json /curves/0/points/*/p99_ttft_ms"),
    ],
)]
#[case::trend(
    "for day in $(seq 10 33); do
        printf '{\"date\": \"202611%s-030000\", \"endpoint_type\": \"vllm\", \"label\": null, \"model_id\": \"m\", \"num_prompts\": 100, \
            \"request_rate\": 10.0, \"commit\": \"%07xabcdef\", \"duration\": 10.0, \"completed\": 100, \"failed\": 0, \
            \"total_input_tokens\": 1, \"request_throughput\": 10.0, \"output_throughput\": %s, \"median_ttft_ms\": %s, \
            \"p99_ttft_ms\": %s}\\n' $((day - 3)) $day 64$((day % 3)).5 $((50 + day / 22 * 10)).$((day * 7 % 10)) 10$((day * 3 % 10)).25
     done > all.jsonl
     goodput report --history all.jsonl --format html > page.html
     goodput report --history all.jsonl --format json > trend.json",
    &["Trend of vllm", "p50(ttft)"],
    &[("p50(ttft) of each run", "value", "trend.json /numbers/1/values/*")],
)]
#[ignore = "needs Chromium"]
fn every_kind_of_page_is_shown_as_its_json_says(
    #[context] context: Context,
    #[case] script: &str,
    #[case] headings: &[&str],
    #[case] columns: Columns,
) {
    let name = context.description.unwrap();
    let folder = Folder::new(name);
    make(&folder, script);
    let asked = json!({"pages": [{"name": name, "path": folder.join("page.html")}]});
    let views = &ask("look.mjs", &folder, asked)[name];
    fine::page(name, views);
    let light = &views["light"];
    for heading in headings {
        let found = light["headings"].as_array().unwrap();
        assert!(
            found
                .iter()
                .any(|found| found.as_str().unwrap().contains(heading)),
            "{heading} in {found:?}"
        );
    }
    for (caption, name, path) in columns {
        let shown = column(light, caption, name);
        assert_eq!(shown, stored(&folder, path), "{caption}, {name}: {path}");
    }
}

/// Runs a script in a folder, with the goodput of this test and nothing that the environment asks of it.
fn make(folder: &Path, script: &str) {
    let bin = Path::new(env!("CARGO_BIN_EXE_goodput")).parent().unwrap();
    let path = env::join_paths(
        [bin.to_owned()]
            .into_iter()
            .chain(env::split_paths(&env::var_os("PATH").unwrap())),
    );
    let mut command = Command::new("sh");
    for (name, _) in env::vars().filter(|(name, _)| name.starts_with("GOODPUT_")) {
        command.env_remove(name);
    }
    let output = command
        .env_remove("GITHUB_STEP_SUMMARY")
        .env("PATH", path.unwrap())
        .env("ROOT", env!("CARGO_MANIFEST_DIR"))
        .current_dir(folder)
        .args(["-c", &format!("{RUN}{script}")])
        .output()
        .unwrap();
    let made = fs::read_to_string(folder.join("page.html")).unwrap_or_default();
    assert!(made.ends_with("</html>\n"), "{output:?}");
}
