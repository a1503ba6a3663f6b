//! Outputs for CI: files of the command, of benchmark targets and of tests, the job's summary, and the
//! stream of events.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(feature = "cli")]

#[path = "support/example.rs"]
mod example;
#[path = "support/folder.rs"]
mod folder;
#[path = "support/tables.rs"]
mod tables;

use folder::Folder;
use goodput::{
    Report,
    exit_code::{FAIL, INVALID, PASS, TESTS_FAILED, UNUSABLE},
    llm_bench,
};
use rstest::rstest;
use serde_json::Value;
use std::{
    path::Path,
    process::{Command, Output},
};

/// The command, a program of `examples/`, or this test itself, free of what the environment asks for.
fn program(path: impl AsRef<Path>) -> Command {
    let mut command = Command::new(path.as_ref());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GOODPUT_")) {
        command.env_remove(name);
    }
    command
        .env_remove("GITHUB_STEP_SUMMARY")
        .env_remove("NEXTEST")
        .env_remove("GATES_URL")
        .env("RUST_BACKTRACE", "0");
    command
}

fn gates() -> Command {
    program(example::example("gates"))
}

fn serve(args: &[&str]) -> Command {
    let mut command = program(env!("CARGO_BIN_EXE_goodput"));
    let sim = "sim(ttft = normal(80ms, 20ms), itl = 5ms, seed = 1)";
    command.args(["serve", "--target", sim, "--num-prompts", "100"]);
    command.args(["--request-rate", "20", "--random-input-len", "32"]);
    command.args(["--random-output-len", "8"]).args(args);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn events(output: &Output) -> Vec<Value> {
    let stdout = text(&output.stdout);
    let lines = stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn junit(path: &Path) -> Vec<(String, Vec<String>)> {
    let xml = std::fs::read_to_string(path).unwrap();
    let document = roxmltree::Document::parse(&xml).unwrap();
    let cases = document
        .descendants()
        .filter(|n| n.has_tag_name("testcase"));
    cases
        .map(|case| {
            let children = case.children().filter(roxmltree::Node::is_element);
            let tags = children.map(|n| n.tag_name().name().to_owned());
            let tags = tags.filter(|tag| tag != "properties" && tag != "system-out");
            (case.attribute("name").unwrap().to_owned(), tags.collect())
        })
        .collect()
}

/// All files at once, and the verdict's exit code is not theirs.
#[test]
fn the_command_writes_every_format() {
    let folder = Folder::new("all");
    let path = |name: &str| folder.join("made").join(name);
    let formats = [
        ("junit", "junit.xml"),
        ("markdown", "summary.md"),
        ("html", "report.html"),
        ("comment", "comment.md"),
        ("bencher", "bmf.json"),
        ("github-smaller", "smaller.json"),
        ("github-bigger", "bigger.json"),
        ("prometheus", "goodput.prom"),
    ];
    assert!(
        tables::formats()
            .iter()
            .eq(formats.map(|(format, _)| format))
    );
    let mut command = serve(&["--slo", "p50(ttft) < 70ms", "--label", "nightly"]);
    for (format, file) in formats {
        command.args(["--output", &format!("{format}={}", path(file).display())]);
    }
    let output = command.output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(FAIL.into()),
        "{}",
        text(&output.stderr)
    );
    let cases = junit(&path("junit.xml"));
    assert_eq!(cases, [("nightly".to_owned(), vec!["failure".to_owned()])]);
    let read = |name| std::fs::read_to_string(path(name)).unwrap();
    assert!(read("summary.md").contains("❌ fail"));
    assert!(read("report.html").contains("nightly"));
    assert!(read("comment.md").contains("nightly"));
    let bencher: Value = serde_json::from_str(&read("bmf.json")).unwrap();
    let p50 = &bencher["nightly"]["ttft-p50"];
    assert!(p50["lower_value"].as_f64().unwrap() > 70.0, "{bencher}");
    for (name, entry) in [
        ("smaller.json", "nightly/ttft-p50"),
        ("bigger.json", "nightly/goodput"),
    ] {
        let entries: Value = serde_json::from_str(&read(name)).unwrap();
        let names = entries.as_array().unwrap().iter().map(|e| &e["name"]);
        assert!(names.clone().any(|name| name == entry), "{entries}");
    }
    assert!(read("goodput.prom").contains("goodput_exit_code{bench=\"nightly\""));
}

#[rstest]
#[case(&["--output", "junit"], "--output = junit: has no path")]
#[case(&["--output", "xml=a"], "unknown format `xml`")]
#[case(&["--output", "bencher=/dev/null/x"], "cannot be written")]
#[case(&["--output", "markdown"], "GITHUB_STEP_SUMMARY is not set")]
fn an_output_that_cannot_be_is_refused_before_the_run(#[case] args: &[&str], #[case] told: &str) {
    let output = serve(args).output().unwrap();
    assert_eq!(output.status.code(), Some(UNUSABLE.into()));
    let stderr = text(&output.stderr);
    assert!(stderr.contains(told), "{stderr}");
    assert!(output.stdout.is_empty());
}

/// The job's summary is appended to without being asked; a Markdown file that is asked for wins.
#[test]
fn a_github_job_gets_its_summary() {
    let folder = Folder::new("summary");
    let summary = folder.join("summary.md");
    std::fs::write(&summary, "of another step\n").unwrap();
    let run = |args: &[&str]| {
        let mut command = serve(args);
        let output = command.env("GITHUB_STEP_SUMMARY", &summary).output();
        assert!(output.unwrap().status.success());
        std::fs::read_to_string(&summary).unwrap()
    };
    let text = run(&[]);
    assert!(
        text.starts_with("of another step\n### goodput: 0 of 1 passed, 1 without a verdict\n"),
        "{text}"
    );
    let own = format!("markdown={}", folder.join("own.md").display());
    assert_eq!(run(&["--output", &own]), text);
    assert!(folder.join("own.md").exists());
}

/// A name, a label and an error of a server that a terminal or a CI would obey.
#[test]
fn names_and_errors_are_text_in_every_file() {
    let folder = Folder::new("evil");
    let evil = "\\u001b[31mred\\n::error::x\\u202e\\u009b0m|`<b>";
    let suite = format!(
        "[bench.\"{evil}\"]\nrequests = 5\ntarget = \"sim(faults = 'status(500)')\"\n\
         [bench.b]\nrequests = 5\ntarget = \"env:NO\"\nignore = \"{evil}\"\n"
    );
    std::fs::write(folder.join("goodput.toml"), suite).unwrap();
    let mut command = program(env!("CARGO_BIN_EXE_goodput"));
    command.current_dir(&folder).arg("run");
    let formats = tables::formats();
    for format in &formats {
        command.args(["--output", &format!("{format}={format}.out")]);
    }
    command.args(["--results", "results"]);
    let output = command.output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(INVALID.into()),
        "{}",
        text(&output.stderr)
    );
    let acts = |c: char| (c.is_control() && !"\n\t".contains(c)) || c == '\u{202e}';
    let mut shown = vec![text(&output.stdout), text(&output.stderr)];
    for format in &formats {
        shown.push(std::fs::read_to_string(folder.join(format!("{format}.out"))).unwrap());
    }
    for (place, text) in shown.iter().enumerate() {
        assert!(!text.contains(acts), "{text:?}");
        let mut lines = text.lines();
        let commands = lines.any(|line| line.trim_start().starts_with("::"));
        assert!(place > 1 || !commands, "{text}");
    }
    let junit = roxmltree::Document::parse(&shown[2]).unwrap();
    let names = junit
        .descendants()
        .filter_map(|node| node.attribute("name"));
    let names: Vec<&str> = names.collect();
    assert!(
        names.iter().any(|name| name.contains("red ::error::x")),
        "{names:?}"
    );
}

