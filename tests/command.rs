//! The `goodput` command: exit codes, files, and what it says of unusable input.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;
mod support;

use folder::Folder;
use goodput::exit_code::{INVALID, PASS, UNUSABLE};
use rstest::{Context, rstest};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};
use support::{RawServer, good_stream};

fn goodput(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_goodput"))
        .args(args)
        .env_remove("OPENAI_API_KEY")
        .env_remove("GITHUB_STEP_SUMMARY")
        .output()
        .unwrap()
}

/// A measurement of the simulation, with these arguments added.
fn serve(args: &[&str]) -> Output {
    let sim = "sim(ttft = normal(80ms, 20ms), itl = 5ms, seed = 1)";
    let base = [
        "serve",
        "--target",
        sim,
        "--random-input-len",
        "32",
        "--random-output-len",
        "8",
    ];
    goodput(&[&base, args].concat())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn read_json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn vllms_own_words_get_a_hint() {
    let output = goodput(&["bench", "serve", "--num-prompts", "1"]);
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(
        told.contains("`vllm bench serve …` is `goodput serve …`"),
        "{told}"
    );
}

#[test]
fn the_name_of_a_saved_result_is_told() {
    let folder = Folder::new("saved");
    let path = folder.join("run.json");
    let name = path.to_str().unwrap();
    let output = serve(&[
        "--num-prompts",
        "1",
        "--save-result",
        "--result-filename",
        name,
    ]);
    let told = text(&output.stderr);
    assert!(told.contains(&format!("result saved as {name}")), "{told}");
}

#[rstest]
#[case::no_limits(&[], 0)]
#[case::met(&["--goodput", "ttft:200", "tpot:50", "--slo", "goodput >= 95%"], 0)]
#[case::missed(&["--slo", "p90(ttft) < 90ms"], 1)]
#[case::cannot_be_proved(&["--slo", "p99(ttft) < 300ms"], 2)]
#[case::bad_limit(&["--goodput", "ttfb:200"], 2)]
fn exit_codes(#[case] args: &[&str], #[case] code: i32) {
    let load = ["--num-prompts", "100", "--request-rate", "20"];
    let output = serve(&[&load, args].concat());
    assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
}

#[test]
fn the_table_is_vllms_and_the_verdict_follows() {
    let output = serve(&[
        "--num-prompts",
        "200",
        "--request-rate",
        "20",
        "--max-concurrency",
        "8",
        "--goodput",
        "ttft:100",
        "--slo",
        "goodput >= 50%",
        "--percentile-metrics",
        "ttft,tpot,itl,e2el",
        "--metric-percentiles",
        "50,99",
    ]);
    insta::assert_snapshot!(text(&output.stdout));
}

#[test]
fn the_table_of_answers_without_tokens_is_vllms() {
    let output = serve(&[
        "--backend",
        "openai-embeddings",
        "--num-prompts",
        "100",
        "--request-rate",
        "50",
        "--slo",
        "p50(e2el) < 100ms",
    ]);
    insta::assert_snapshot!(text(&output.stdout));
}

#[test]
fn results_are_saved_under_vllms_name_and_keys() {
    let folder = Folder::new("save");
    let dir = folder.to_str().unwrap();
    let output = serve(&[
        "--num-prompts",
        "10",
        "--request-rate",
        "5",
        "--save-result",
        "--result-dir",
        dir,
        "--metadata",
        "commit=abc",
        "--label",
        "nightly",
    ]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().flatten().collect();
    assert_eq!(files.len(), 1);
    let name = files[0].file_name().into_string().unwrap();
    assert!(
        name.starts_with("nightly-5.0qps-simulated-") && name.ends_with(".json"),
        "{name}"
    );
    let result = read_json(&files[0].path());
    assert_eq!(result["completed"], 10);
    assert_eq!(result["commit"], "abc");
    assert_eq!(result["goodput"]["verdict"], "no_verdict");
    assert!(result.get("ttfts").is_none() && result.get("latencies").is_some());
}

/// A simulated engine with drafts, a probe now and then: vLLM's blocks and keys, in its order.
#[test]
fn drafts_and_probes_are_told_as_vllm_tells_them() {
    let folder = Folder::new("drafts");
    let output = goodput(&[
        "serve",
        "--target",
        "sim(engine = linear, num_speculative_tokens = 2)",
        "--num-prompts",
        "10",
        "--request-rate",
        "5",
        "--random-input-len",
        "16",
        "--probe-request-rate",
        "2",
        "--server-metrics-interval",
        "500ms",
        "--disable-tqdm",
        "--save-result",
        "--result-filename",
        "drafts.json",
        "--result-dir",
        folder.to_str().unwrap(),
    ]);
    let table = text(&output.stdout);
    assert!(output.status.success(), "{table}");
    let places = [
        "Total token throughput",
        "--Probe Requests--",
        "Max probe E2EL (ms):",
        "--Time to First Token--",
        "--Inter-token Latency--",
        "--Speculative Decoding--",
        "Per-position acceptance (%):",
        "  Position 1:",
    ]
    .map(|line| {
        table
            .find(line)
            .unwrap_or_else(|| panic!("no {line} in {table}"))
    });
    assert!(places.is_sorted(), "{table}");
    let result = read_json(&folder.join("drafts.json"));
    let keys: Vec<&str> = result
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let place = |key: &str| keys.iter().position(|other| *other == key).unwrap();
    let places = [
        "rtfx",
        "probe_completed",
        "probe_max_e2el_ms",
        "spec_decode_acceptance_rate",
        "spec_decode_per_position_acceptance_rates",
        "mean_ttft_ms",
        "goodput",
    ]
    .map(place);
    assert!(places.is_sorted(), "{keys:?}");
    let counted = &result["goodput"]["server"]["counted"];
    let generated = 10 * 128 + result["probe_completed"].as_u64().unwrap();
    assert_eq!(counted["generation_tokens"], generated);
    let gauges = &result["goodput"]["server"]["gauges"];
    assert_eq!(gauges["at_s"][1], 0.5);
    assert!(
        gauges["kv_usage"]
            .as_array()
            .unwrap()
            .iter()
            .any(|share| share.as_f64() > Some(0.0))
    );
}

#[test]
fn results_are_appended_line_by_line() {
    let folder = Folder::new("append");
    let dir = folder.to_str().unwrap();
    for _ in 0..2 {
        let output = serve(&[
            "--num-prompts",
            "3",
            "--append_result",
            "--save_detailed",
            "--result_dir",
            dir,
            "--result_filename",
            "all.jsonl",
        ]);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let lines = std::fs::read_to_string(folder.join("all.jsonl")).unwrap();
    let results: Vec<Value> = lines
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(results.len(), 2);
    assert_eq!(results[0]["ttfts"], results[1]["ttfts"]);
    assert_eq!(results[0]["ttfts"].as_array().unwrap().len(), 3);
}

#[rstest]
#[case::metadata_of_ours(&["--metadata", "duration=3", "--save-result"], &["duration", "Choose another"])]
#[case::metadata_form(&["--metadata", "x"], &["NAME=VALUE"])]
#[case::metric(&["--percentile-metrics", "ttft,e2e"], &["e2e", "did you mean `e2el`"])]
#[case::percentile(&["--metric-percentiles", "101"], &["101", "between 0 and 100"])]
#[case::backend(&["--backend", "openai_chat"], &["openai_chat", "did you mean `openai-chat`"])]
#[case::sampling(
    &["--backend", "tgi", "--temperature", "0"],
    &["tgi", "no sampling flags", "--extra-body"]
)]
#[case::no_tokens(
    &["--backend", "openai-embeddings", "--slo", "p99(ttft) < 1s", "--goodput", "tpot:20"],
    &["limits ttft", "limits tpot", "Limit e2el instead"]
)]
#[case::shape(
    &["--backend", "openai-audio", "--dry-run"],
    &["text, which the backend `openai-audio` does not take", "Use `openai`"]
)]
#[case::rate(&["--request-rate", "0"], &["rate", "above 0"])]
#[case::concurrency(&["--max-concurrency", "0"], &["--max-concurrency", "at least 1"])]
#[case::ramp(&["--ramp-up-strategy", "linear", "--ramp-up-start-rps", "1"], &["--ramp-up-end-rps"])]
#[case::ramp_zero(
    &["--ramp-up-strategy", "linear", "--ramp-up-start-rps", "0", "--ramp-up-end-rps", "5"],
    &["above 0"]
)]
#[case::range(&["--random-range-ratio", "1.0"], &["[0, 1)"])]
#[case::path_of_random(&["--dataset-path", "x.json"], &["--dataset-name"])]
#[case::no_path(&["--dataset-name", "custom"], &["--dataset-path", "names no file"])]
#[case::no_file(
    &["--dataset-name", "custom", "--dataset-path", "/nowhere/p.jsonl"],
    &["/nowhere/p.jsonl"]
)]
#[case::tokenizer(&["--tokenizer", "/nowhere/tokenizer.json"], &["/nowhere/tokenizer.json"])]
#[case::extra_body(&["--extra-body", "[1]"], &["--extra-body", "JSON object"])]
#[case::header(&["--header", "Authorization"], &["NAME=VALUE"])]
#[case::slo_without_limits(&["--slo", "goodput > 90%"], &["per-request limits"])]
#[case::duration(&["--first-token-timeout", "5"], &["--first-token-timeout", "5s"])]
#[case::unknown_flag(&["--num-promts", "3"], &["--num-promts", "--num-prompts"])]
fn unusable_input_exits_2_and_names_the_fix(#[case] args: &[&str], #[case] told: &[&str]) {
    let output = serve(&[&["--num-prompts", "2"], args].concat());
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(UNUSABLE.into()), "{message}");
    for part in told {
        assert!(message.contains(part), "`{part}` is missing in: {message}");
    }
    assert!(output.stdout.is_empty());
}

