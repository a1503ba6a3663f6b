//! `goodput ab`: exit codes, what it prints and keeps, servers started in turn.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;

use folder::Folder;
use goodput::exit_code::{FAIL, UNUSABLE};
use rstest::rstest;
use serde_json::Value;
use std::{
    path::PathBuf,
    process::{Command, Output},
};

const GOODPUT: &str = env!("CARGO_BIN_EXE_goodput");

fn ab(args: &[&str]) -> Output {
    Command::new(GOODPUT)
        .args(["ab", "--num-prompts", "20", "--disable-tqdm"])
        .args(["--random-input-len", "8", "--random-output-len", "4"])
        .args(args)
        .env_remove("OPENAI_API_KEY")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn read(path: PathBuf) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[rstest]
#[case::slower("sim(itl = 12ms, noise = 2%)", &[], 1, "REGRESSION: ")]
#[case::faster("sim(itl = 8ms, noise = 2%)", &[], 0, "improvement: ")]
#[case::the_same("sim(noise = 8%, seed = 1)", &[], 0, "no change shown; ")]
#[case::proof_wanted("sim(noise = 2%, seed = 1)", &["--on-inconclusive", "fail", "--noise-threshold", "0"], 3, "INCONCLUSIVE: ")]
#[case::invalid("sim(faults = 'no_tokens')", &[], 4, "run 1 of B (")]
#[case::slo("sim(noise = 2%, seed = 1)", &["--slo", "max(ttft) < 1ms"], 1, "1 of 1 SLOs missed")]
#[case::no_pairs("sim", &["--pairs", "0"], 2, "pairs = 0: must be from 1 to 16")]
#[case::unreadable("sim(itl = 5)", &[], 2, "`5` has no unit")]
#[case::a_is_missing("sim", &["--a-command", "x"], 2, "cannot be used with")]
fn exit_codes(#[case] b: &str, #[case] args: &[&str], #[case] code: i32, #[case] said: &str) {
    let sides = ["--a", "sim(noise = 2%)", "--b", b, "--request-rate", "50"];
    let output = ab(&[&sides, args].concat());
    let all = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{all}");
    assert!(all.contains(said), "{all}");
}

#[test]
fn the_result_holds_the_comparison() {
    let folder = Folder::missing("result");
    let output = ab(&[
        "--a",
        "sim(itl = 10ms, noise = 1%)",
        "--b",
        "sim(itl = 15ms, noise = 1%)",
        "--save-result",
        "--result-dir",
        folder.to_str().unwrap(),
        "--result-filename",
        "r.json",
    ]);
    assert_eq!(
        output.status.code(),
        Some(FAIL.into()),
        "{}",
        text(&output.stderr)
    );
    let comparison = &read(folder.join("r.json"))["goodput"]["comparison"];
    assert_eq!(comparison["conclusion"], "worse");
    assert_eq!(comparison["pairing"]["kind"], "paired");
    assert_eq!(comparison["pairing"]["pairs"], 5);
    let changes = comparison["changes"].as_array().unwrap();
    let tpot = changes
        .iter()
        .find(|c| c["subject"] == "mean(tpot)")
        .unwrap();
    assert_eq!(
        (&tpot["unit"], &tpot["conclusion"]),
        (&"ms".into(), &"worse".into())
    );
    let change = tpot["statistics"]["change"].as_f64().unwrap();
    assert!((change - 0.5).abs() < 0.05, "{change}");
}

#[test]
fn a_server_beside_itself_tells_the_noise() {
    let folder = Folder::missing("noise");
    let output = ab(&[
        "--aa",
        "--a",
        "sim(noise = 5%)",
        "--noise-dir",
        folder.to_str().unwrap(),
    ]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(
        said.contains("10 pairs show") && said.contains("mean(tpot)"),
        "{said}"
    );
    let files: Vec<_> = std::fs::read_dir(folder.join("noise")).unwrap().collect();
    assert_eq!(files.len(), 1);
    let noise = read(files[0].as_ref().unwrap().path());
    assert_eq!(noise["goodput_noise"], 1);
    let cv = noise["metrics"]["mean(tpot)"]["cv"].as_f64().unwrap();
    assert!((0.025..0.09).contains(&cv), "{cv}");
}

/// Two versions of a server that may not fit the machine together.
#[test]
fn commands_are_started_in_turn() {
    let server = |itl: &str| format!("{GOODPUT} sim --port {{port}} --ttft 1ms --itl {itl}");
    let output = ab(&[
        "--a-command",
        &server("2ms"),
        "--b-command",
        &server("40ms"),
        "--max-concurrency",
        "20",
        "--pairs",
        "3",
        // Servers are started and stopped beside it, and the change is far larger than that.
        "--noise-threshold",
        "0.5",
        "--false-alarms",
        "0.1",
    ]);
    let all = text(&output.stdout) + &text(&output.stderr);
    // A machine that is busy with other tests may make it invalid, but never the other way round.
    assert!(matches!(output.status.code(), Some(1 | 4)), "{all}");
    assert!(all.contains("--itl 2ms: "), "{all}");
    let tpot = all.lines().find(|line| line.contains("mean(tpot)"));
    assert!(
        tpot.is_none_or(|line| line.contains(" +") || line.contains("over ")),
        "{all}"
    );
}

/// What cannot be kept is told before hours of measurement.
#[test]
fn a_folder_for_noise_that_cannot_be_is_refused_before_the_run() {
    let folder = Folder::missing("noise-closed");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("file"), "").unwrap();
    let within = folder.join("file").display().to_string();
    let output = ab(&["--a", "sim", "--aa", "--noise-dir", &within]);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(UNUSABLE.into()), "{stderr}");
    let said = format!("--noise-dir = {within}: cannot be written to");
    assert!(
        stderr.contains(&said) && output.stdout.is_empty(),
        "{stderr}"
    );
}
