//! `goodput sweep` as its users run it: files, results, going on after a kill, and exit codes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;

use folder::Folder;
use goodput::exit_code::{FAIL, INVALID, PASS, UNUSABLE};
use rstest::rstest;
use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

/// The file of people who sweep a server, as they have it.
const CONFIG: &str = "\
model: \"simulated\"
base_url: \"http://localhost:8010\"
tokenizer: \"embedded\"

input_output:
  - [32, 8]
  - [16, 4]

concurrency_prompts:
  - [1, 5]
  - [4, 20]
";

const SIM: &str = "sim(ttft = normal(80ms, 20ms), itl = 5ms, seed = 1)";

const NAMES: [&str; 4] = [
    "bench_io32x8_mc1_np5",
    "bench_io32x8_mc4_np20",
    "bench_io16x4_mc1_np5",
    "bench_io16x4_mc4_np20",
];

fn sweep(folder: &Path, args: &[&str]) -> Output {
    of("sweep", folder, args).output().unwrap()
}

fn of(subcommand: &str, folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goodput"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GOODPUT_")) {
        command.env_remove(name);
    }
    command.env_remove("GITHUB_STEP_SUMMARY");
    command.current_dir(folder).arg(subcommand).args(args);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(path: impl AsRef<Path>) -> Value {
    let path = path.as_ref();
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// A folder with this file in it.
fn with(name: &str, file: &str, content: &str) -> Folder {
    let folder = Folder::new(name);
    fs::write(folder.join(file), content).unwrap();
    folder
}

/// The lines of a table of CSV as cells, by the names of the columns.
fn rows(path: &Path) -> Vec<std::collections::BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let rows = reader.deserialize();
    rows.map(Result::unwrap).collect()
}

#[test]
fn the_communitys_file_gives_its_results() {
    let folder = with("community", "config.yaml", CONFIG);
    let output = sweep(&folder, &["--config", "config.yaml", "--target", SIM]);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(PASS.into()), "{output:?}");
    let results = folder.join("results");
    for (place, name) in NAMES.iter().enumerate() {
        let result = json(results.join(format!("{name}.json")));
        let requests = if place % 2 == 0 { 5 } else { 20 };
        assert_eq!(result["completed"], requests, "{name}");
        assert_eq!(result["num_prompts"], requests, "{name}");
        assert_eq!(result["backend"], "vllm");
        let line = format!("[{}/4] {name}: no verdict, ", place + 1);
        assert!(stdout.contains(&line), "{stdout}");
    }
    assert!(stdout.contains("; about 1 s left"), "{stdout}");
    assert!(
        stdout.contains("4 cases: 4 no verdict; finished in "),
        "{stdout}"
    );
    // Nothing else that a script takes for a result.
    let jsons = fs::read_dir(&results).unwrap().flatten();
    let jsons = jsons.filter(|file| file.path().extension().is_some_and(|kind| kind == "json"));
    assert_eq!(jsons.count(), 4);

    let rows = rows(&results.join("aggregate_results.csv"));
    assert_eq!(rows.len(), 4);
    for (row, name) in rows.iter().zip(NAMES) {
        let result = json(results.join(format!("{name}.json")));
        for key in [
            "completed",
            "request_throughput",
            "output_throughput",
            "mean_ttft_ms",
            "median_ttft_ms",
            "p99_ttft_ms",
            "mean_tpot_ms",
            "mean_itl_ms",
            "mean_e2el_ms",
            "max_concurrency",
        ] {
            assert_eq!(row[key], result[key].to_string(), "{key}");
        }
        assert_eq!(row["filename"], format!("{name}.json"));
        let lengths = format!("io{}x{}_", row["input_len"], row["output_len"]);
        assert!(name.contains(&lengths), "{name} {lengths}");
    }
    let markdown = fs::read_to_string(results.join("aggregate_results.md")).unwrap();
    assert_eq!(
        markdown
            .lines()
            .filter(|line| line.starts_with("| "))
            .count(),
        5
    );
    let all = json(results.join("summary/summary.json"));
    assert_eq!(all[3]["random_output_len"], 4);
}

