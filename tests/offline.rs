//! `goodput latency` and `goodput throughput`: vLLM's offline scripts against a server, here the simulation.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use rstest::rstest;
use serde_json::Value;
use std::{
    path::Path,
    process::{Command, Output},
};

fn goodput(args: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goodput"));
    command.args(args).current_dir(folder);
    command.env_remove("GOODPUT_URL").output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

const SIM: [&str; 2] = ["--target", "sim(ttft = 50ms, itl = 10ms)"];

#[test]
fn a_batch_is_timed_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let args = [
        "latency",
        "--batch-size",
        "4",
        "--output-len",
        "11",
        "--num-iters-warmup",
        "2",
        "--num-iters",
        "5",
        "--output-json",
        "latency.json",
        "--slo",
        "p50(round_e2el) < 1s",
    ];
    let output = goodput(&[&args[..], &SIM].concat(), folder.path());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = stdout(&output);
    let lines: Vec<&str> = text.lines().skip(1).take(8).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    Warming up...
    Avg latency: 0.15 seconds
    10% percentile latency: 0.15 seconds
    25% percentile latency: 0.15 seconds
    50% percentile latency: 0.15 seconds
    75% percentile latency: 0.15 seconds
    90% percentile latency: 0.15 seconds
    99% percentile latency: 0.15 seconds
    ");
    assert!(
        text.contains("Successful requests:                     20"),
        "{text}"
    );
    let json = std::fs::read_to_string(folder.path().join("latency.json")).unwrap();
    assert!(json.starts_with("{\n    \"model_id\": "), "{json}");
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["latencies"].as_array().unwrap().len(), 5);
}

#[test]
fn all_requests_at_once_are_a_throughput() {
    let folder = tempfile::tempdir().unwrap();
    let args = [
        "throughput",
        "--input-len",
        "16",
        "--output-len",
        "11",
        "--num-prompts",
        "30",
        "--output-json",
        "throughput.json",
        "--skip-tokenizer-init",
    ];
    let output = goodput(&[&args[..], &SIM].concat(), folder.path());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = stdout(&output);
    let lines: Vec<&str> = text.lines().skip(1).take(3).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    Throughput: 200.00 requests/s, 6186.67 total tokens/s, 2200.00 output tokens/s
    Total num prompt tokens:  598
    Total num output tokens:  330
    ");
    let json = std::fs::read_to_string(folder.path().join("throughput.json")).unwrap();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["num_requests"], 30);
    assert_eq!(json["total_num_tokens"], 928);
}

#[rstest]
#[case::empty(&["--batch-size", "0"], "--batch-size = 0: must be at least 1")]
#[case::several(&["--n", "2"], "--n = 2: asks for several answers to a prompt")]
#[case::load(&["--num-prompts", "5"], "--num-prompts = (set): has no meaning for a batch")]
#[case::a_folder(&["--output-json", "."], "--output-json = .: cannot be written")]
fn what_makes_no_sense_is_refused(#[case] args: &[&str], #[case] said: &str) {
    let folder = tempfile::tempdir().unwrap();
    let output = goodput(&[&["latency"][..], args, &SIM].concat(), folder.path());
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains(said), "{error}");
}
