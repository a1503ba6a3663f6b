//! Baselines from the command, from benchmark binaries and from tests: what is stored, what is compared,
//! what is refused.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(feature = "cli")]

#[path = "support/example.rs"]
mod example;
#[path = "support/folder.rs"]
mod folder;
mod support;

use axum::{Router, routing::post};
use folder::Folder;
use goodput::{
    Bench, Report, Service, Verdict,
    baseline::{Against, Settings, Store},
    exit_code::UNUSABLE,
    judge::Pairing,
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use rstest::rstest;
use std::{
    io::Write,
    path::Path,
    process::{Command, Output},
    sync::{Arc, Mutex},
    time::Duration,
};
use support::{RawServer, good_stream, http};

const SERVER: &str = "sim(ttft = normal(80ms, 10ms), itl = 5ms)";
const SLOWER: &str = "sim(ttft = normal(100ms, 10ms), itl = 5ms)";
const FASTER: &str = "sim(ttft = normal(60ms, 10ms), itl = 5ms)";

fn goodput(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goodput"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GOODPUT_")) {
        command.env_remove(name);
    }
    command
        .args(args)
        .env_remove("OPENAI_API_KEY")
        .output()
        .unwrap()
}

fn serve(target: &str, folder: &Path, args: &[&str]) -> (i32, String) {
    let base = [
        "serve",
        "--target",
        target,
        "--random-input-len",
        "32",
        "--random-output-len",
        "8",
        "--num-prompts",
        "60",
        "--request-rate",
        "20",
        "--disable-tqdm",
        "--baseline-dir",
        folder.to_str().unwrap(),
    ];
    let output = goodput(&[&base, args].concat());
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).unwrap();
    (output.status.code().unwrap(), text)
}

fn stored(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(Store::at(folder).path(name, "serve")).unwrap()
}

#[test]
fn a_regression_exits_with_1_and_says_what_and_where() {
    let folder = Folder::missing("regression");
    let (code, text) = serve(SERVER, &folder, &["--save-baseline", "main"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("saved as baseline `main` in"), "{text}");
    let (code, text) = serve(SLOWER, &folder, &["--baseline", "main"]);
    assert_eq!(code, 1, "{text}");
    let place = text.find("  compared ").unwrap();
    let today = text[place..].split("of ").nth(1).unwrap()[..10].to_owned();
    insta::assert_snapshot!(
        text[place..]
            .replace(&today, "DATE")
            .split("\nnote:")
            .next()
            .unwrap()
    );
}

#[test]
fn the_same_server_passes_and_a_faster_one_is_to_be_saved() {
    let folder = Folder::missing("improvement");
    serve(SERVER, &folder, &["--save-baseline", "main"]);
    let (code, text) = serve(SERVER, &folder, &["--baseline", "main"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("no change of 5.00 % or more"), "{text}");
    let (code, text) = serve(FASTER, &folder, &["--baseline", "main"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("improvement: mean(ttft) -"), "{text}");
    let saves = "to make this the baseline, add --save-baseline main";
    assert!(text.contains(saves), "{text}");
}

#[test]
fn one_run_is_compared_and_saved() {
    let folder = Folder::missing("both");
    serve(SERVER, &folder, &["--save-baseline", "main"]);
    let main = stored(&folder, "main");
    let (code, text) = serve(SLOWER, &folder, &["--baseline=main", "--save-baseline=new"]);
    assert_eq!(code, 1, "{text}");
    assert!(stored(&folder, "new").contains("\"runs\""));

    // Under its own name it is kept as it was when the run fails, and replaced when it passes.
    let (code, text) = serve(
        SLOWER,
        &folder,
        &["--baseline=main", "--save-baseline=main"],
    );
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("not saved as baseline `main`: the run failed"),
        "{text}"
    );
    assert_eq!(stored(&folder, "main"), main);
    let (code, _) = serve(
        FASTER,
        &folder,
        &["--baseline=main", "--save-baseline=main"],
    );
    assert_eq!(code, 0);
    assert_ne!(stored(&folder, "main"), main);

    // Without a comparison, saving accepts a run as it is.
    let (code, _) = serve(SLOWER, &folder, &["--save-baseline=main"]);
    assert_eq!(code, 0);
    let runs = |name| {
        let text = stored(&folder, name);
        text.split("\"runs\"").nth(1).unwrap().to_owned()
    };
    assert_eq!(runs("main"), runs("new"));
}

#[test]
fn a_missing_baseline_is_new_or_an_error() {
    let folder = Folder::missing("missing");
    let (code, text) = serve(SERVER, &folder, &["--baseline", "main"]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("To save one, add --save-baseline main. The bench counts as new"),
        "{text}"
    );
    let (code, text) = serve(SERVER, &folder, &["--baseline-strict", "main"]);
    assert_eq!(code, 2, "{text}");
    assert!(
        text.contains("baseline = \"main\": has no run of `serve`"),
        "{text}"
    );
    assert!(
        !text.contains("Benchmark Result"),
        "nothing was measured: {text}"
    );
}

#[rstest]
#[case::rate(&["--request-rate", "30"], "arrivals was 20 a second, burstiness 1, now it is 30 a second")]
#[case::seed(&["--seed", "9"], "seed was 0, now it is 9")]
#[case::length(&["--random-output-len", "9"], "dataset was random(input = 32, output = 8), now it is")]
#[case::backend(&["--backend", "openai-chat"], "backend was openai, now it is openai-chat")]
#[case::body(&["--temperature", "0"], "extra_body was none, now it is")]
fn another_load_is_refused_before_it_is_sent(#[case] args: &[&str], #[case] field: &str) {
    let folder = Folder::missing(&format!("refused{}", args[0]));
    serve(SERVER, &folder, &["--save-baseline", "main"]);
    // clap takes the last of repeated flags only when it is told to.
    let mut base = vec![
        "serve",
        "--target",
        SERVER,
        "--baseline",
        "main",
        "--baseline-dir",
        folder.to_str().unwrap(),
    ];
    for (flag, value) in [
        ("--random-input-len", "32"),
        ("--random-output-len", "8"),
        ("--num-prompts", "60"),
        ("--request-rate", "20"),
    ] {
        if !args.contains(&flag) {
            base.extend([flag, value]);
        }
    }
    let output = goodput(&[&base, args].concat());
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(UNUSABLE.into()), "{text}");
    assert!(
        text.contains("has another load") && text.contains(field),
        "{text}"
    );
    assert!(output.stdout.is_empty());
}

#[test]
fn files_of_a_newer_goodput_are_left_alone() {
    let folder = Folder::missing("newer");
    let path = Store::at(&folder).path("main", "serve");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let newer = r#"{"goodput_baseline": 7}"#;
    std::fs::write(&path, newer).unwrap();
    for flag in ["--baseline", "--save-baseline"] {
        let (code, text) = serve(SERVER, &folder, &[flag, "main"]);
        assert_eq!(code, 2, "{text}");
        assert!(
            text.contains("was written by a newer goodput (format 7"),
            "{text}"
        );
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), newer);
}