/// A case is one run of `goodput serve` with its flags.
#[test]
fn a_case_is_the_run_of_its_flags() {
    let folder = with("case", "config.yaml", CONFIG);
    sweep(&folder, &["--config", "config.yaml", "--target", SIM]);
    let alone = Command::new(env!("CARGO_BIN_EXE_goodput"))
        .current_dir(&*folder)
        .args([
            "serve",
            "--target",
            SIM,
            "--backend",
            "vllm",
            "--model",
            "simulated",
            "--tokenizer",
            "embedded",
        ])
        .args([
            "--random-input-len",
            "16",
            "--random-output-len",
            "4",
            "--max-concurrency",
            "4",
        ])
        .args([
            "--num-prompts",
            "20",
            "--save-result",
            "--result-filename",
            "alone.json",
        ])
        .args(["--percentile-metrics", "ttft,tpot,itl,e2el"])
        .output();
    assert!(alone.unwrap().status.success());
    let mut alone = json(folder.join("alone.json"));
    let mut case = json(folder.join("results/bench_io16x4_mc4_np20.json"));
    for result in [&mut alone, &mut case] {
        let result = result.as_object_mut().unwrap();
        result.remove("date");
        result.remove("goodput");
    }
    assert_eq!(alone, case);
}

#[test]
fn a_sweep_goes_on_where_it_was_and_repeats_what_has_changed() {
    let folder = with("resume", "config.yaml", CONFIG);
    let line = ["--config", "config.yaml", "--target", SIM];
    sweep(&folder, &line);
    let results = folder.join("results");

    let again = sweep(&folder, &line);
    assert_eq!(again.status.code(), Some(UNUSABLE.into()));
    assert!(
        text(&again.stderr).contains("Go on with it by --resume"),
        "{again:?}"
    );

    // One is missing, one was cut off while it was measured, one has another length.
    fs::remove_file(results.join(format!("{}.json", NAMES[0]))).unwrap();
    let log = fs::read_to_string(results.join("sweep.jsonl")).unwrap();
    let log: Vec<&str> = log.lines().collect();
    let half = &log[3][..40];
    fs::write(
        results.join("sweep.jsonl"),
        format!("{}\n{}\n{}\n{half}", log[0], log[1], log[2]),
    )
    .unwrap();
    fs::remove_file(results.join(format!("{}.json", NAMES[3]))).unwrap();
    let resumed = sweep(&folder, &[&line[..], &["--resume"]].concat());
    let stdout = text(&resumed.stdout);
    assert_eq!(resumed.status.code(), Some(PASS.into()), "{resumed:?}");
    let measured: Vec<&str> = stdout
        .lines()
        .filter(|line| line.starts_with('['))
        .collect();
    assert_eq!(measured.len(), 2, "{stdout}");
    assert!(
        measured[0].contains(NAMES[0]) && measured[1].contains(NAMES[3]),
        "{stdout}"
    );
    assert!(
        stdout.contains("4 cases: 4 no verdict; 2 measured before; "),
        "{stdout}"
    );
    assert_eq!(rows(&results.join("aggregate_results.csv")).len(), 4);

    let changed = [&line[..], &["--resume", "--seed", "7"]].concat();
    let changed = text(&sweep(&folder, &changed).stdout);
    assert_eq!(
        changed.lines().filter(|line| line.starts_with('[')).count(),
        4,
        "{changed}"
    );
    // A case more changes none of the others.
    fs::write(folder.join("config.yaml"), format!("{CONFIG}  - [2, 8]\n")).unwrap();
    let more = [&line[..], &["--resume", "--seed", "7"]].concat();
    let more = text(&sweep(&folder, &more).stdout);
    assert!(
        more.contains("6 cases: 6 no verdict; 4 measured before; "),
        "{more}"
    );
}

#[test]
fn what_the_sweep_did_not_measure_is_not_overwritten() {
    let folder = with("foreign", "config.yaml", CONFIG);
    fs::create_dir(folder.join("results")).unwrap();
    let theirs = folder.join("results").join(format!("{}.json", NAMES[1]));
    fs::write(&theirs, "{}").unwrap();
    for more in [&[][..], &["--resume"]] {
        let output = sweep(
            &folder,
            &[&["--config", "config.yaml", "--target", SIM], more].concat(),
        );
        assert_eq!(output.status.code(), Some(UNUSABLE.into()));
        assert!(
            text(&output.stderr).contains("this sweep has not measured it"),
            "{output:?}"
        );
    }
    assert_eq!(fs::read_to_string(theirs).unwrap(), "{}");
}

