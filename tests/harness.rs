//! The benchmark binary as cargo, nextest and IDEs drive it, and the lock that keeps live benches
//! apart.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/example.rs"]
mod example;
#[path = "support/folder.rs"]
mod folder;
mod support;

use folder::Folder;
use goodput::{
    Bench,
    exit_code::{PASS, TESTS_FAILED, UNUSABLE},
};
use rstest::rstest;
use std::{
    io::Write,
    ops::{Deref, DerefMut},
    path::PathBuf,
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};
use support::{RawServer, good_stream, http};

/// A command, with a folder in which no bench has left a result, which its report would tell.
struct Fresh {
    command: Command,
    _results: Folder,
}

impl Deref for Fresh {
    type Target = Command;

    fn deref(&self) -> &Command {
        &self.command
    }
}

impl DerefMut for Fresh {
    fn deref_mut(&mut self) -> &mut Command {
        &mut self.command
    }
}

fn gates() -> Fresh {
    example("gates")
}

/// A program of `examples/`.
fn example(name: &str) -> Fresh {
    let results = Folder::missing("results");
    let mut command = Command::new(example::example(name));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GOODPUT_")) {
        command.env_remove(name);
    }
    command
        .env_remove("NEXTEST")
        .env_remove("GITHUB_STEP_SUMMARY")
        .env_remove("GATES_URL")
        .env("GOODPUT_RESULTS", &*results)
        .env("RUST_BACKTRACE", "0");
    Fresh {
        command,
        _results: results,
    }
}

fn run(args: &[&str]) -> Output {
    gates().args(args).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[rstest]
#[case::all(&["--list", "--format", "terse"])]
#[case::ignored(&["--list", "--format", "terse", "--ignored"])]
#[case::filtered(&["--list", "long", "li", "--skip", "live"])]
fn listing_is_what_nextest_reads(#[case] args: &[&str]) {
    let output = run(args);
    assert!(output.status.success());
    assert!(output.stderr.is_empty());
    insta::with_settings!({ snapshot_suffix => args.join("_").replace(['-', ' '], "") }, {
        insta::assert_snapshot!("listing", stdout(&output));
    });
}

/// The simulation is deterministic, so a report is too, to the last digit.
#[test]
fn a_simulated_report_is_the_same_every_time() {
    let output = run(&["--exact", "long::completions", "--nocapture"]);
    assert!(output.status.success());
    let text = stdout(&output);
    let (report, time) = text.rsplit_once("finished in").unwrap();
    assert!(time.trim().ends_with('s'));
    insta::assert_snapshot!(report.trim());
}

#[test]
fn the_default_run_passes() {
    let output = run(&["--bench"]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(PASS.into()), "{text}");
    assert!(text.contains("SIMULATED"), "{text}");
    assert!(
        text.contains("live ... ignored, the environment variable GATES_URL is not set"),
        "{text}"
    );
    assert!(
        text.contains("too_slow ... ignored, fails by design"),
        "{text}"
    );
    assert!(
        text.contains("test result: ok. 3 passed; 0 failed; 3 ignored;"),
        "{text}"
    );
}

#[test]
fn failures_say_why_and_exit_101() {
    let output = run(&["--ignored"]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(TESTS_FAILED.into()), "{text}");
    for part in [
        "p99(ttft) = 50.00 ms [at least 50.00], limit < 10 ms: 40.00 ms (400 %) over",
        "worst by ttft",
        "10 requests are not enough",
        "test result: FAILED. 0 passed; 2 failed; 0 ignored;",
    ] {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
}

#[test]
fn unknown_arguments_exit_2_with_help() {
    let output = run(&["--frobnicate"]);
    assert_eq!(output.status.code(), Some(UNUSABLE.into()));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.contains("--frobnicate") && text.contains("--help"),
        "{text}"
    );
}

#[test]
fn a_missing_server_fails_where_live_is_required() {
    let output = gates()
        .args(["--exact", "live"])
        .env("GOODPUT_REQUIRE_LIVE", "1")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(TESTS_FAILED.into()));
    assert!(stdout(&output).contains("GATES_URL is not set"));
}

/// Benches of two processes and two threads against one server: it never sees two requests at
/// once, because each bench sends one at a time and benches do not overlap.
#[test]
fn live_benches_never_overlap() {
    let in_flight = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let (now, peak) = (in_flight.clone(), most.clone());
    let server = RawServer::start(move |stream, _| {
        peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        // Long enough for another bench to fall into it, if there were one.
        thread::sleep(Duration::from_millis(10));
        now.fetch_sub(1, Ordering::SeqCst);
        stream.write_all(good_stream().as_bytes()).is_ok()
    });
    let process = || {
        gates()
            .args(["--exact", "live"])
            .env("GATES_URL", &server.url)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap()
    };
    let processes = [process(), process()];
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let report = Bench::new("thread")
                    .target(server.url.as_str())
                    .model("m")
                    .dataset("random(input = 4, output = 2)")
                    .requests(5)
                    .max_concurrency(1)
                    .run_blocking()
                    .unwrap();
                assert_eq!(report.completed(), 5, "{report}");
            });
        }
    });
    for process in processes {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", stdout(&output));
    }
    assert_eq!(most.load(Ordering::SeqCst), 1);
}

