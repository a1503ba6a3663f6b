//! `goodput report --history`: runs that benches have kept, and result files.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;

use folder::Folder;
use goodput::exit_code::{PASS, UNUSABLE};
use rstest::rstest;
use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn goodput(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goodput"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GOODPUT_")) {
        command.env_remove(name);
    }
    command
        .env_remove("GITHUB_STEP_SUMMARY")
        .env("GITHUB_SHA", "0123456789abcdef0123456789abcdef01234567");
    command.args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn history(path: &Path, format: &str) -> String {
    let output = goodput(&[
        "report",
        "--history",
        path.to_str().unwrap(),
        "--format",
        format,
    ]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(PASS.into()), "{said}");
    text(&output.stdout)
}

/// Runs of a simulation with this TTFT, in milliseconds.
fn serve(folder: &Path, ttft: u32) {
    let target = format!("sim(ttft = {ttft}ms, itl = 5ms)");
    let output = goodput(&[
        "serve",
        "--target",
        &target,
        "--num-prompts",
        "20",
        "--request-rate",
        "20",
        "--slo",
        "p50(ttft) < 500ms",
        "--label",
        "nightly",
        "--disable-tqdm",
        "--results",
        folder.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn benches_keep_their_runs_and_a_change_of_a_simulation_is_certain() {
    let folder = Folder::new("trend-kept");
    for ttft in [80, 80, 120] {
        serve(&folder, ttft);
    }
    let shown = history(&folder, "text");
    let line = shown
        .lines()
        .find(|line| line.contains("p50(ttft) (limit 500 ms)"));
    let line = line.unwrap_or_else(|| panic!("{shown}"));
    assert!(
        line.starts_with("  ✗ ") && line.contains("120.0 ms  ▁▁█  +50.0 % since "),
        "{line}"
    );
    assert!(line.contains("(0123456): 80.00 ms → 120.0 ms"), "{line}");
    assert!(
        shown.starts_with("goodput serve nightly: 3 runs from "),
        "{shown}"
    );
    assert!(
        shown.contains("20 requests at 20.00 req/s, simulated"),
        "{shown}"
    );
    // Those with an SLO come first.
    let rows: Vec<&str> = shown.lines().skip(1).collect();
    assert!(
        rows[0].contains("p50(ttft)") && rows[1].contains("throughput(output)"),
        "{shown}"
    );
    let markdown = history(&folder, "markdown");
    assert!(
        markdown.contains("| ✗ | p50(ttft) | 500 ms | 120.0 ms | `▁▁█` | +50.0 % since "),
        "{markdown}"
    );
    let json: Value = serde_json::from_str(history(&folder, "json").trim()).unwrap();
    assert_eq!(json["runs"].as_array().unwrap().len(), 3);
    assert_eq!(json["numbers"][0]["values"], json!([80.0, 80.0, 120.0]));
    assert_eq!(json["numbers"][0]["shifts"][0]["run"], 2);
}

/// A page of one file, with the same numbers.
#[test]
fn the_page_has_a_drawing_for_each_number() {
    let folder = Folder::new("trend-page");
    for ttft in [80, 120] {
        serve(&folder, ttft);
    }
    let page = history(&folder, "html");
    assert!(page.starts_with("<!DOCTYPE html>"));
    assert!(page.contains("<h1>Trend of goodput serve nightly</h1>"));
    assert!(
        page.contains("<data value=\"120\">120.0 ms</data>"),
        "{page}"
    );
    let drawings: Vec<&str> = page.split("<svg ").skip(1).collect();
    assert!(drawings.len() >= 4, "{}", drawings.len());
    for drawing in drawings {
        let svg = format!("<svg {}</svg>", drawing.split("</svg>").next().unwrap());
        roxmltree::Document::parse(&svg).unwrap();
    }
    assert_eq!(history(&folder, "html"), page);
}

/// A line as `vllm bench serve --append-result --metadata commit=…` writes it.
fn line(day: usize, ttft: f64) -> String {
    let commit = format!("{day:07x}abcdef");
    json!({
        "date": format!("202611{:02}-030000", day + 1),
        "endpoint_type": "vllm", "label": null, "model_id": "m", "num_prompts": 100, "request_rate": 10.0,
        "commit": commit, "duration": 10.0, "completed": 100, "failed": 0, "total_input_tokens": 1,
        "request_throughput": 10.0, "output_throughput": 640.0 + ttft % 3.0,
        "median_ttft_ms": ttft, "p99_ttft_ms": 2.0 * ttft,
    })
    .to_string()
}

#[test]
fn an_appended_file_of_vllm_is_a_history() {
    let folder = Folder::new("trend-jsonl");
    let path = folder.join("all.jsonl");
    let wobble = [0.4, -0.9, 0.2, 0.8, -0.3, -0.6, 0.5];
    let ttft = |day: usize| if day < 12 { 50.0 } else { 60.0 } + wobble[day % 7];
    // The order of a file is not that of the runs.
    let lines: Vec<String> = (0..24).rev().map(|day| line(day, ttft(day))).collect();
    fs::write(&path, lines.join("\n")).unwrap();
    let shown = history(&path, "text");
    assert!(
        shown.starts_with("vllm: 24 runs from 2026-11-01 (0000000) to 2026-11-24"),
        "{shown}"
    );
    let found = "% since 2026-11-13 (000000b..000000c): ";
    let rows: Vec<&str> = shown.lines().filter(|line| line.contains(found)).collect();
    assert_eq!(rows.len(), 2, "{shown}");
    assert!(
        rows[0].contains("✗ p50(ttft)") && rows[0].contains("+19."),
        "{shown}"
    );
    assert!(
        shown.contains("3 series. A shift is 1 % or more"),
        "{shown}"
    );
    // The same in a folder, where another file is left out.
    fs::write(folder.join("other.json"), "{}").unwrap();
    let output = goodput(&["report", "--history", folder.to_str().unwrap()]);
    assert_eq!(text(&output.stdout), shown);
    assert!(
        text(&output.stderr).contains("note: left out "),
        "{}",
        text(&output.stderr)
    );
}

#[rstest]
#[case::empty_folder("", &[], "has neither kept runs nor result files")]
#[case::missing("missing.jsonl", &[], "cannot be read")]
#[case::no_date("a.json", &[("a.json", r#"{"duration": 1, "completed": 1, "total_input_tokens": 1, "request_throughput": 1}"#)], "has no `date`")]
fn what_is_not_a_history_is_unusable(
    #[case] path: &str,
    #[case] files: &[(&str, &str)],
    #[case] why: &str,
) {
    let folder = Folder::new(&format!("trend-bad-{}", why.len()));
    for (name, content) in files {
        fs::write(folder.join(name), content).unwrap();
    }
    let path = folder.join(path);
    let output = goodput(&["report", "--history", path.to_str().unwrap()]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(UNUSABLE.into()), "{said}");
    assert!(
        said.contains(why) && said.contains(folder.to_str().unwrap()),
        "{said}"
    );
}