#[test]
fn baselines_are_listed_and_shown() {
    let folder = Folder::missing("list");
    let dir = ["--baseline-dir", folder.to_str().unwrap()];
    let baseline = |args: &[&str]| {
        let output = goodput(&[&["baseline"], args, &dir].concat());
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.code().unwrap(),
            String::from_utf8(text).unwrap(),
        )
    };
    assert!(baseline(&["list"]).1.starts_with("no baselines in"));
    serve(SERVER, &folder, &["--save-baseline", "main"]);
    let (code, text) = baseline(&["list"]);
    assert_eq!(code, 0);
    assert!(text.starts_with("main\n  serve: 1 run, saved 2"), "{text}");
    let (code, text) = baseline(&["show", "main"]);
    assert_eq!(code, 0);
    assert!(text.contains("  mean(ttft)         79.27 ms"), "{text}");
    let (code, text) = baseline(&["show", "mian"]);
    assert_eq!(code, 2);
    assert!(text.contains("there are main"), "{text}");
}

/// A server with a version, that wants a key: the one is stored, the other is not.
#[test]
fn what_the_server_says_is_stored_and_secrets_are_not() {
    let server = |version: &'static str| {
        RawServer::telling(move |stream, request| {
            let json = |body: &str| http("200 OK", "application/json", body);
            let answer = if request.starts_with("GET /version") {
                json(&format!("{{\"version\": \"{version}\"}}"))
            } else if request.starts_with("GET /get_server_info") {
                json(r#"{"version": "no", "api_key": "sk-secret"}"#)
            } else if request.starts_with("GET /v1/models") {
                json(r#"{"data": [{"id": "m", "max_model_len": 4096, "owned_by": "vllm"}]}"#)
            } else if request.starts_with("GET ") {
                http("404 Not Found", "text/plain", "")
            } else {
                good_stream()
            };
            stream.write_all(answer.as_bytes()).is_ok()
        })
    };
    let folder = Folder::missing("secrets");
    let run = |version, args: &[&str]| {
        let server = server(version);
        let base = [
            "serve",
            "--base-url",
            &server.url,
            "--model",
            "m",
            "--header",
            "X-Api-Key=sk-secret",
            "--extra-body",
            "{\"key\": \"sk-secret\"}",
            "--num-prompts",
            "8",
            "--max-concurrency",
            "1",
            "--random-input-len",
            "4",
            "--random-output-len",
            "2",
            "--disable-tqdm",
            "--baseline-dir",
            folder.to_str().unwrap(),
        ];
        let output = goodput(&[&base, args].concat());
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    };
    let text = run("0.32.0", &["--save-baseline", "main"]);
    assert!(text.contains("saved as baseline"), "{text}");
    let file = stored(&folder, "main");
    for part in [
        "\"version\":\"0.32.0\"",
        "\"max_model_len\":\"4096\"",
        "\"owned_by\":\"vllm\"",
    ] {
        assert!(file.contains(part), "{part} is missing in {file}");
    }
    assert!(!file.contains("sk-secret"), "{file}");
    let text = run("0.33.0", &["--baseline", "main"]);
    let differs = "the server's version was 0.32.0, now it is 0.33.0";
    assert!(text.contains(differs), "{text}");
    assert!(text.contains("unpaired, from another time"), "{text}");
}

fn bench(target: &str) -> Bench {
    Bench::new("chat")
        .target(target)
        .dataset("random(input = 16, output = 8)")
        .rate(20)
        .requests(40)
}

#[test]
fn a_bench_has_a_baseline_of_its_own() {
    let folder = Folder::missing("bench");
    let settings = Settings {
        folder: Some(folder.to_path_buf()),
        ..Settings::default()
    };
    let compared = |target| {
        let bench = bench(target).baseline("main").baselines(settings.clone());
        bench.run_blocking().unwrap()
    };
    let new = compared(SERVER);
    assert!(new.passed() && new.comparison().is_none());
    let text = new.to_string();
    assert!(text.contains("GOODPUT_SAVE_BASELINE=main"), "{text}");
    let save = Settings {
        save: Some("main".to_owned()),
        ..settings.clone()
    };
    let saved = bench(SERVER)
        .baseline("main")
        .baselines(save)
        .run_blocking()
        .unwrap();
    assert!(saved.comparison().is_none(), "{saved}");
    assert_eq!(compared(SERVER).verdict(), Verdict::Pass);
    let worse = compared(SLOWER);
    assert_eq!(worse.verdict(), Verdict::Fail);
    assert!(
        worse.reasons().contains("compared with baseline `main`"),
        "{}",
        worse.reasons()
    );
}

#[test]
fn what_matters_is_a_setting() {
    let folder = Folder::missing("threshold");
    serve(SERVER, &folder, &["--save-baseline", "main"]);
    let (code, text) = serve(
        SLOWER,
        &folder,
        &["--baseline=main", "--noise-threshold=0.5"],
    );
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("no change of 50.00 % or more"), "{text}");
}

