//! What is and is not a pass, by every front end of the command: no pass without a demand, and failed
//! requests always count.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;

use folder::Folder;
use goodput::exit_code::{FAIL, PASS};
use rstest::rstest;
use std::process::{Command, Output};

fn goodput(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goodput"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GOODPUT_")) {
        command.env_remove(name);
    }
    command
        .args(args)
        .env_remove("GITHUB_STEP_SUMMARY")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

const LOAD: [&str; 7] = [
    "--disable-tqdm",
    "--num-prompts",
    "100",
    "--random-input-len",
    "8",
    "--random-output-len",
    "4",
];

const MANY: &str = "sim(faults = 'reset@90%')";
const ONE: &str = "sim(faults = 'reset@req:3')";
const TWO: &str = "sim(faults = 'reset@req:3..5')";
const ALL: &str = "sim(faults = 'reset')";

#[rstest]
#[case::nothing_demanded("sim", &[], 0, "no verdict: nothing was demanded (0 of 100 requests failed)")]
#[case::a_number_alone("sim", &["--goodput", "ttft:200"], 0, "no verdict: nothing was demanded (0 of 100")]
#[case::one_percent(ONE, &[], 0, "no verdict: nothing was demanded (1 of 100 requests failed)")]
#[case::more(TWO, &[], 1, "FAIL: 2 of 100 requests failed")]
#[case::most(MANY, &[], 1, "FAIL: ")]
#[case::most_and_another_slo(MANY, &["--slo", "max(ttft) < 10s"], 1, "of 100 requests failed")]
#[case::lifted(MANY, &["--slo", "errors <= 100%"], 0, "PASS")]
#[case::replaced(TWO, &["--slo", "errors < 50%"], 0, "PASS")]
#[case::both(TWO, &["--slo", "max(ttft) < 1ms"], 1, "FAIL: 2 of 100 requests failed, and 1 of 1 SLOs missed")]
#[case::all(ALL, &[], 4, "INVALID: ")]
#[case::all_although_lifted(ALL, &["--slo", "errors <= 100%"], 4, "INVALID: ")]
#[case::no_value("sim", &["--random-output-len", "1", "--slo", "p50(tpot) < 10s"], 1, "FAIL: 1 of 1 SLOs missed")]
fn serve_passes_by_its_demands_alone(
    #[case] target: &str,
    #[case] args: &[&str],
    #[case] code: i32,
    #[case] verdict: &str,
) {
    // A flag is given once.
    let load = if args.contains(&"--random-output-len") {
        &LOAD[..5]
    } else {
        &LOAD[..]
    };
    let output = goodput(&[&["serve", "--target", target], load, args].concat());
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(code), "{shown}");
    let line = shown.lines().find(|line| line.contains("  verdict  "));
    assert!(line.unwrap().contains(verdict), "{shown}");
    assert_eq!(shown.contains("PASS"), verdict == "PASS", "{shown}");
}

/// The note stands with the comparison: that of two servers which fail alike is not a good one.
#[rstest]
#[case::target("sim", TWO, 1, "requests failed")]
#[case::reference(MANY, "sim", 0, "requests to A failed")]
fn ab_counts_failed_requests(
    #[case] a: &str,
    #[case] b: &str,
    #[case] code: i32,
    #[case] told: &str,
) {
    let args = ["ab", "--a", a, "--b", b, "--pairs", "5"];
    let output = goodput(&[&args[..], &LOAD].concat());
    let shown = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{shown}");
    assert!(shown.contains(told), "{shown}");
}

#[rstest]
#[case::number(&["number"], 0, "1 bench: 1 no verdict")]
#[case::floor(&["broken"], 1, "1 bench: 1 fail (broken)")]
#[case::lifted(&["lifted"], 0, "1 bench: 1 pass")]
#[case::gate(&["gate"], 0, "1 bench: 1 pass")]
#[case::gate_of_a_good_server(&["odd"], 1, "1 bench: 1 fail (odd)")]
#[case::nothing_left(&["--skip", "e", "--skip", "o"], 2, "--skip")]
#[case::none_ignored(&["--ignored"], 2, "no bench is ignored")]
fn a_suite_passes_by_its_demands_alone(
    #[case] args: &[&str],
    #[case] code: i32,
    #[case] told: &str,
) {
    let name: String = args.concat();
    let folder = Folder::new(&name.replace("--", ""));
    let file = folder.join("goodput.toml");
    std::fs::write(
        &file,
        r#"
[defaults]
requests = 50
dataset = "random(input = 8, output = 4)"

[bench.number]
target = "sim"
goodput = "ttft:200"

[bench.broken]
target = "sim(faults = 'reset@20%')"
slo = "max(ttft) < 10s"

[bench.lifted]
target = "sim(faults = 'reset@20%')"
slo = "errors <= 100%"

[bench.gate]
target = "sim"
slo = "max(ttft) < 1ms"
expect = "fail"

[bench.odd]
target = "sim"
slo = "max(ttft) < 10s"
expect = "fail"
"#,
    )
    .unwrap();
    let suite = ["run", "--suite", file.to_str().unwrap()];
    let output = goodput(&[&suite[..], args].concat());
    let shown = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{shown}");
    assert!(shown.contains(told), "{shown}");
}

/// A run beyond the floor is no reference; while nothing is stored, there is nothing to pass.
#[test]
fn baselines_that_are_not_there_prove_nothing() {
    let folder = Folder::new("baseline");
    let serve = |target: &str, args: &[&str]| {
        let places = [
            "serve",
            "--target",
            target,
            "--baseline-dir",
            folder.to_str().unwrap(),
        ];
        let output = goodput(&[&places[..], &LOAD, args].concat());
        (output.status.code(), text(&output.stdout))
    };
    let (code, shown) = serve(MANY, &["--save-baseline", "main"]);
    assert_eq!(code, Some(FAIL.into()), "{shown}");
    assert!(shown.contains("not saved as baseline `main`: "), "{shown}");
    let (code, shown) = serve("sim", &["--baseline", "main"]);
    assert_eq!(code, Some(PASS.into()), "{shown}");
    assert!(
        shown.contains("no verdict: nothing is stored yet to compare with"),
        "{shown}"
    );
    let (code, _) = serve("sim", &["--save-baseline", "main"]);
    assert_eq!(code, Some(PASS.into()));
    let (code, shown) = serve("sim", &["--baseline", "main"]);
    assert_eq!(code, Some(PASS.into()), "{shown}");
    assert!(shown.contains("  verdict     PASS"), "{shown}");
}