/// The first is missed, the second is a server that answers nothing, and the third is measured all the same.
#[test]
fn a_failing_case_does_not_end_the_sweep() {
    let folder = Folder::new("failing");
    let targets = r#"target=["sim(ttft = 90ms)", "http://127.0.0.1:1", "sim(ttft = 20ms)"]"#;
    let line = [
        "--vary",
        targets,
        "--num-prompts",
        "50",
        "--slo",
        "p50(ttft) < 50ms",
        "--no-journal",
    ];
    let line = [&line[..], &["--output", "junit=junit.xml"]].concat();
    let output = sweep(&folder, &line);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(FAIL.into()), "{output:?}");
    let ends = [": fail, ", ": error; ", ": pass, "];
    let lines: Vec<String> = stdout
        .lines()
        .filter(|line| line.starts_with('['))
        .map(str::to_owned)
        .collect();
    for (line, end) in lines.iter().zip(ends) {
        assert!(line.contains(end), "{line}");
    }
    assert_eq!(lines.len(), 3);
    assert!(stdout.contains("3 cases: 1 pass, 1 fail ("), "{stdout}");
    let rows = rows(&folder.join("results/aggregate_results.csv"));
    let verdicts: Vec<&str> = rows.iter().map(|row| row["verdict"].as_str()).collect();
    assert_eq!(verdicts, ["fail", "error", "pass"]);
    assert_eq!(rows[1]["mean_ttft_ms"], "");
    let junit = fs::read_to_string(folder.join("junit.xml")).unwrap();
    assert_eq!(junit.matches("<testcase").count(), 3);

    // What was measured is kept with its code; what was not is tried again.
    let resumed = sweep(&folder, &[&line[..], &["--resume"]].concat());
    let stdout = text(&resumed.stdout);
    assert_eq!(resumed.status.code(), Some(FAIL.into()), "{resumed:?}");
    assert_eq!(
        stdout.lines().filter(|line| line.starts_with('[')).count(),
        1,
        "{stdout}"
    );
    assert!(stdout.contains("; 2 measured before; "), "{stdout}");
}

#[test]
fn a_server_that_is_not_there_is_invalid() {
    let folder = Folder::new("nothing");
    let line = [
        "--base-url",
        "http://127.0.0.1:1",
        "--vary",
        "max-concurrency=1,2",
        "--num-prompts",
        "4",
    ];
    let output = sweep(&folder, &line);
    assert_eq!(output.status.code(), Some(INVALID.into()), "{output:?}");
    assert!(
        text(&output.stdout).contains("2 cases: 2 error ("),
        "{output:?}"
    );
    assert!(!folder.join("results/bench_max_concurrency=1.json").exists());
}

#[test]
fn a_shuffled_sweep_has_its_table_in_order() {
    let order = |folder: &Folder, more: &[&str]| {
        let line = [
            "--target",
            "sim",
            "--vary",
            "max-concurrency=1,2,3,4,5,6",
            "--num-prompts",
            "6",
        ];
        let output = sweep(folder, &[&line[..], more].concat());
        let stdout = text(&output.stdout);
        let measured = stdout.lines().filter(|line| line.starts_with('['));
        let measured = measured.map(|line| line.split(['=', ':']).nth(1).unwrap().to_owned());
        let measured: Vec<String> = measured.collect();
        let rows = rows(&folder.join("results/aggregate_results.csv"));
        let listed: Vec<String> = rows
            .iter()
            .map(|row| row["max_concurrency"].clone())
            .collect();
        assert_eq!(listed, ["1", "2", "3", "4", "5", "6"]);
        measured
    };
    let plain = order(&Folder::new("plain"), &[]);
    assert_eq!(plain, ["1", "2", "3", "4", "5", "6"]);
    let shuffled = order(&Folder::new("shuffled"), &["--shuffle"]);
    assert_ne!(shuffled, plain);
    assert_eq!(shuffled, order(&Folder::new("same"), &["--shuffle=0"]));
    assert_ne!(shuffled, order(&Folder::new("other"), &["--shuffle=1"]));
}

