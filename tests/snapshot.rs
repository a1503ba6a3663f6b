//! Snapshots as their users have them: beside the test, refused when a count or a latency is another.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use goodput::{Bench, Report, llm_bench};
use rstest::rstest;
use std::{
    path::Path,
    process::{Command, Output},
};

const SIM: &str = "sim(ttft = normal(80ms, 20ms), itl = 5ms, seed = 1)";

#[llm_bench(target = SIM, rate = 20, requests = 50, snapshot)]
fn simulated(report: &Report) {
    assert_eq!(report.completed(), 50);
}

mod inside {
    use goodput::llm_bench;

    #[llm_bench(requests = 3, snapshot = true)]
    async fn of_a_module() -> Result<(), String> {
        Ok(())
    }
}

#[llm_bench(requests = requests, snapshot = TOLERANCE)]
#[rstest]
#[case::few(3)]
#[case::many(5)]
fn below_rstest(#[case] requests: usize, report: &Report) {
    assert_eq!(report.completed(), requests as u64);
}

const TOLERANCE: &str = "50%";

#[rstest]
#[case(4)]
#[llm_bench(requests = requests, snapshot)]
fn above_rstest(#[case] requests: usize) {
    assert_eq!(requests, 4);
}

#[test]
fn of_a_builder() {
    let report = Bench::new("built").requests(3).run_blocking().unwrap();
    goodput::assert_snapshot!(report, tolerance = "5%");
}

/// The same bench as its snapshot was taken of, unless the environment has another setting.
fn setting(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

#[llm_bench(
    target = format!("sim(ttft = {}, itl = 5ms)", setting("SNAPSHOT_TTFT", "80ms")),
    requests = setting("SNAPSHOT_REQUESTS", "20").parse::<usize>().unwrap(),
    max_concurrency = 1,
    snapshot = "10%"
)]
fn tolerant() {}

#[llm_bench(
    target = format!("sim(ttft = {}, itl = 5ms)", setting("SNAPSHOT_TTFT", "80ms")),
    max_concurrency = 1,
    requests = 20,
    snapshot
)]
fn exact() {}

/// This test program again, which runs one bench with another setting and changes no snapshot.
fn again(bench: &str, name: &str, value: &str) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", bench])
        .env(name, value)
        .env("INSTA_UPDATE", "no")
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap()
}

#[rstest]
#[case::the_same("tolerant", "SNAPSHOT_TTFT", "80ms", true)]
#[case::within("tolerant", "SNAPSHOT_TTFT", "85ms", true)]
#[case::beyond("tolerant", "SNAPSHOT_TTFT", "90ms", false)]
#[case::faster("tolerant", "SNAPSHOT_TTFT", "70ms", false)]
#[case::a_count_off_by_one("tolerant", "SNAPSHOT_REQUESTS", "21", false)]
#[case::to_the_digit("exact", "SNAPSHOT_TTFT", "80ms", true)]
#[case::off_by_a_microsecond("exact", "SNAPSHOT_TTFT", "80001us", false)]
fn another_reading_is_refused_beyond_its_tolerance(
    #[case] bench: &str,
    #[case] name: &str,
    #[case] value: &str,
    #[case] accepted: bool,
) {
    let output = again(bench, name, value);
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8(told).unwrap();
    assert_eq!(output.status.success(), accepted, "{told}");
    // Which of the numbers are the reason, where a tolerance has let others pass.
    let beyond = (bench, value) == ("tolerant", "90ms");
    let named = told.contains("goodput: beyond 10 %: ttft ms mean 80.000 → 90.000, ttft ms p50");
    assert_eq!(named, beyond, "{told}");
    if !accepted {
        // The diff that `cargo insta review` shows too.
        assert!(
            told.contains("-old snapshot") && told.contains("ttft ms"),
            "{told}"
        );
    }
}

/// insta finds the folder of the crate that asserts, and each bench has a file of its own there.
#[test]
fn snapshots_lie_beside_their_tests() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    for name in [
        "snapshot__simulated",
        "snapshot__inside__of_a_module",
        "snapshot__below_rstest__case_1_few",
        "snapshot__below_rstest__case_2_many",
        "snapshot__above_rstest__case_1",
        "snapshot__built",
        "snapshot__tolerant",
    ] {
        assert!(folder.join(format!("{name}.snap")).exists(), "{name}");
    }
}
