//! Pages as a browser shows them: nothing is loaded, nothing fails, nothing is cut off, numbers are those of the JSON, and
//! without scripts and styles the same can be read.
//!
//! `.ci/run` installs Chromium, and playwright-core and axe-core into `target/browser`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(all(unix, feature = "cli"))]

#[path = "../support/folder.rs"]
mod folder;

use folder::Folder;
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// A run that misses its SLOs and has a bit of everything.
const RUN: &[&str] = &[
    "serve",
    "--target",
    "sim(ttft = lognormal(80ms, 60ms), itl = gamma(10ms, 8ms), slowdown = 1.5x@8, faults = 'stall(300ms)@3%, status(503)@2%')",
    "--backend",
    "openai-chat",
    "--request-rate",
    "20",
    "--num-prompts",
    "400",
    "--random-input-len",
    "64",
    "--random-output-len",
    "24",
    "--goodput",
    "ttft:200",
    "tpot:40",
    "--slo",
    "p99(ttft) < 300ms, goodput >= 95%, errors < 10%, throughput(output) > 100",
];

/// Runs the command in a folder, free of what the environment asks for.
fn goodput(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goodput"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GOODPUT_")) {
        command.env_remove(name);
    }
    command.env_remove("GITHUB_STEP_SUMMARY");
    command.current_dir(folder).args(args).output().unwrap()
}