#[test]
fn all_problems_are_told_at_once() {
    let output = serve(&[
        "--goodput",
        "ttfb:200",
        "--slo",
        "p99(ttf) < 1ms",
        "--request-rate",
        "-1",
        "--header",
        "nonsense",
    ]);
    let message = text(&output.stderr);
    for part in ["ttfb", "ttf`", "rate", "--header"] {
        assert!(message.contains(part), "`{part}` is missing in: {message}");
    }
}

#[test]
fn malformed_dataset_lines_are_named() {
    let folder = Folder::new("dataset");
    let path = folder.join("prompts.jsonl");
    std::fs::write(&path, "{\"prompt\": \"fine\"}\n{\"prompt\": 3}\nnot json\n").unwrap();
    let output = serve(&[
        "--dataset-name",
        "custom",
        "--dataset-path",
        path.to_str().unwrap(),
    ]);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(UNUSABLE.into()), "{message}");
    for part in ["prompts.jsonl", "line 2", "line 3", "prompt"] {
        assert!(message.contains(part), "`{part}` is missing in: {message}");
    }
}

#[test]
fn an_unwritable_result_folder_is_told_before_the_run() {
    let folder = Folder::new("unwritable");
    let file = folder.join("file");
    std::fs::write(&file, "").unwrap();
    // A folder below a file cannot be made by anyone, not even by root.
    let dir = file.join("results");
    let output = serve(&[
        "--num-prompts",
        "2",
        "--save-result",
        "--result-dir",
        dir.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(UNUSABLE.into()));
    assert!(
        text(&output.stderr).contains("--result-dir"),
        "{}",
        text(&output.stderr)
    );
    assert!(output.stdout.is_empty());
}

#[test]
fn a_dry_run_prints_the_plan_and_sends_nothing() {
    let args = [
        "--num-prompts",
        "5",
        "--request-rate",
        "2",
        "--base-url",
        "http://127.0.0.1:9",
    ];
    let base = [
        "serve",
        "--dry-run",
        "--random-input-len",
        "16",
        "--tokenizer",
        "embedded",
    ];
    let output = goodput(&[&base[..], &args].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    insta::assert_snapshot!(text(&output.stdout));
}

#[test]
fn an_unreachable_server_exits_4() {
    let output = goodput(&[
        "serve",
        "--base-url",
        "http://127.0.0.1:9",
        "--model",
        "m",
        "--num-prompts",
        "1",
    ]);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(INVALID.into()), "{message}");
    assert!(
        message.contains("127.0.0.1:9") && message.contains("running"),
        "{message}"
    );
    let output = goodput(&[
        "serve",
        "--base-url",
        "http://127.0.0.1:9",
        "--num-prompts",
        "1",
    ]);
    // The news is that it is down, and not that it did not tell its model.
    let message = text(&output.stderr);
    assert!(
        message.contains("cannot connect to http://127.0.0.1:9: "),
        "{message}"
    );
}

/// `goodput sim` ends with this status and says why, instead of serving.
#[rstest]
#[case::slope(&["--slowdown", "1.5@64"], "`slowdown = 1.5@64`: expected a share")]
#[case::unit(&["--prefill", "50"], "`50` has no unit")]
#[case::file(&["--itl", "empirical('no/such.json')"], "--itl = empirical(\"no/such.json\"): there is no such file")]
#[case::engine(&["--engine", "linear", "--slowdown", "2%"], "cannot be used with")]
fn a_simulation_that_cannot_be_is_refused(#[case] args: &[&str], #[case] told: &str) {
    let output = goodput(&[&["sim", "--port", "0"], args].concat());
    assert_eq!(output.status.code(), Some(UNUSABLE.into()));
    let stderr = String::from_utf8(output.stderr).unwrap();
    // The terminal's width decides where lines end.
    let words = stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(told), "{stderr}");
}

