//! Curves as their users get them: of sweeps, files, ramps and searches, and compared with stored ones.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;

use folder::Folder;
use goodput::{
    Bench,
    exit_code::{FAIL, PASS, UNUSABLE},
    judge::Load,
};
use rstest::rstest;
use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

/// Each request in flight makes all others slower by a fifth: throughput over time is c / (1 + 0.2 (c − 1))², greatest at 4.
const SERVER: &str = "sim(ttft = 80ms, itl = 10ms, slowdown = 20%)";
/// Tokens are slower by a tenth.
const SLOWER: &str = "sim(ttft = 80ms, itl = 11ms, slowdown = 20%)";
/// Four requests at a time, each for 20 ms and 10 ms a token.
const FOUR: &str = "sim(engine = linear, max_num_seqs = 4)";

fn goodput(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goodput"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GOODPUT_")) {
        command.env_remove(name);
    }
    command.env_remove("GITHUB_STEP_SUMMARY");
    command.current_dir(folder).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A sweep over requests in flight, in this folder of results.
fn sweep(folder: &Path, target: &str, results: &str, more: &[&str]) -> Output {
    let args = [
        "sweep",
        "--target",
        target,
        "--num-prompts",
        "120",
        "--random-input-len",
        "32",
        "--random-output-len",
        "16",
        "--goodput",
        "ttft:200",
        "--vary",
        "max-concurrency=1,2,4,8,16",
        "-o",
        results,
    ];
    let args: Vec<&str> = args.iter().chain(more).copied().collect();
    goodput(folder, &args)
}

#[test]
fn a_sweep_has_a_knee_where_its_server_is_full() {
    let folder = Folder::new("curve_sweep");
    let swept = sweep(&folder, SERVER, "results", &[]);
    assert_eq!(
        swept.status.code(),
        Some(i32::from(PASS)),
        "{}",
        text(&swept.stderr)
    );
    assert!(
        text(&swept.stdout).contains("knee: at concurrency 4, surely between 2 and 8"),
        "{}",
        text(&swept.stdout)
    );
    let shown = goodput(&folder, &["curve", "results"]);
    insta::assert_snapshot!(text(&shown.stdout));
    // The files alone have the same points.
    let files = (1..=16).filter(|clients: &u32| clients.is_power_of_two());
    let files: Vec<String> = files
        .map(|clients| format!("results/bench_max_concurrency={clients}.json"))
        .collect();
    let args: Vec<&str> = std::iter::once("curve")
        .chain(files.iter().map(String::as_str))
        .collect();
    assert_eq!(text(&goodput(&folder, &args).stdout), text(&shown.stdout));
    let markdown = goodput(&folder, &["curve", "results", "--format", "markdown"]);
    assert!(
        text(&markdown.stdout)
            .starts_with("### curve over concurrency\n\n| concurrency | requests |")
    );
}

#[test]
fn a_stored_curve_shows_which_points_got_worse() {
    let folder = Folder::new("curve_against");
    assert!(sweep(&folder, SERVER, "old", &[]).status.success());
    let slower = sweep(&folder, SLOWER, "slower", &["--against", "old"]);
    assert_eq!(
        slower.status.code(),
        Some(i32::from(FAIL)),
        "{}",
        text(&slower.stderr)
    );
    let said = text(&slower.stdout);
    assert!(said.contains("5 of 5 points got worse"), "{said}");
    assert!(said.contains("tok/s per user"), "{said}");
    // The same server is the same, to the last digit.
    let same = sweep(&folder, SERVER, "same", &["--against", "old"]);
    assert_eq!(
        same.status.code(),
        Some(i32::from(PASS)),
        "{}",
        text(&same.stdout)
    );
    let json = goodput(
        &folder,
        &["curve", "slower", "--against", "old", "--format", "json"],
    );
    assert_eq!(json.status.code(), Some(i32::from(FAIL)));
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["compared"][0]["points"].as_array().unwrap().len(), 5);
    assert_eq!(json["compared"][0]["frontier"]["conclusion"], "worse");
    // What is shown as JSON can be compared with.
    fs::write(
        folder.join("kept.json"),
        goodput(&folder, &["curve", "old", "--format", "json"]).stdout,
    )
    .unwrap();
    let kept = goodput(&folder, &["curve", "slower", "--against", "kept.json"]);
    assert_eq!(kept.status.code(), Some(i32::from(FAIL)));
    assert!(text(&kept.stdout).contains("5 of 5 points got worse"));
}