/// Runs [`RUN`] with a seed; the page is `NAME.html` and the result `NAME.json`.
fn measure(folder: &Path, name: &str, seed: &str) {
    let page = format!("html={name}.html");
    let result = format!("{name}.json");
    let args = [
        "--seed",
        seed,
        "--output",
        &page,
        "--save-result",
        "--result-filename",
        &result,
    ];
    let output = goodput(folder, &[RUN, &args].concat());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

/// What the browser sees of these pages of a folder, by name and by the way of looking at them.
fn look(folder: &Path, names: &[&str]) -> Value {
    let modules = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .unwrap()
        .join("browser");
    let shots =
        std::env::var_os("GOODPUT_TEST_SHOTS").map_or_else(|| folder.to_owned(), PathBuf::from);
    let pages = names.iter().map(|name| {
        let path = folder.join(format!("{name}.html"));
        json!({"name": name, "path": path})
    });
    let asked = json!({
        "modules": modules,
        "shots": shots,
        "pages": pages.collect::<Vec<_>>(),
    });
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/look.mjs");
    let output = Command::new("timeout")
        .args(["180", "node"])
        .arg(script)
        .arg(asked.to_string())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What holds for every page.
fn fine(name: &str, views: &Value) {
    for (how, view) in views.as_object().unwrap() {
        let place = format!("{name}, {how}");
        assert_eq!(view["requests"], json!([]), "{place}");
        assert!(
            view["width"].as_f64() <= view["room"].as_f64(),
            "{place}: {} of {}",
            view["width"],
            view["room"]
        );
        assert_eq!(view["tables"], views["light"]["tables"], "{place}");
        // A policy of the server that forbids things is told on the console.
        if how != "sandboxed" {
            assert_eq!(view["said"], json!([]), "{place}");
        }
        for chart in view["charts"].as_array().unwrap() {
            let size = |side: &str| chart[side].as_f64().unwrap();
            assert!(
                size("width") >= 280.0 && size("height") >= 20.0,
                "{place}: {chart}"
            );
            assert_ne!(chart["title"], "", "{place}");
        }
    }
    for how in ["light", "dark"] {
        assert_eq!(views[how]["axe"], json!([]), "{name}, {how}");
    }
    assert_ne!(
        views["light"]["background"], views["dark"]["background"],
        "{name}"
    );
    // Colours of marks change with the screen, and are there without a style sheet.
    let colours = |how: &str| -> Vec<String> {
        let charts = views[how]["charts"].as_array().unwrap().iter();
        charts
            .map(|chart| chart["colour"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(colours("light"), colours("sandboxed"), "{name}");
    assert!(
        colours("light").is_empty() || colours("light") != colours("dark"),
        "{name}"
    );
    assert_eq!(views["still"]["buttons"], 0, "{name}");
    assert_eq!(views["sandboxed"]["buttons"], 0, "{name}");
}

/// The value in a table, by the begin of the row's name and the name of the column.
fn value(view: &Value, caption: &str, row: &str, column: &str) -> f64 {
    let tables = view["tables"].as_array().unwrap();
    let table = tables
        .iter()
        .find(|table| table["caption"] == caption)
        .unwrap();
    let head = table["head"].as_array().unwrap();
    let at = head.iter().position(|name| name == column).unwrap();
    let rows = table["rows"].as_array().unwrap();
    let found = rows
        .iter()
        .find(|cells| cells[0]["text"].as_str().unwrap().starts_with(row));
    found.unwrap()[at]["value"].as_f64().unwrap()
}

#[test]
#[ignore = "needs Chromium"]
fn a_run_is_shown_as_its_result_file_says() {
    let folder = Folder::new("page");
    measure(&folder, "run", "7");
    let seen = look(&folder, &["run"]);
    fine("run", &seen["run"]);
    let light = &seen["run"]["light"];
    assert_eq!(light["sorted"], "ascending");
    assert!(light["text"].as_str().unwrap().contains("FAIL: "));
    let result: Value =
        serde_json::from_str(&fs::read_to_string(folder.join("run.json")).unwrap()).unwrap();
    let facts = &result["goodput"];
    for view in ["light", "still", "sandboxed"] {
        let view = &seen["run"][view];
        for (short, key) in [
            ("TTFT", "ttft_ms"),
            ("ITL", "itl_ms"),
            ("TPOT", "tpot_ms"),
            ("E2EL", "e2el_ms"),
        ] {
            for column in ["mean", "std", "min", "p50", "p90", "p99", "p99.9", "max"] {
                let stored = facts["latency"][key][column].as_f64().unwrap();
                assert_eq!(
                    value(view, "Latencies", short, column),
                    stored,
                    "{short} {column}"
                );
            }
        }
        let counts = "Requests, tokens and rates";
        assert_eq!(
            value(view, counts, "run", "completed"),
            result["completed"].as_f64().unwrap()
        );
        assert_eq!(
            value(view, counts, "run", "output tok/s"),
            result["output_throughput"].as_f64().unwrap()
        );
        let p99 = facts["slos"][0]["value"].as_f64().unwrap();
        assert_eq!(value(view, "Percentiles of TTFT", "TTFT", "p99, ms"), p99);
    }
    // Each number that a chart over the run draws is one of the file's.
    let tables = light["tables"].as_array().unwrap();
    let course = tables
        .iter()
        .find(|table| table["caption"] == "TTFT over the run")
        .unwrap();
    let stored = facts["course"]["ttft_ms"].as_array().unwrap();
    assert_eq!(course["rows"].as_array().unwrap().len(), stored.len());
    for (row, stored) in course["rows"].as_array().unwrap().iter().zip(stored) {
        let shown: Vec<_> = (1..4).map(|at| row[at]["value"].clone()).collect();
        let same = shown
            .iter()
            .zip(stored.as_array().unwrap())
            .all(|(a, b)| a.as_f64() == b.as_f64());
        assert!(same, "{row} {stored}");
    }
}

#[test]
#[ignore = "needs Chromium"]
fn stored_results_are_drawn_over_each_other() {
    let folder = Folder::new("pages");
    measure(&folder, "before", "1");
    measure(&folder, "after", "2");
    let vllm = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/vllm/result.json");
    let vllm = vllm.to_str().unwrap();
    for (name, files) in [
        ("both", &["before.json", "after.json", vllm][..]),
        ("theirs", &[vllm]),
    ] {
        let output = goodput(&folder, &[&["report", "--format", "html"], files].concat());
        assert!(output.status.success(), "{output:?}");
        fs::write(folder.join(format!("{name}.html")), &output.stdout).unwrap();
    }
    let seen = look(&folder, &["both", "theirs"]);
    for name in ["both", "theirs"] {
        fine(name, &seen[name]);
    }
    for name in ["before", "after"] {
        let text = fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        let result: Value = serde_json::from_str(&text).unwrap();
        let p99 = result["goodput"]["latency"]["ttft_ms"]["p99"]
            .as_f64()
            .unwrap();
        let shown = value(&seen["both"]["light"], "All results", name, "TTFT p99, ms");
        assert_eq!(shown, p99);
    }
}