/// From one command to the next: what was measured is simulated.
#[test]
fn a_detailed_result_is_a_simulation() {
    let folder = Folder::new("empirical");
    let measure = |target: &str, file: &str| -> Value {
        let output = goodput(&[
            "serve",
            "--target",
            target,
            "--num-prompts",
            "50",
            "--random-input-len",
            "32",
            "--random-output-len",
            "8",
            "--save-result",
            "--save-detailed",
            "--result-dir",
            folder.to_str().unwrap(),
            "--result-filename",
            file,
        ]);
        assert_eq!(
            output.status.code(),
            Some(PASS.into()),
            "{}",
            text(&output.stderr)
        );
        read_json(&folder.join(file))
    };
    let first = measure("sim(ttft = normal(80ms, 20ms), itl = 5ms)", "run.json");
    let times = format!("empirical('{}')", folder.join("run.json").display());
    let again = format!("sim(ttft = {times}, itl = {times}, seed = 9)");
    let second = measure(&again, "again.json");
    let ttfts = |result: &Value| result["ttfts"].as_array().unwrap().clone();
    let (measured, drawn) = (ttfts(&first), ttfts(&second));
    assert_eq!((measured.len(), drawn.len()), (50, 50));
    assert!(drawn.iter().all(|ttft| measured.contains(ttft)));
    assert_ne!(measured, drawn);
}

