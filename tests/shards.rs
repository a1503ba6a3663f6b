//! Processes that send one plan together: they meet, start, write their files, and are one run.
#![cfg(all(unix, feature = "cli"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use rstest::rstest;
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::{Command, Output, Stdio},
};
use support::program::{Program, program};
use tempfile::TempDir;

const COUNT: usize = 3;

/// A program of goodput without the variables of the tests' own environment.
fn goodput(folder: &Path) -> Command {
    let mut command = program(env!("CARGO_BIN_EXE_goodput"));
    let foreign = |name: &str| name.starts_with("GOODPUT_") || name.starts_with("SLURM_");
    for (name, _) in std::env::vars().filter(|(name, _)| foreign(name)) {
        command.env_remove(name);
    }
    command
        .current_dir(folder)
        .env_remove("GITHUB_STEP_SUMMARY")
        .stdin(Stdio::null());
    command
}

/// `goodput sim`, and its URL.
fn server(folder: &Path) -> (Program, String) {
    let mut sim = goodput(folder);
    sim.args(["sim", "--port", "0", "--ttft", "20ms", "--itl", "2ms"]);
    sim.stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut sim = Program::start(&mut sim);
    let lines = BufReader::new(sim.0.stdout.take().unwrap()).lines();
    let url = lines.map(Result::unwrap).find_map(|line| {
        let start = line.find("http://")?;
        let url = &line[start..];
        Some(url[..url.find(|c: char| c.is_whitespace()).unwrap_or(url.len())].to_owned())
    });
    (sim, url.unwrap())
}

fn free_place() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// A shard of a run of 30 requests, all at once.
fn shard(folder: &Path, url: &str, place: &str, index: usize) -> Command {
    let mut command = goodput(folder);
    command
        .args(["serve", "--backend", "openai-chat", "--base-url", url])
        .args(["--num-prompts", "30", "--max-concurrency", "6"])
        .args(["--random-input-len", "8", "--random-output-len", "4"])
        .args(["--tokenizer", "none", "--disable-tqdm"])
        .args(["--slo", "errors < 50%", "--goodput", "ttft:60000"])
        .args(["--shard", &format!("{index}/{COUNT}")])
        .args(["--rendezvous", place, "--rendezvous-timeout", "60s"])
        .env("GOODPUT_RENDEZVOUS_TOKEN", "the-token-of-the-run");
    command
}

/// Runs all at the same time.
fn together(commands: impl IntoIterator<Item = Command>) -> Vec<Output> {
    let started: Vec<_> = commands
        .into_iter()
        .map(|mut command| {
            let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    // Each wait of the program has a limit.
    started
        .into_iter()
        .map(|child| child.wait_with_output().unwrap())
        .collect()
}

fn text(output: &Output) -> String {
    let all = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8(all).unwrap()
}

fn merge(folder: &TempDir, files: &[usize], more: &[&str]) -> Output {
    let names = files
        .iter()
        .map(|index| format!("shard-{index}-of-{COUNT}.json"));
    goodput(folder.path())
        .arg("merge")
        .args(names)
        .args(more)
        .output()
        .unwrap()
}

#[test]
fn processes_send_one_run_and_a_missing_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, url) = server(folder.path());
    let place = free_place();
    let ran = together((0..COUNT).map(|index| shard(folder.path(), &url, &place, index)));
    for (index, output) in ran.iter().enumerate() {
        let said = text(output);
        assert_eq!(output.status.code(), Some(0), "{said}");
        let start = format!("shard {index}/{COUNT}: 10 of 10 requests of its part ended, in ");
        assert!(said.contains(&start), "{said}");
        assert!(!said.contains("the-token-of-the-run"), "{said}");
        let file = folder.path().join(format!("shard-{index}-of-{COUNT}.json"));
        assert!(
            !fs::read_to_string(file)
                .unwrap()
                .contains("the-token-of-the-run")
        );
    }

    let merged = merge(
        &folder,
        &[2, 0, 1],
        &["--save-result", "--result-filename", "run.json"],
    );
    let said = text(&merged);
    let result = fs::read_to_string(folder.path().join("run.json")).unwrap();
    let result: Value = serde_json::from_str(&result).unwrap();
    assert_eq!(result["completed"], 30, "{said}");
    assert_eq!(
        result["goodput"]["audit"]["shards"]
            .as_array()
            .unwrap()
            .len(),
        COUNT
    );
    assert!(said.contains("Successful requests:"), "{said}");
    assert!(
        said.contains("  shards      3 on 1 machine, started within "),
        "{said}"
    );
    assert!(
        said.contains("`--max-concurrency 6` was divided")
            || said.contains("was divided among 3 shards, 2 each"),
        "{said}"
    );
    // How busy this machine is decides between the two.
    let verdict = result["goodput"]["verdict"].as_str().unwrap();
    let code = merged.status.code().unwrap();
    assert!(
        matches!((verdict, code), ("pass", 0) | ("invalid", 4)),
        "{said}"
    );
    // The result is an ordinary one.
    let shown = goodput(folder.path())
        .args(["report", "run.json"])
        .output()
        .unwrap();
    assert!(text(&shown).contains("Successful requests:"));

    let merged = merge(&folder, &[0, 2], &[]);
    let said = text(&merged);
    assert_eq!(merged.status.code(), Some(4), "{said}");
    assert!(said.contains("shard 1 of 3 is missing"), "{said}");
}