/// A server that lists one model and completes everything.
fn listing_server() -> RawServer {
    RawServer::telling(|stream, request| {
        let answer = if request.starts_with("GET /v1/models") {
            http(
                "200 OK",
                "application/json",
                r#"{"data":[{"id":"listed"}]}"#,
            )
        } else {
            good_stream()
        };
        stream.write_all(answer.as_bytes()).is_ok()
    })
}

#[test]
fn goodput_url_replaces_the_simulation() {
    let server = listing_server();
    let output = gates()
        .args(["--exact", "displeased", "--ignored"])
        .env("GOODPUT_URL", &server.url)
        .output()
        .unwrap();
    let text = stdout(&output);
    assert!(text.contains("10 requests are not enough"), "{text}");
    assert!(
        text.contains(&format!("{}, openai, model listed", server.url)),
        "{text}"
    );
    assert!(!text.contains("SIMULATED"), "{text}");
}

#[test]
fn nextest_users_get_the_setting_once_when_it_is_missing() {
    let server = listing_server();
    let root = Folder::new("nextest");
    std::fs::create_dir_all(root.join(".config")).unwrap();
    let run = |id: &str| {
        let output = gates()
            .args(["--exact", "live", "--nocapture"])
            .env("GATES_URL", &server.url)
            // The last run that was advised is remembered in the temporary folder.
            .env("TMPDIR", &root)
            .env("NEXTEST", "1")
            .env("NEXTEST_TEST_THREADS", "4")
            .env("NEXTEST_RUN_ID", id)
            .env("NEXTEST_WORKSPACE_ROOT", &root)
            .output()
            .unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let advice = run("first");
    assert!(advice.contains("filter = 'test(=live)'"), "{advice}");
    assert!(
        advice.contains("threads-required = \"num-test-threads\""),
        "{advice}"
    );
    assert!(!run("first").contains("threads-required"));

    std::fs::write(root.join(".config/nextest.toml"), &advice).unwrap();
    assert!(!run("second").contains("threads-required"));
}

/// nextest refuses a filter by binaries or packages that a run does not build, whatever else the run is about.
#[test]
fn the_filters_of_the_documentation_fit_every_run() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let pages =
        ["README.md", "docs/ci.md"].map(|page| std::fs::read_to_string(root.join(page)).unwrap());
    let filters: Vec<&str> = pages
        .iter()
        .flat_map(|page| page.lines())
        .filter(|line| line.starts_with("filter = "))
        .collect();
    assert_eq!(filters.len(), 2);
    assert!(
        filters
            .iter()
            .all(|filter| filter.starts_with("filter = 'test(")),
        "{filters:?}"
    );
}

/// An in-process service on virtual time: the version that holds tokens back misses its SLO by
/// exactly the time that it holds them.
#[test]
fn the_bug_of_the_example_gateway_is_found() {
    let output = example("gateway").output().unwrap();
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(PASS.into()), "{text}");
    assert!(text.contains("✗ p99(ttft) = 23"), "{text}");
    let (report, _) = text.rsplit_once("finished in").unwrap();
    insta::assert_snapshot!(report.trim());
}

/// nextest runs every bench in a process of its own, which knows of the others all the same.
#[test]
fn a_bench_alone_in_its_process_has_its_share_of_false_alarms() {
    let folder = Folder::missing("family");
    let folder = folder.to_str().unwrap();
    let one = |name: &str| {
        let mut command = gates();
        command.args(["--exact", "chat", "--baseline-dir", folder, name, "main"]);
        command
    };
    assert!(one("--save-baseline").output().unwrap().status.success());
    let alone = stdout(&one("--baseline").output().unwrap());
    assert!(
        alone.contains("compared") && !alone.contains("share its"),
        "{alone}"
    );
    let by_nextest = one("--baseline").env("NEXTEST", "1").output().unwrap();
    let by_nextest = stdout(&by_nextest);
    assert!(
        by_nextest.contains("share its 1.00 % of false alarms"),
        "{by_nextest}"
    );
}