/// A queue in front of the client is in the numbers from the plan, which stand right below vLLM's table; without one
/// there is nothing to say.
#[test]
fn latencies_from_the_plan_stand_right_below_the_table() {
    let below = |concurrency: &str| {
        let output = serve(&[
            "--num-prompts",
            "60",
            "--request-rate",
            "60",
            "--max-concurrency",
            concurrency,
            "--goodput",
            "ttft:200",
            "--slo",
            "p90(ttft) < 10s",
        ]);
        let stdout = text(&output.stdout);
        let table = format!("\n{}\n", "=".repeat(50));
        let (table, below) = stdout.split_once(&table).unwrap();
        assert!(table.contains("Median TTFT (ms):"), "{stdout}");
        below.to_owned()
    };
    let queued = below("2");
    let lines: Vec<&str> = queued.lines().collect();
    assert!(lines[0].starts_with("  from plan   TTFT p50 "), "{queued}");
    assert!(lines[1].starts_with("  from send   TTFT p50 "), "{queued}");
    let judged = "by these goodput and SLOs are judged";
    assert!(
        lines[0].ends_with(judged) && lines[1].ends_with("vLLM's numbers"),
        "{queued}"
    );
    assert!(
        queued.contains("] from the plan, limit < 10000 ms"),
        "{queued}"
    );
    let free = below("60");
    assert!(free.starts_with("  client "), "{free}");
    assert!(!free.contains("from the plan"), "{free}");
}

/// What `goodput report` prints of saved results is what `goodput serve` printed of their runs.
#[rstest]
#[case::open_loop(&["--num-prompts", "30", "--request-rate", "20", "--goodput", "ttft:90", "--slo", "p90(ttft) < 90ms"])]
#[case::queued(&["--num-prompts", "30", "--request-rate", "60", "--max-concurrency", "2", "--goodput", "ttft:100"])]
#[case::closed_loop(&["--num-prompts", "20", "--max-concurrency", "4", "--save-detailed", "--percentile-metrics", "ttft,e2el,client_queue_time", "--metric-percentiles", "50,99.9"])]
#[case::failures(&["--num-prompts", "30", "--target", "sim(faults = 'status(503)@30%')"])]
#[case::no_tokenizer(&["--num-prompts", "10", "--skip-tokenizer-init"])]
#[case::estimates(&["--num-prompts", "10", "--tokenizer", "none", "--percentile-metrics", "e2el"])]
#[case::vectors(&["--num-prompts", "20", "--backend", "openai-embeddings"])]
#[case::told_by_the_server(&["--num-prompts", "20", "--request-rate", "20", "--probe-request-rate", "5", "--server-metrics-interval", "200ms", "--target", "sim(engine = llama-3-8b@h100, num_speculative_tokens = 3)"])]
fn a_report_is_what_serve_printed(#[context] context: rstest::Context, #[case] args: &[&str]) {
    let folder = Folder::new(&format!("report-{}", context.case.unwrap()));
    let path = folder.join("result.json");
    let save = ["--save-result", "--result-filename", path.to_str().unwrap()];
    let sim = [
        "serve",
        "--target",
        "sim(ttft = normal(80ms, 20ms), itl = 5ms, seed = 1)",
    ];
    let lengths = ["--random-input-len", "32", "--random-output-len", "8"];
    let sim = if args.contains(&"--target") {
        &sim[..1]
    } else {
        &sim[..]
    };
    let served = goodput(&[sim, &lengths, args, &save].concat());
    let shown = goodput(&["report", path.to_str().unwrap()]);
    assert_eq!(text(&shown.stderr), "");
    assert_eq!(
        text(&shown.stdout),
        text(&served.stdout),
        "{}",
        text(&served.stderr)
    );
    assert!(text(&shown.stdout).contains("  verdict     "));
    assert_eq!(shown.status.code(), Some(PASS.into()));
}