#[rstest]
#[case::another_plan(&["--seed", "5"], &[], "has another plan")]
#[case::other_settings(&["--temperature", "0.5"], &[], "has other settings")]
#[case::restarted(&[], &[("SLURM_RESTART_COUNT", "1")], "was started again (SLURM_RESTART_COUNT = 1)")]
#[case::another_number(&["--shard", "1/4"], &[], "came to a run of 3 shards")]
fn a_shard_that_differs_stops_all(
    #[case] flags: &[&str],
    #[case] variables: &[(&str, &str)],
    #[case] why: &str,
) {
    let folder = tempfile::tempdir().unwrap();
    let (_server, url) = server(folder.path());
    let place = free_place();
    let ran = together((0..COUNT).map(|index| {
        let mut command = shard(folder.path(), &url, &place, index);
        if index == 1 {
            command.args(flags).envs(variables.iter().copied());
        }
        command
    }));
    for output in &ran {
        assert_eq!(output.status.code(), Some(4), "{}", text(output));
    }
    let said = text(&ran[0]);
    assert!(said.contains("shard 1 of") && said.contains(why), "{said}");
    assert!(text(&ran[1]).contains(why), "{}", text(&ran[1]));
    let files = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, 0, "nothing was sent, so there is nothing to keep");
}

#[test]
fn a_time_that_is_over_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, url) = server(folder.path());
    let output = goodput(folder.path())
        .args([
            "serve",
            "--base-url",
            &url,
            "--num-prompts",
            "30",
            "--tokenizer",
            "none",
        ])
        .args(["--shard", "1/3", "--start-at", "2020-01-01T00:00:00Z"])
        .output()
        .unwrap();
    let said = text(&output);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(
        said.contains("shard 1/3 was ready") && said.contains("after the start"),
        "{said}"
    );
}

#[rstest]
#[case::no_start(&["--shard", "0/2"], "--shard = 0/2: needs --rendezvous HOST:PORT or --start-at TIME")]
#[case::both(&["--shard", "0/2", "--rendezvous", "a:1", "--start-at", "2026-01-01T00:00:00Z"], "--start-at = (set): cannot be given together with --rendezvous")]
#[case::no_zone(&["--shard", "0/2", "--start-at", "12:00"], "--start-at = 12:00: is not a time with its zone")]
#[case::no_port(&["--shard", "0/2", "--rendezvous", "node1"], "--rendezvous = node1: is not HOST:PORT")]
#[case::no_shard(&["--rendezvous", "a:1"], "--rendezvous = (set): is for a process that sends one of several shards")]
#[case::beyond(&["--shard", "2/2"], "--shard = 2/2: shards count from 0, so the last of 2 is 1/2")]
#[case::no_number(&["--shard", "auto/x"], "--shard = auto/x: is not a shard")]
#[case::growing(&["--shard", "0/2", "--rendezvous", "a:1", "--max-extend", "3"], "--max-extend = 3: decides while the run is sent")]
#[case::a_result(&["--shard", "0/2", "--rendezvous", "a:1", "--save-result"], "--save-result = (set): is for the whole run")]
fn flags_that_do_not_fit_are_refused(#[case] flags: &[&str], #[case] why: &str) {
    let folder = tempfile::tempdir().unwrap();
    let output = goodput(folder.path())
        .args([
            "serve",
            "--base-url",
            "http://127.0.0.1:1",
            "--model",
            "m",
            "--tokenizer",
            "none",
        ])
        .args(flags)
        .output()
        .unwrap();
    let said = text(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(why), "{said}");
}

#[test]
fn a_dry_run_says_what_a_shard_sends() {
    let folder = tempfile::tempdir().unwrap();
    let output = goodput(folder.path())
        .args([
            "serve",
            "--base-url",
            "http://127.0.0.1:1",
            "--model",
            "m",
            "--tokenizer",
            "none",
        ])
        .args(["--num-prompts", "10", "--dry-run", "--rendezvous", "a:1"])
        .env("GOODPUT_SHARD", "1/4")
        .output()
        .unwrap();
    let said = text(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.contains("shard 1/4 sends 3 of these 10 requests"),
        "{said}"
    );
}