#[test]
fn lengths_are_curves_of_their_own() {
    let folder = Folder::new("curve_lengths");
    let swept = sweep(
        &folder,
        SERVER,
        "results",
        &["--vary", "random-prefix-len=0,64"],
    );
    assert!(swept.status.success(), "{}", text(&swept.stderr));
    let shown = text(&goodput(&folder, &["curve", "results"]).stdout);
    let heads: Vec<&str> = shown
        .lines()
        .filter(|line| line.starts_with("curve over"))
        .collect();
    assert_eq!(heads.len(), 2, "{shown}");
    assert!(
        heads.iter().all(|head| head.contains("dataset = random(")),
        "{heads:?}"
    );
}

#[test]
fn a_search_and_a_ramp_are_curves() {
    let server = |bench: Bench| {
        bench
            .target(FOUR)
            .dataset("random(input = 32, output = 16)")
            .goodput("ttft:200")
    };
    let found = server(Bench::new("search"))
        .requests(200)
        .search("rate")
        .slo("goodput >= 90%");
    let found = found.run_blocking().unwrap();
    let curve = found.curve().unwrap();
    assert_eq!(curve.over, Load::Rate);
    let capacity = curve.capacity.unwrap();
    assert_eq!(Some(capacity.value), found.capacity().unwrap().value);
    assert!(capacity.error.unwrap() > 0.0);
    let ramp = server(Bench::new("ramp"))
        .requests(1000)
        .ramp("linear 2..40")
        .run_blocking()
        .unwrap();
    let curve = ramp.curve().unwrap();
    assert_eq!(curve.points.len(), 10);
    assert!(curve.points.is_sorted_by(|a, b| a.load < b.load));
    assert!(curve.points.iter().all(|point| point.exact));
    // It gives what is asked until it is full, at 22 requests a second.
    for point in &curve.points {
        let asked = point.load.min(22.2);
        assert!(
            (point.request_throughput / asked - 1.0).abs() < 0.25,
            "{point:?}"
        );
    }
    assert!(curve.points.first().unwrap().goodput > curve.points.last().unwrap().goodput);
    let burst = Bench::new("burst")
        .target("sim")
        .requests(5)
        .run_blocking()
        .unwrap();
    assert_eq!(burst.curve(), None);
}

/// Files of `vllm bench serve` have no uncertainty: they are shown, and decide nothing.
#[test]
fn files_of_vllm_are_points() {
    let folder = Folder::new("curve_vllm");
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/vllm/result.json");
    let mut result: Value = serde_json::from_str(&fs::read_to_string(fixture).unwrap()).unwrap();
    for rate in [1.0, 2.0, 4.0] {
        result["request_rate"] = rate.into();
        fs::write(folder.join(format!("{rate}.json")), result.to_string()).unwrap();
    }
    let shown = goodput(&folder, &["curve", ".", "--against", "."]);
    assert_eq!(
        shown.status.code(),
        Some(i32::from(PASS)),
        "{}",
        text(&shown.stderr)
    );
    let said = text(&shown.stdout);
    assert!(said.contains("curve over rate"), "{said}");
    assert!(said.contains("no load in common"), "{said}");
}

#[rstest]
#[case::nothing_there(&["curve", "missing"], "missing: cannot be read")]
#[case::no_result(&["curve", "."], "has no result with a load")]
#[case::both(&["curve", "missing", "--against", "none"], "none: cannot be read")]
#[case::newer(&["curve", "newer.json"], "`goodput_curves` is 9")]
#[case::sweep(&["sweep", "--target", "sim", "--vary", "max-concurrency=1,2", "--against", "none"], "none: cannot be read")]
fn what_cannot_be_read_is_named(#[case] args: &[&str], #[case] told: &str) {
    let folder = Folder::new(&format!("curve_wrong_{}", told.len() + args.len()));
    fs::write(
        folder.join("newer.json"),
        r#"{"goodput_curves": 9, "curves": []}"#,
    )
    .unwrap();
    let ran = goodput(&folder, args);
    assert_eq!(ran.status.code(), Some(i32::from(UNUSABLE)));
    assert!(text(&ran.stderr).contains(told), "{}", text(&ran.stderr));
}