#[test]
fn all_mistakes_are_told_before_anything_is_sent() {
    let config =
        "bogus: 1\ninput_output: [[16, 4], [16, x]]\nconcurrency_prompts: []\nseed: [1, many]\n";
    let folder = with("mistakes", "config.yaml", config);
    let line = [
        "--config",
        "config.yaml",
        "--num-runs",
        "0",
        "--result-dir",
        "x",
        "--vary",
        "rate",
    ];
    let output = sweep(&folder, &line);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(UNUSABLE.into()));
    for said in [
        "7 settings cannot be used",
        "--num-runs = 0: must be at least 1",
        "--result-dir = (given): is for one run",
        "config.yaml:1: bogus: is not a flag",
        "config.yaml:2: input_output = [16,\"x\"]: is not a pair",
        "config.yaml:3: concurrency_prompts = []: is empty",
        "config.yaml:4: seed = \"many\": invalid value",
        "--vary = rate: is not FLAG=VALUES",
    ] {
        assert!(stderr.contains(said), "{said}: {stderr}");
    }
    assert!(!folder.join("results").exists());
}

#[rstest]
#[case::same_name("input_output: [[16, 4], [16, 4]]", &[], "bench_io16x4: names two cases")]
#[case::bench("input_output: [[16, 4]]", &["--num-prompts", "0"], "--num-prompts = 0: must be")]
#[case::no_list("seed: 1", &[], "nothing varies")]
#[case::plan("input_output: [[16, 4]]", &["--dataset-name", "sharegpt", "--dataset-path", "no.json"], "no.json")]
#[case::folder("input_output: [[16, 4]]", &["-o", "config.yaml"], "cannot be written to")]
fn a_sweep_that_cannot_run_is_refused(
    #[case] config: &str,
    #[case] more: &[&str],
    #[case] said: &str,
) {
    let folder = with("refused", "config.yaml", config);
    let output = sweep(
        &folder,
        &[&["--config", "config.yaml", "--target", "sim"], more].concat(),
    );
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(UNUSABLE.into()), "{output:?}");
    assert!(stderr.contains(said), "{stderr}");
    assert!(!folder.join("results/sweep.jsonl").exists());
}

#[test]
fn a_dry_run_lists_the_cases_and_writes_nothing() {
    let folder = with("dry", "config.yaml", CONFIG);
    let output = sweep(
        &folder,
        &["--config", "config.yaml", "--target", SIM, "--dry-run"],
    );
    let stdout = text(&output.stdout);
    assert!(
        stdout.contains("bench_io16x4_mc4_np20.json: 20 requests; "),
        "{stdout}"
    );
    assert!(stdout.trim_end().ends_with("4 cases"), "{stdout}");
    assert!(!folder.join("results").exists());
}

/// vLLM's folders and files, with what its `sweep plot` groups by.
#[test]
fn vllms_files_give_vllms_folders() {
    let params = r#"[{"max_concurrency": 2, "num_prompts": 6}, {"_benchmark_name": "open", "request_rate": 50, "num_prompts": 8}]"#;
    let folder = with("vllm", "bench.json", params);
    let line = [
        "--bench-cmd",
        "vllm bench serve --model m --dataset-name random --random-input-len 16 --random-output-len 4 --save-result",
        "--bench-params",
        "bench.json",
        "--target",
        "sim",
        "--tokenizer",
        "embedded",
        "--num-runs",
        "2",
        "--warmup-num-prompts",
        "3",
        "-e",
        "first",
        "--continue-on-error",
    ];
    let output = sweep(&folder, &line);
    assert_eq!(output.status.code(), Some(PASS.into()), "{output:?}");
    let first = folder.join("results/first");
    let closed = first.join("BENCH--max_concurrency=2-num_prompts=6");
    for run in 0..2 {
        let result = json(closed.join(format!("run={run}.json")));
        assert_eq!(result["run_number"], run);
        assert_eq!(result["completed"], 6);
    }
    let warmup = json(closed.join("warmup.json"));
    assert_eq!(
        (&warmup["run_number"], &warmup["completed"]),
        (&Value::from(-1), &Value::from(3))
    );
    let summary = json(closed.join("summary.json"));
    assert_eq!(summary.as_array().unwrap().len(), 2);
    let open = json(first.join("BENCH--open/summary.json"));
    assert_eq!(open[0]["_benchmark_name"], "open");
    assert_eq!(open[0]["request_rate"], 50);
    let rows = rows(&first.join("summary.csv"));
    assert_eq!(rows.len(), 4);
    assert_eq!(rows[3][""], "3");
    assert_eq!(rows[3]["run_number"], "1");
    let text_of_run = fs::read_to_string(closed.join("run=0.json")).unwrap();
    assert!(text_of_run.starts_with("{\n    \"date\""), "{text_of_run}");

    let again = sweep(&folder, &line);
    assert!(
        text(&again.stderr).contains("exists. Go on with it by --resume"),
        "{again:?}"
    );
    let resumed = sweep(&folder, &[&line[..], &["--resume"]].concat());
    assert!(
        text(&resumed.stdout).contains("4 measured before"),
        "{resumed:?}"
    );
}