#[test]
fn a_run_is_compared_with_a_baseline_or_a_server() {
    let both = bench(SERVER).baseline("main").versus(SLOWER);
    let error = both.run_blocking().unwrap_err().to_string();
    assert!(
        error.contains("cannot be given together with `versus`"),
        "{error}"
    );
}

/// What a run grew by has another plan, so only its first part is held against another first part.
#[test]
fn a_run_that_grew_is_compared_by_its_first_part() {
    let folder = Folder::missing("grown");
    let saving = Settings {
        folder: Some(folder.to_path_buf()),
        save: Some("main".to_owned()),
        ..Settings::default()
    };
    let saved = bench(SERVER).baselines(saving.clone()).run_blocking();
    saved.unwrap().ensure_passed().unwrap();
    let comparing = Settings {
        against: Some(Against {
            name: "main".to_owned(),
            strict: true,
        }),
        save: None,
        ..saving
    };
    let grown = bench(SERVER)
        .slo("p99(ttft) < 105ms")
        .max_extend(2)
        .baselines(comparing)
        .run_blocking()
        .unwrap();
    assert_eq!(grown.completed(), 80, "{grown}");
    let comparison = grown.comparison().unwrap();
    let notes = comparison.notes.join("\n");
    assert!(
        notes.contains("only the first 40 requests are compared"),
        "{notes}"
    );
    assert!(comparison.changes.iter().all(|change| change.a == change.b));
}