#[test]
fn several_results_are_shown_beside_each_other() {
    let fixture = |name: &str| format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    let (vllm, aiperf) = (fixture("vllm/result.json"), fixture("peers/aiperf.json"));
    let folder = Folder::new("beside");
    let lines = folder.join("two.jsonl");
    let vllm_text = std::fs::read_to_string(&vllm).unwrap();
    std::fs::write(&lines, format!("{vllm_text}\n{vllm_text}")).unwrap();
    let lines = lines.to_str().unwrap();
    let shown = goodput(&["report", &vllm, lines, "--format", "text"]);
    let shown = text(&shown.stdout);
    assert_eq!(shown.matches(" Serving Benchmark Result ").count(), 3);
    for place in [
        format!("{vllm}:\n"),
        format!("\n\n{lines}, line 1:\n"),
        format!("\n\n{lines}, line 2:\n"),
    ] {
        assert!(shown.contains(&place), "{shown}");
    }
    let shown = goodput(&["report", &vllm, &aiperf, "--format", "markdown"]);
    let shown = text(&shown.stdout).replace(&fixture("").replace('_', "\\_"), "");
    insta::assert_snapshot!(shown);
}

#[test]
fn what_is_no_result_exits_with_2_and_its_place() {
    let folder = Folder::new("no-result");
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let cut = write("cut.json", "{\"date\": \"2026\",\n\"duration\": ");
    let other = write("other.json", "{\"hello\": 1}");
    let lines = write(
        "lines.jsonl",
        "{\"endpoint_type\": \"openai\", \"duration\": \"long\"}\n",
    );
    let missing = folder.join("missing.json").to_str().unwrap().to_owned();
    let output = goodput(&["report", &cut, &other, &lines, &missing]);
    assert_eq!(output.status.code(), Some(UNUSABLE.into()));
    assert_eq!(text(&output.stdout), "");
    let told = text(&output.stderr);
    for expected in [
        format!("{cut}: is not JSON: EOF while parsing a value at line 2 column 12"),
        format!("{other}: is not a known result format"),
        format!("{lines}: `completed` is missing; "),
        "`duration` is \"long\", not a number".to_owned(),
        format!("{missing}: cannot be read: "),
    ] {
        assert!(told.contains(&expected), "{expected}\n{told}");
    }
}

