//! What is not a plain pass, seen under runners that hide the output of tests that pass; and what benches leave
//! for `goodput report`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;

use folder::Folder;
use goodput::{
    Report,
    exit_code::{FAIL, INVALID, PASS, TESTS_FAILED, UNUSABLE},
    llm_bench,
};
use rstest::rstest;
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

#[llm_bench(requests = 3, ignore = "run by another test")]
fn undemanding() {}

#[llm_bench(
    target = "sim",
    requests = 3,
    slo = "errors <= 100%",
    ignore = "run by another test"
)]
fn plain() {}

#[llm_bench(
    target = "sim",
    requests = 20,
    slo = "p99(ttft) < 1s",
    ignore = "run by another test"
)]
fn undecided() {}

#[llm_bench(
    target = "sim",
    requests = 3,
    slo = "errors <= 100%",
    baseline = "never-stored",
    ignore = "run by another test"
)]
fn new(report: &Report) {
    assert_eq!(report.completed(), 3);
}

#[llm_bench(
    target = "sim",
    requests = 3,
    baseline = "never-stored",
    require_baseline,
    ignore = "run by another test"
)]
fn strict() {}

#[llm_bench(
    target = "env:GOODPUT_TEST_NO_SUCH_SERVER",
    ignore = "run by another test"
)]
fn elsewhere() {}

#[llm_bench(
    target = "sim",
    requests = 3,
    slo = "max(ttft) < 1ms",
    ignore = "run by another test"
)]
fn slow() {}

/// A program without what the environment asks of goodput.
fn program(path: impl AsRef<Path>) -> Command {
    let mut command = Command::new(path.as_ref());
    let own = |name: &String| name.starts_with("GOODPUT_") || name.starts_with("NEXTEST");
    for (name, _) in std::env::vars().filter(|(name, _)| own(name)) {
        command.env_remove(name);
    }
    command
        .env_remove("GITHUB_STEP_SUMMARY")
        // Started by hand, so that each is an invocation of its own.
        .env_remove("CARGO")
        .env("RUST_BACKTRACE", "0");
    command
}

/// Benches of this file as `cargo test` runs them, with their output captured.
fn tests(folder: &Path, benches: &[&str]) -> Command {
    let mut command = program(std::env::current_exe().unwrap());
    command.args(["--exact", "--ignored"]).args(benches);
    command.env("GOODPUT_RESULTS", folder);
    command
}