/// A container has the variables of the job and not its files. Who asks for the summary is refused.
#[test]
fn a_summary_that_cannot_be_written_is_a_remark_unless_it_is_asked_for() {
    let folder = Folder::new("summary-closed");
    std::fs::write(folder.join("file"), "").unwrap();
    let run = |args: &[&str]| {
        let mut command = serve(args);
        let summary = folder.join("file/summary.md");
        let output = command.env("GITHUB_STEP_SUMMARY", summary).output();
        let output = output.unwrap();
        (output.status.code(), text(&output.stderr))
    };
    let (code, told) = run(&[]);
    assert_eq!(code, Some(PASS.into()), "{told}");
    assert!(
        told.contains("the summary of the GitHub job is left out"),
        "{told}"
    );
    let (code, told) = run(&["--output", "markdown"]);
    assert_eq!(code, Some(UNUSABLE.into()), "{told}");
}

#[test]
fn events_are_lines_of_json_and_people_read_stderr() {
    let output = serve(&["--message-format", "json", "--slo", "p50(ttft) < 70ms"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(FAIL.into()));
    let events = events(&output);
    let kinds: Vec<_> = events
        .iter()
        .map(|e| e["event"].as_str().unwrap())
        .collect();
    let kinds: Vec<_> = kinds
        .into_iter()
        .filter(|kind| *kind != "progress")
        .collect();
    assert_eq!(
        kinds,
        [
            "run-started",
            "bench-started",
            "bench-finished",
            "run-finished"
        ]
    );
    assert_eq!(events[0]["schema"], 1);
    let finished = &events[events.len() - 2];
    assert_eq!(
        (&finished["outcome"], &finished["verdict"]),
        (&"fail".into(), &"fail".into())
    );
    assert_eq!(finished["report"]["requests"]["completed"], 100);
    assert!(finished["measures"]["ttft-p50"]["low"].as_f64().unwrap() > 70.0);
    assert_eq!(events[events.len() - 1]["exit_code"], 1);
    assert!(text(&output.stderr).contains("Serving Benchmark Result"));
}

#[test]
fn a_server_that_is_not_there_is_an_error_in_every_output() {
    let folder = Folder::new("unreachable");
    let path = folder.join("junit.xml");
    let output = program(env!("CARGO_BIN_EXE_goodput"))
        .args(["serve", "--base-url", "http://127.0.0.1:9", "--model", "m"])
        .args(["--num-prompts", "1", "--message-format", "json"])
        .args(["--output", &format!("junit={}", path.display())])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(INVALID.into()));
    assert_eq!(junit(&path)[0].1, ["error"]);
    let events = events(&output);
    assert_eq!(events[2]["outcome"], "error");
    assert_eq!(events[3]["exit_code"], 4);
}