/// The macro as a crate has it, compiled as cargo compiles a target with and without libtest's harness.
#[rstest]
#[case::harness_false(&["--cfg", "test"], None)]
#[case::forgotten(&["--test"], Some("goodput::main!() needs `harness = false`"))]
fn a_target_without_harness_false_does_not_compile(
    #[case] flags: &[&str],
    #[case] error: Option<&str>,
) {
    let folder = Folder::new("main");
    let file = folder.join(format!("{}.rs", flags.len()));
    let program = format!(
        "#[macro_use]\n#[path = {:?}]\nmod main_macro;\npub mod harness {{ pub fn main() -> \
         std::process::ExitCode {{ std::process::ExitCode::SUCCESS }} }}\nmain!();\n",
        concat!(env!("CARGO_MANIFEST_DIR"), "/src/main_macro.rs"),
    );
    std::fs::write(&file, program).unwrap();
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let output = Command::new(rustc)
        .args(["--edition", "2024", "--emit", "metadata", "--out-dir"])
        .arg(&folder)
        .args(flags)
        .arg(&file)
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    match error {
        None => assert!(output.status.success(), "{told}"),
        Some(error) => assert!(!output.status.success() && told.contains(error), "{told}"),
    }
}

/// A second test attribute above `#[llm_bench]`, which the compiler cannot see.
#[test]
#[goodput::llm_bench(requests = 2)]
#[ignore = "run by another test"]
fn twice() {}

#[test]
fn a_bench_that_runs_twice_fails_and_says_why() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "twice", "--ignored"])
        .env_remove("NEXTEST")
        .output()
        .unwrap();
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(TESTS_FAILED.into()), "{text}");
    assert!(text.contains("1 passed; 1 failed"), "{text}");
    assert!(
        text.contains("the bench twice runs twice in one process"),
        "{text}"
    );
}

#[goodput::llm_bench(
    target = "http://127.0.0.1:9",
    model = "m",
    requests = 2,
    ignore = "run by another test"
)]
#[should_panic]
fn down() {}

#[goodput::llm_bench(
    target = "http://127.0.0.1:9",
    model = "m",
    requests = 2,
    slo = "max(ttft) < 1ms",
    expect = "fail",
    ignore = "run by another test"
)]
fn down_too() {}

#[goodput::llm_bench(requests = 2, faults = "reset", ignore = "run by another test")]
#[should_panic]
fn all_fail() {}

#[goodput::llm_bench(
    requests = 2,
    slo = "max(ttft) < 1s",
    expect = "fail",
    ignore = "run by another test"
)]
fn fast() {}

#[goodput::llm_bench(
    requests = 2,
    slo = "max(ttft) < 1ms",
    expect = "fail",
    ignore = "run by another test"
)]
fn slow() {}

#[goodput::llm_bench(requests = 2, slo = "max(ttft) < 1ms", ignore = "run by another test")]
#[should_panic]
fn slow_too() {}

#[goodput::llm_bench(requests = 10, faults = "reset@50%", ignore = "run by another test")]
fn half() {}

#[goodput::llm_bench(requests = 10, ignore = "run by another test")]
fn asserts(report: &goodput::Report) {
    assert!(report.completed() > 10, "too few");
}

#[goodput::llm_bench(requests = 10, ignore = "run by another test")]
fn holds(report: &goodput::Report) {
    assert!(report.completed() == 10, "too few");
}

#[goodput::llm_bench(requests = 10, goodput = "ttft:200", ignore = "run by another test")]
fn demands_nothing() {}

/// What is and what is not a pass under `cargo test`, and what the report says first.
#[rstest]
#[case("down", 101, "#[should_panic] does not cover this")]
#[case("down_too", 101, "127.0.0.1:9")]
#[case("all_fail", 101, "#[should_panic] does not cover this")]
#[case(
    "fast",
    101,
    "verdict     FAIL: the bench must fail because of an SLO or a comparison"
)]
#[case("slow", 0, "verdict     FAIL, as expected: 1 of 1 SLOs missed")]
#[case("slow_too", 0, "verdict     FAIL: 1 of 1 SLOs missed")]
#[case("half", 101, "of 10 requests failed")]
#[case("asserts", 101, "verdict     FAIL: the bench's function fails")]
#[case("holds", 0, "verdict     PASS")]
#[case(
    "demands_nothing",
    0,
    "verdict     no verdict: nothing was demanded (0 of 10 requests failed)"
)]
fn a_pass_proves_something(#[case] bench: &str, #[case] code: i32, #[case] told: &str) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", bench, "--ignored", "--nocapture"])
        .env_remove("NEXTEST")
        .env_remove("GOODPUT_URL")
        .output()
        .unwrap();
    let text = stdout(&output) + &String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(text.contains(told), "{text}");
    let says_pass = text.contains("PASS");
    assert_eq!(says_pass, bench == "holds", "{text}");
}