fn report(folder: &Path, args: &[&str]) -> Output {
    let mut command = program(env!("CARGO_BIN_EXE_goodput"));
    command
        .arg("report")
        .args(args)
        .env("GOODPUT_RESULTS", folder);
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[rstest]
#[case(
    "undemanding",
    "undemanding: no verdict: no target is named (`target` or GOODPUT_URL), so the built-in simulation was measured; nothing was demanded"
)]
#[case("undecided", "undecided: pass, but undecided: p99(ttft) = ")]
#[case("new", "new: pass, but the baseline `never-stored` has no run of ")]
#[case(
    "elsewhere",
    "elsewhere: ignored: the environment variable GOODPUT_TEST_NO_SUCH_SERVER is not set"
)]
fn what_is_not_a_plain_pass_is_one_line_past_the_capture(#[case] bench: &str, #[case] line: &str) {
    let folder = Folder::missing(bench);
    let output = tests(&folder, &[bench]).output().unwrap();
    let stderr = text(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert!(stderr.starts_with(&format!("goodput: {line}")), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    // nextest hides that line, too.
    let shown = report(&folder, &[]);
    assert!(shown.status.success(), "{}", text(&shown.stderr));
    let shown = text(&shown.stdout);
    let told = line
        .rsplit(", but ")
        .next()
        .unwrap()
        .rsplit("ignored: ")
        .next()
        .unwrap();
    let told = told.rsplit("no verdict: ").next().unwrap();
    assert!(shown.contains(told) && shown.contains(bench), "{shown}");
    let strict = report(&folder, &["--strict"]).status.code();
    assert_eq!(strict, Some(i32::from(bench != "elsewhere")));
}

#[test]
fn a_plain_pass_says_nothing_and_is_strict_enough() {
    let folder = Folder::missing("plain");
    let output = tests(&folder, &["plain"]).output().unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        text(&output.stderr)
    );
    let shown = report(&folder, &["--strict"]);
    assert_eq!(
        shown.status.code(),
        Some(PASS.into()),
        "{}",
        text(&shown.stdout)
    );
    assert!(text(&shown.stdout).contains("1 bench: 1 pass"));
}

#[test]
fn the_exit_code_is_the_worst_of_the_newest_invocation() {
    let folder = Folder::missing("worst");
    let run = |benches: &[&str]| tests(&folder, benches).output().unwrap();
    assert_eq!(
        run(&["plain", "slow", "elsewhere"]).status.code(),
        Some(TESTS_FAILED.into())
    );
    let shown = report(&folder, &[]);
    let stdout = text(&shown.stdout);
    assert_eq!(shown.status.code(), Some(FAIL.into()), "{stdout}");
    for part in [
        "fail         goodput history::slow: verdict fail: max(ttft) = 50.00 ms",
        "3 benches: 1 ignored, 1 pass, 1 fail",
    ] {
        assert!(stdout.contains(part), "`{part}` is missing in {stdout}");
    }
    // A filtered run is the newest one, and what it left out is said.
    assert!(run(&["plain"]).status.success());
    let shown = report(&folder, &[]);
    let stdout = text(&shown.stdout);
    assert_eq!(shown.status.code(), Some(PASS.into()), "{stdout}");
    assert!(
        stdout.contains("1 bench: 1 pass; 2 benches did not run and have older results"),
        "{stdout}"
    );
}

/// Processes of one nextest run belong together, however many there are at a time.
#[test]
fn nextest_s_processes_are_one_invocation() {
    let folder = Folder::missing("nextest");
    let start = |bench: &str, id: &str| {
        let mut command = tests(&folder, &[bench]);
        command.env("NEXTEST", "1").env("NEXTEST_RUN_ID", id);
        command
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        command.spawn().unwrap()
    };
    for process in ["plain", "slow", "new", "undecided"].map(|bench| start(bench, "one")) {
        process.wait_with_output().unwrap();
    }
    let shown = text(&report(&folder, &["--format", "json"]).stdout);
    let lines: Vec<serde_json::Value> = shown
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let names: Vec<_> = lines
        .iter()
        .map(|l| l["bench"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["new", "plain", "slow", "undecided"]);
    assert!(
        lines
            .iter()
            .all(|l| l["result"]["invocation"]["id"] == "nextest one")
    );
    assert_eq!(lines[0]["result"]["caveats"][0]["kind"], "new_baseline");
    start("plain", "two").wait().unwrap();
    assert_eq!(
        text(&report(&folder, &["--format", "json"]).stdout)
            .lines()
            .count(),
        1
    );
}

#[test]
fn a_run_says_how_it_stands_to_the_one_before() {
    let folder = Folder::missing("before");
    let run = || {
        let output = tests(&folder, &["plain", "--nocapture"]).output().unwrap();
        text(&output.stdout)
    };
    assert!(!run().contains("previous"));
    let second = run();
    assert!(
        second.contains("previous    the same numbers as less than a minute ago"),
        "{second}"
    );
}

#[test]
fn a_folder_that_cannot_be_written_fails_nothing() {
    let folder = Folder::missing("unwritable");
    fs::create_dir_all(folder.parent().unwrap()).unwrap();
    fs::write(&folder, "a file").unwrap();
    let output = tests(&folder, &["plain"]).output().unwrap();
    let stderr = text(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert!(
        stderr.starts_with("goodput: results are not kept: cannot write to "),
        "{stderr}"
    );
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    let shown = report(&folder, &[]);
    assert_eq!(
        shown.status.code(),
        Some(UNUSABLE.into()),
        "{}",
        text(&shown.stdout)
    );
}

#[rstest]
#[case::tests("undemanding", "GOODPUT_REQUIRE_LIVE requires live servers")]
#[case::named("plain", "")]
#[case::absent("elsewhere", "GOODPUT_TEST_NO_SUCH_SERVER is not set")]
fn live_is_required_of_what_names_no_target(#[case] bench: &str, #[case] why: &str) {
    let output = tests(&Folder::missing(&format!("live-{bench}")), &[bench])
        .env("GOODPUT_REQUIRE_LIVE", "1")
        .output()
        .unwrap();
    let stdout = text(&output.stdout);
    assert_eq!(output.status.success(), why.is_empty(), "{stdout}");
    assert!(stdout.contains(why), "{stdout}");
}

#[test]
fn a_baseline_that_must_exist_is_no_silent_pass() {
    let output = tests(&Folder::missing("strict"), &["strict"])
        .output()
        .unwrap();
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(TESTS_FAILED.into()), "{stdout}");
    assert!(
        stdout.contains("baseline = \"never-stored\": has no run of"),
        "{stdout}"
    );
}

/// The command keeps results where it is told, and `report` finds them there.
#[test]
fn the_command_keeps_results_where_it_is_told() {
    let (suite, results) = (Folder::missing("suite"), Folder::missing("suite-results"));
    fs::create_dir_all(&suite).unwrap();
    let benches = "[bench.\"größe/../x\"]\nrequests = 3\n[bench.b]\ntarget = \"sim\"\nrequests = 3\nslo = \"errors <= 100%\"\n";
    fs::write(suite.join("goodput.toml"), benches).unwrap();
    let run = |more: &[&str]| {
        let mut command = program(env!("CARGO_BIN_EXE_goodput"));
        command
            .arg("run")
            .args(more)
            .current_dir(&suite)
            .output()
            .unwrap()
    };
    let kept = ["--results", results.to_str().unwrap()];
    let output = run(&kept);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(PASS.into()), "{stdout}");
    let last = "2 benches: 1 pass, 1 no verdict; of these 1 of a simulation that no target named; finished";
    assert!(stdout.contains(last), "{stdout}");
    assert!(text(&run(&kept).stdout).contains("previous    the same numbers"));
    let shown = text(&report(&results, &[]).stdout);
    assert!(
        shown.starts_with("goodput run, ") && shown.contains("größe/../x"),
        "{shown}"
    );
    assert_eq!(fs::read_dir(results.join("results")).unwrap().count(), 2);
    let required = {
        let mut command = program(env!("CARGO_BIN_EXE_goodput"));
        command.arg("run").args(kept).current_dir(&suite);
        command.env("GOODPUT_REQUIRE_LIVE", "1").output().unwrap()
    };
    assert_eq!(
        required.status.code(),
        Some(INVALID.into()),
        "{}",
        text(&required.stdout)
    );
}

/// Outside of a Cargo project nothing is kept, and nothing is made up.
#[test]
fn outside_of_cargo_the_report_says_what_it_needs() {
    let output = program(env!("CARGO_BIN_EXE_goodput"))
        .arg("report")
        .current_dir("/")
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(UNUSABLE.into()));
    let stderr = text(&output.stderr);
    assert!(
        stderr.contains("is not in a Cargo project") && stderr.contains("--results"),
        "{stderr}"
    );
}