/// A benchmark target puts all its benches into one file.
#[test]
fn a_benchmark_target_is_one_junit_file() {
    let folder = Folder::new("target");
    let path = folder.join("junit.xml");
    let output = gates()
        .args(["--include-ignored", "--output"])
        .arg(format!("junit={}", path.display()))
        .args(["--message-format", "json"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(TESTS_FAILED.into()));
    let cases = junit(&path);
    let tags = |name: &str| {
        let case = cases.iter().find(|(case, _)| case == name);
        case.unwrap().1.clone()
    };
    assert_eq!(cases.len(), 6);
    for passed in ["chat", "long::completions", "must_fail"] {
        assert!(tags(passed).is_empty(), "{cases:?}");
    }
    assert_eq!(tags("live"), ["skipped"]);
    assert_eq!(
        (tags("too_slow"), tags("displeased")),
        (vec!["failure".to_owned()], vec!["failure".to_owned()])
    );
    let last = events(&output).pop().unwrap();
    assert_eq!(
        (&last["passed"], &last["failed"], &last["ignored"]),
        (&3.into(), &2.into(), &1.into())
    );
}

/// Under nextest, where each bench has a process, none overwrites another's file.
#[test]
fn each_process_of_nextest_has_its_own_file() {
    let folder = Folder::new("nextest");
    for bench in ["chat", "long::completions"] {
        let output = gates()
            .args(["--exact", bench, "--nocapture"])
            .env("NEXTEST", "1")
            .env("CARGO_PKG_NAME", "app")
            .env("GITHUB_STEP_SUMMARY", folder.join("summary.md"))
            .env(
                "GOODPUT_OUTPUT",
                format!("junit={}", folder.join("j.xml").display()),
            )
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let names = ["j-app-gates.chat.xml", "j-app-gates.long.completions.xml"];
    assert!(names.iter().all(|name| folder.join(name).exists()));
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2);
}

#[llm_bench(requests = 5, ignore = "run by another test")]
fn passing() {}

#[llm_bench(requests = 5, ignore = "run by another test")]
fn panicking(report: &Report) {
    assert!(report.completed() > 5, "too few");
}

/// Under `cargo test` the environment asks; a bench whose function panics still leaves its files.
#[rstest]
#[case("passing", 0, &[])]
#[case("panicking", 101, &["failure"])]
fn tests_write_what_the_environment_asks_for(
    #[case] bench: &str,
    #[case] code: i32,
    #[case] tags: &[&str],
) {
    let folder = Folder::new(bench);
    let asked = format!(
        "junit={0}/junit.xml, prometheus={0}/goodput.prom, markdown",
        folder.display()
    );
    let output = program(std::env::current_exe().unwrap())
        .args(["--exact", bench, "--ignored"])
        .env("CARGO_PKG_NAME", "app")
        .env("GOODPUT_OUTPUT", asked)
        .env("GITHUB_STEP_SUMMARY", folder.join("summary.md"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(code), "{}", text(&output.stdout));
    let cases = junit(&folder.join(format!("junit-app-outputs.{bench}.xml")));
    assert_eq!(
        cases,
        [(
            bench.to_owned(),
            tags.iter().map(|tag| (*tag).to_owned()).collect()
        )]
    );
    assert!(
        folder
            .join(format!("goodput-app-outputs.{bench}.prom"))
            .exists()
    );
    let summary = std::fs::read_to_string(folder.join("summary.md")).unwrap();
    assert!(summary.contains(bench), "{summary}");
}

/// A laptop may have the variable of the job, which has a summary.
#[test]
fn outside_of_github_its_summary_is_left_out_with_a_remark() {
    let folder = Folder::new("laptop");
    let output = program(std::env::current_exe().unwrap())
        .args(["--exact", "passing", "panicking", "--ignored"])
        .env("CARGO_PKG_NAME", "app")
        .env(
            "GOODPUT_OUTPUT",
            format!("junit={}/junit.xml,markdown", folder.display()),
        )
        .output()
        .unwrap();
    let stderr = text(&output.stderr);
    assert!(!text(&output.stdout).contains("GITHUB_STEP_SUMMARY"));
    assert_eq!(
        stderr.matches("`markdown` is left out").count(),
        1,
        "{stderr}"
    );
    assert!(folder.join("junit-app-outputs.passing.xml").exists());
}

#[test]
fn a_test_fails_when_its_output_cannot_be() {
    let output = program(std::env::current_exe().unwrap())
        .args(["--exact", "passing", "--ignored"])
        .env("GOODPUT_OUTPUT", "junit=x.xml,pdf=y")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(TESTS_FAILED.into()));
    let stdout = text(&output.stdout);
    assert!(
        stdout.contains("GOODPUT_OUTPUT = pdf=y: unknown format `pdf`"),
        "{stdout}"
    );
}