#[rstest]
#[case(&["--serve-params", "bench.json"], "Add --serve-cmd with the command")]
#[case(&["--bench-params", "bench.json", "--vary", "seed=1,2"], "--vary = (given): is another way")]
#[case(&["--bench-params", "bench.json", "--link-vars", "a=b"], "leaves no combination")]
#[case(&["--bench-params", "bench.json", "--resume"], "Add --experiment-name")]
#[case(&["--bench-params", "bench.json", "--resume", "-e", "none"], "there is nothing to go on with")]
#[case(&["--bench-params", "missing.json"], "cannot be read")]
#[case(&["--bench-params", "bench.json", "--bench-cmd", "python bench.py"], "goodput runs no other program")]
#[case(&["--bench-params", "wrong.json"], "--bench-params: max_concurency: is not a flag")]
#[case(&["--after-bench-cmd", "true", "--vary", "seed=1"], "Add --serve-cmd")]
fn vllms_flags_that_cannot_be_used_are_refused(#[case] line: &[&str], #[case] said: &str) {
    let folder = with("vllm refused", "bench.json", r#"[{"seed": 1}]"#);
    fs::write(folder.join("wrong.json"), r#"[{"max_concurency": 1}]"#).unwrap();
    let output = sweep(&folder, &[line, &["--target", "sim"]].concat());
    assert_eq!(output.status.code(), Some(UNUSABLE.into()), "{output:?}");
    assert!(text(&output.stderr).contains(said), "{output:?}");
    assert!(!folder.join("results").exists());
}

/// A server for each combination of its flags, started and stopped by the sweep.
#[cfg(unix)]
#[test]
fn servers_are_started_with_their_flags() {
    let folder = with(
        "servers",
        "serve.json",
        r#"[{"ttft": "10ms"}, {"ttft": "30ms"}]"#,
    );
    fs::write(
        folder.join("bench.json"),
        r#"[{"max_concurrency": 1}, {"max_concurrency": 2}]"#,
    )
    .unwrap();
    let serve = format!(
        "{} sim --port {{port}} --ttft 99ms",
        env!("CARGO_BIN_EXE_goodput")
    );
    let line = [
        "--serve-cmd",
        &serve,
        "--serve-params",
        "serve.json",
        "--bench-params",
        "bench.json",
        "-e",
        "s",
        "--num-runs",
        "1",
        "--num-prompts",
        "4",
        "--random-input-len",
        "8",
        "--random-output-len",
        "2",
        "--after-bench-cmd",
        "touch after",
        "--no-journal",
    ];
    let output = sweep(&folder, &line);
    assert!(matches!(output.status.code(), Some(0)), "{output:?}");
    let mean = |name: &str| {
        let path = folder.join("results/s").join(name).join("run=0.json");
        json(path)["mean_ttft_ms"].as_f64().unwrap()
    };
    for clients in [1, 2] {
        let fast = mean(&format!(
            "SERVE--ttft=10ms-BENCH--max_concurrency={clients}"
        ));
        let slow = mean(&format!(
            "SERVE--ttft=30ms-BENCH--max_concurrency={clients}"
        ));
        assert!(
            (10.0..30.0).contains(&fast) && slow >= 30.0,
            "{fast} {slow}"
        );
    }
    assert!(folder.join("after").exists());
    assert!(folder.join("results/s/SERVE--ttft=10ms.log").exists());

    let broken = serve.replace("sim --port", "sim --nonsense --port");
    let line: Vec<&str> = line
        .iter()
        .map(|word| {
            if *word == serve {
                broken.as_str()
            } else {
                word
            }
        })
        .collect();
    let line: Vec<&str> = line
        .iter()
        .map(|word| if *word == "s" { "broken" } else { *word })
        .collect();
    let output = sweep(&folder, &line);
    assert_eq!(output.status.code(), Some(INVALID.into()), "{output:?}");
    let failure =
        folder.join("results/broken/SERVE--ttft=10ms-BENCH--max_concurrency=1/run=0.failure.json");
    let error = json(failure)["error"].as_str().unwrap().to_owned();
    assert!(error.contains("ended before it was ready"), "{error}");
}

const SUITE: &str = r#"
[defaults]
target = "sim(ttft = normal(80ms, 20ms), itl = 5ms, seed = 1)"
dataset = "random(input = 32, output = 8)"
requests = 40

[bench.chat]
slo = "p50(ttft) < 200ms"

[bench.chat.sweep]
max_concurrency = [1, 4]

[bench.slow]
slo = "p50(ttft) < 20ms"

[bench.slow.sweep]
rate = [20]

[bench.alone]
rate = 5
"#;

#[test]
fn a_suite_runs_each_combination_as_a_bench() {
    let folder = with("suite", "goodput.toml", SUITE);
    let run = |args: &[&str]| of("run", &folder, args).output().unwrap();
    let listed = text(&run(&["--list"]).stdout);
    let names = [
        "chat[max_concurrency=1]",
        "chat[max_concurrency=4]",
        "slow[rate=20]",
        "alone",
    ];
    let lines: Vec<String> = names.map(|name| format!("{name}: benchmark")).into();
    assert_eq!(listed.lines().collect::<Vec<_>>(), lines);
    let output = run(&[]);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(FAIL.into()), "{stdout}");
    let table = stdout.split("\nchat\n").nth(1).unwrap();
    let rows: Vec<&str> = table.lines().take(3).collect();
    assert!(
        rows[0]
            .trim_start()
            .starts_with("max_concurrency  completed  req/s"),
        "{table}"
    );
    assert!(
        rows[1].trim_start().starts_with("1 ") && rows[1].ends_with("pass"),
        "{table}"
    );
    assert!(
        rows[2].trim_start().starts_with("4 ") && rows[2].ends_with("pass"),
        "{table}"
    );
    assert!(
        stdout.contains("4 benches: 2 pass, 1 no verdict, 1 fail (slow[rate=20]); "),
        "{stdout}"
    );
}

#[test]
fn a_suite_is_swept_into_files() {
    let folder = Folder::new("swept suite");
    fs::create_dir(folder.join("suite")).unwrap();
    fs::write(folder.join("suite/goodput.toml"), SUITE).unwrap();
    let line = ["--suite", "suite/goodput.toml", "-o", "out"];
    let output = sweep(&folder, &line);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(FAIL.into()), "{output:?}");
    assert!(
        stdout.contains("3 cases: 2 pass, 1 fail (slow[rate=20]); "),
        "{stdout}"
    );
    let result = json(folder.join("out/chat[max_concurrency=4].json"));
    assert_eq!(
        (&result["completed"], &result["max_concurrency"]),
        (&Value::from(40), &Value::from(4))
    );
    let rows = rows(&folder.join("out/aggregate_results.csv"));
    let of = |key: &str| rows.iter().map(|row| row[key].clone()).collect::<Vec<_>>();
    assert_eq!(of("bench"), ["chat", "chat", "slow"]);
    assert_eq!(of("verdict"), ["pass", "pass", "fail"]);
    // Only what changed is measured again.
    let changed = SUITE.replace("p50(ttft) < 20ms", "p50(ttft) < 150ms");
    fs::write(folder.join("suite/goodput.toml"), changed).unwrap();
    let resumed = sweep(&folder, &[&line[..], &["--resume"]].concat());
    let stdout = text(&resumed.stdout);
    assert_eq!(resumed.status.code(), Some(PASS.into()), "{resumed:?}");
    assert!(
        stdout.contains("3 cases: 3 pass; 2 measured before; "),
        "{stdout}"
    );

    let refused = sweep(
        &folder,
        &[&line[..], &["--resume", "--seed", "3", "--vary", "rate=1"]].concat(),
    );
    let stderr = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(UNUSABLE.into()));
    assert!(
        stderr.contains("--seed = (given): is for cases of the command line"),
        "{stderr}"
    );
    assert!(
        stderr.contains("--vary = (given): is another way"),
        "{stderr}"
    );
}