/// vLLM asks for them by its environment, and fails where no name is given for the result.
#[test]
fn records_for_pytorch_stand_beside_the_result() {
    let folder = Folder::new("pytorch");
    let serve = |asked: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_goodput"));
        command.args([
            "serve",
            "--target",
            "sim",
            "--num-prompts",
            "3",
            "--save_result",
        ]);
        command
            .args(["--random-output-len", "8", "--result_dir"])
            .arg(&folder);
        command.args([
            "--header",
            "Authorization=secret",
            "--metadata",
            "tensor_parallel_size=2",
        ]);
        command.env("SAVE_TO_PYTORCH_BENCHMARK_FORMAT", asked);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    };
    let files = || {
        let files = std::fs::read_dir(&folder).unwrap().flatten();
        files.map(|file| file.path()).collect::<Vec<_>>()
    };
    let records = |path: &PathBuf| path.to_str().unwrap().ends_with(".pytorch.json");
    serve("");
    assert!(!files().iter().any(records));
    serve("1");
    let path = files().into_iter().find(records).unwrap();
    let told = std::fs::read_to_string(&path).unwrap();
    assert!(!told.contains("secret"), "{told}");
    let records = read_json(&path);
    let records = records.as_array().unwrap();
    assert_eq!(records.len(), 12);
    let record = &records[0];
    assert_eq!(record["benchmark"]["name"], "vLLM benchmark");
    let settings = &record["benchmark"]["extra_info"];
    assert_eq!(settings["use_compile"], true);
    assert_eq!(settings["args"]["num_prompts"], 3);
    assert_eq!(settings["args"]["tensor_parallel_size"], "2");
    assert_eq!(record["model"]["name"], "simulated");
    assert_eq!(record["metric"]["name"], "median_ttft_ms");
    let result = path.to_str().unwrap().replace(".pytorch.json", ".json");
    let value = &read_json(Path::new(&result))["median_ttft_ms"];
    assert_eq!(&record["metric"]["benchmark_values"][0], value);
}

#[rstest]
#[case::csv("csv")]
#[cfg_attr(feature = "parquet", case::parquet("parquet"))]
#[cfg_attr(feature = "xlsx", case::xlsx("xlsx"))]
fn requests_are_exported(#[case] format: &str) {
    let folder = Folder::new(&format!("export-{format}"));
    let path = folder.join(format!("deep/requests.{format}"));
    let output = serve(&[
        "--num-prompts",
        "5",
        "--export-requests",
        path.to_str().unwrap(),
    ]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let written = std::fs::read(&path).unwrap();
    match format {
        "csv" => {
            let written = text(&written);
            assert_eq!(written.lines().count(), 6, "{written}");
            let start = "bench,index,request_id,status,good,scheduled_s,";
            assert!(written.starts_with(start), "{written}");
            assert!(written.contains(",0,goodput-0,ok,true,"), "{written}");
        }
        "xlsx" => assert!(written.starts_with(b"PK")),
        _ => assert!(written.starts_with(b"PAR1") && written.ends_with(b"PAR1")),
    }
}

#[test]
fn an_export_that_cannot_be_written_is_told_before_the_run() {
    let output = serve(&["--export-requests", "requests.json"]);
    assert_eq!(output.status.code(), Some(UNUSABLE.into()));
    let told = text(&output.stderr);
    assert!(
        told.contains("--export-requests = requests.json: must end in .csv, .parquet or .xlsx"),
        "{told}"
    );
    assert_eq!(text(&output.stdout), "");
}

/// A proxy would be measured, too. `0.0.0.0` is this machine, but nothing says so.
#[rstest]
#[case::http("HTTP_PROXY", "0.0.0.0", "", true)]
#[case::small("http_proxy", "0.0.0.0", "", true)]
#[case::all("ALL_PROXY", "0.0.0.0", "", true)]
#[case::for_another_scheme("HTTPS_PROXY", "0.0.0.0", "", false)]
#[case::not_for_this_host("HTTP_PROXY", "0.0.0.0", "example.org,0.0.0.0", false)]
#[case::not_for_this_net("HTTP_PROXY", "0.0.0.0", "0.0.0.0/8", false)]
#[case::for_no_host("HTTP_PROXY", "0.0.0.0", "*", false)]
#[case::for_other_machines("HTTP_PROXY", "127.0.0.1", "", false)]
#[case::for_other_names("ALL_PROXY", "localhost", "", false)]
fn a_proxy_is_not_passed_over(
    #[case] name: &str,
    #[case] host: &str,
    #[case] exempt: &str,
    #[case] refused: bool,
) {
    let server = RawServer::sending(good_stream(), true);
    let mut command = Command::new(env!("CARGO_BIN_EXE_goodput"));
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    let url = server.url.replace("127.0.0.1", host);
    let output = command
        .args(["serve", "--base-url", &url, "--model", "m"])
        .args([
            "--dataset-name",
            "random",
            "--num-prompts",
            "1",
            "--disable-tqdm",
        ])
        .args(["--random-input-len", "4", "--random-output-len", "2"])
        .env(name, "http://127.0.0.1:9")
        .env("NO_PROXY", exempt)
        .output()
        .unwrap();
    let told = text(&output.stderr);
    assert_eq!(output.status.success(), !refused, "{told}");
    let names = told.contains(name) && told.contains(&format!("NO_PROXY={host}"));
    assert_eq!(names, refused, "{told}");
}