/// A program of `examples/`: its exit code and what it says.
fn gates(args: &[&str], variables: &[(&str, &Path)]) -> (i32, String) {
    let mut command = Command::new(example::example("gates"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GOODPUT_")) {
        command.env_remove(name);
    }
    command.args(["--exact", "long::completions"]).args(args);
    command.envs(variables.iter().copied());
    let output = command.output().unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

#[test]
fn benches_take_the_flags_and_the_environment() {
    let folder = Folder::missing("gates");
    let gates = |args: &[&str], variables: &[(&str, &Path)]| {
        let place = [("GOODPUT_BASELINE_DIR", &*folder)];
        gates(args, &[&place, variables].concat())
    };
    let (code, text) = gates(&["--baseline-strict", "main"], &[]);
    assert_eq!(code, 101, "{text}");
    assert!(
        text.contains("run `cargo bench --bench TARGET -- --save-baseline main`"),
        "{text}"
    );
    let (code, text) = gates(&[], &[("GOODPUT_SAVE_BASELINE", Path::new("main"))]);
    assert_eq!(code, 0, "{text}");
    assert!(
        folder.join("main/gates.long.completions.json").exists(),
        "{text}"
    );
    let (code, text) = gates(&["--baseline", "main", "--save-baseline", "again"], &[]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("no change of 5.00 % or more"), "{text}");
    assert!(folder.join("again/gates.long.completions.json").exists());
}

/// As of a nextest archive, which is built on one machine and run on another.
#[test]
fn benches_find_their_crate_where_the_runner_says_it_is() {
    let moved = Folder::missing("moved");
    let variables = [
        ("CARGO_MANIFEST_DIR", &*moved),
        ("GOODPUT_SAVE_BASELINE", Path::new("main")),
    ];
    let (code, text) = gates(&[], &variables);
    assert_eq!(code, 0, "{text}");
    let saved = moved.join("goodput-baselines/main/gates.long.completions.json");
    assert!(saved.exists(), "{text}");
}

/// A gateway of the user's own on virtual time. Its waits are drawn anew in every run, as `luck` says; all are the
/// same without.
fn gateway(wait_ms: u64, luck: Option<u64>) -> Service {
    let random = Arc::new(Mutex::new(luck.map(Pcg64::seed_from_u64)));
    let answer = async move || {
        let drawn = random
            .lock()
            .unwrap()
            .as_mut()
            .map(|random| random.random_range(0..wait_ms));
        let wait = wait_ms + drawn.unwrap_or(wait_ms / 2);
        tokio::time::sleep(Duration::from_millis(wait)).await;
        let event = "data: {\"choices\":[{\"text\":\" w\",\"finish_reason\":\"stop\"}]}\n\n";
        format!("{event}data: [DONE]\n\n")
    };
    Service::new(Router::new().route("/v1/completions", post(answer))).on_virtual_time()
}

fn measured(service: Service, settings: Settings) -> Report {
    let bench = Bench::new("gateway")
        .target(service)
        .model("any")
        .baselines(settings);
    let bench = bench.dataset("random(input = 8, output = 1)");
    bench.rate(50).requests(100).run_blocking().unwrap()
}

fn saving(folder: &Path) -> Settings {
    Settings {
        save: Some("main".to_owned()),
        folder: Some(folder.to_owned()),
        ..Settings::default()
    }
}

fn comparing(folder: &Path) -> Settings {
    Settings {
        against: Some(Against {
            name: "main".to_owned(),
            strict: false,
        }),
        folder: Some(folder.to_owned()),
        ..Settings::default()
    }
}

/// Virtual time is not determinism: held against one run "exactly", an unchanged service that draws random numbers
/// would fail half of the time.
#[test]
fn a_service_that_draws_random_numbers_is_compared_with_its_noise() {
    let folder = Folder::missing("random-service");
    let _ = measured(gateway(40, Some(0)), saving(&folder));
    let fails = |wait, lucks: std::ops::Range<u64>| {
        let runs = lucks.map(|luck| measured(gateway(wait, Some(luck)), comparing(&folder)));
        runs.filter(|report| {
            let comparison = report.comparison().unwrap();
            assert_eq!(comparison.pairing, Pairing::Unpaired);
            report.verdict() == Verdict::Fail
        })
        .count()
    };
    assert_eq!(fails(40, 1..21), 0, "an unchanged service");
    assert_eq!(fails(60, 21..24), 3, "one that takes half as long again");
}

/// Two runs that were the same to the last digit show that nothing is drawn.
#[test]
fn a_service_that_repeats_itself_is_compared_exactly() {
    let folder = Folder::missing("steady-service");
    let _ = measured(gateway(40, None), saving(&folder));
    let pairing = || {
        let report = measured(gateway(40, None), comparing(&folder));
        report.comparison().unwrap().pairing
    };
    assert_eq!(pairing(), Pairing::Unpaired);
    let _ = measured(gateway(40, None), saving(&folder));
    assert_eq!(pairing(), Pairing::Exact);
    let report = measured(gateway(43, None), comparing(&folder));
    assert_eq!(report.verdict(), Verdict::Fail, "{report}");
    assert!(
        report.to_string().contains("virtual time in steps of 1 ms"),
        "{report}"
    );
}
