//! `goodput serve --input-file`: what vLLM's multi-turn script takes, prints and writes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;

use folder::Folder;
use rstest::rstest;
use serde_json::Value;
use std::{
    path::Path,
    process::{Command, Output},
};

const GENERATED: &str = "fixtures/plan/datasets/generate_uniform.json";
const LISTED: &str = "fixtures/plan/datasets/conversations.json";

fn serve(folder: &Path, args: &[&str]) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let args = args.iter().map(|arg| match *arg {
        GENERATED | LISTED => root.join(arg).display().to_string(),
        other => other.to_owned(),
    });
    Command::new(env!("CARGO_BIN_EXE_goodput"))
        .args(["serve", "--target", "sim(ttft = 50ms, itl = 10ms)"])
        .args(args)
        .current_dir(folder)
        .env_remove("OPENAI_API_KEY")
        .env_remove("GITHUB_STEP_SUMMARY")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_script_s_command_line_gives_its_summary_and_files() {
    let folder = Folder::new("multi-turn");
    let output = serve(
        &folder,
        &[
            "-i",
            GENERATED,
            "-o",
            "out.json",
            "--stats-json-output",
            "stats.json",
            "-p",
            "2",
            "-k",
            "2",
            "--seed",
            "1",
            "--warmup-percentages",
            "0%,50%",
            "-v",
            "--no-early-stop",
            "--save-result",
            "--save-detailed",
            "--result-filename",
            "result.json",
        ],
    );
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for line in [
        "Parameters:\nmodel=simulated\nnum_clients=2\nnum_conversations=6\nactive_conversations=2\nseed=1\n",
        "Conversations Generation Parameters:\ntext_files=words.txt\ninput_num_turns=UniformDistribution[2, 7]\n\
         input_common_prefix_num_tokens=Constant[20]\n\
         input_prefix_num_tokens=LognormalDistribution[30, 0.85, 60]\n",
        "\nStatistics summary (assuming 0% warmup samples):\nruntime_sec = ",
        "\nStatistics summary (assuming 50% warmup samples):\nruntime_sec = ",
        "count",
        "\nttft_ms ",
        "\ntime_between_user_turns_sec ",
    ] {
        assert!(printed.contains(line), "{line}\n{printed}");
    }
    // The plan is that of the script with this seed, whose number of messages the golden file has.
    let golden = json(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/plan/generated.json"));
    let case = &golden["cases"][1];
    assert!(case["file"] == "generate_uniform.json" && case["seed"] == 1);
    let expected: Vec<(String, usize)> = case["conversations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| {
            (
                c["id"].as_str().unwrap().to_owned(),
                c["messages"].as_array().unwrap().len(),
            )
        })
        .collect();
    let written = json(&folder.join("out.json"));
    let written = written.as_array().unwrap();
    let found: Vec<(String, usize)> = written
        .iter()
        .map(|c| {
            (
                c["id"].as_str().unwrap().to_owned(),
                c["messages"].as_array().unwrap().len(),
            )
        })
        .collect();
    assert_eq!(found, expected);
    let question = |c: &Value| c["messages"][0]["content"].clone();
    assert_eq!(question(&written[0]), question(&case["conversations"][0]));
    let answer = |c: &Value| c["messages"][1]["content"].clone();
    assert_ne!(answer(&written[0]), answer(&case["conversations"][0]));

    let stats = json(&folder.join("stats.json"));
    let stats = stats.as_array().unwrap();
    let requests: usize = expected.iter().map(|(_, messages)| messages / 2).sum();
    assert_eq!(stats.len(), requests);
    let keys: Vec<&String> = stats[0].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "ttft_ms",
            "tpot_ms",
            "latency_ms",
            "start_time_ms",
            "input_num_turns",
            "input_num_tokens",
            "output_num_tokens",
            "output_num_chunks",
            "output_num_first_chunk_tokens",
            "approx_cached_percent",
            "conversation_id",
            "client_id"
        ]
    );
    for row in stats {
        assert_eq!(row["ttft_ms"], 50.0);
        let output = row["output_num_tokens"].as_f64().unwrap();
        assert_eq!(row["latency_ms"], 50.0 + 10.0 * (output - 1.0));
        assert_eq!(row["output_num_chunks"], output as u64 - 1);
        let first = row["input_num_turns"] == 1;
        assert_eq!(row["approx_cached_percent"] == 0.0, first, "{row}");
        assert!(row["client_id"].as_u64().unwrap() < 2);
    }
    let result = json(&folder.join("result.json"));
    assert_eq!(result["num_prompts"], requests);
    let each = result["goodput"]["sessions"]["each"].as_array().unwrap();
    assert_eq!(each.len(), 6);
    assert!(
        each.iter()
            .all(|session| session["session_e2el_ms"].as_f64().unwrap() > 50.0)
    );
}

/// The file's own answers as history: the answers of the server still go into the output.
#[rstest]
#[case("server")]
#[case("file")]
fn listed_conversations_come_back_with_answers(#[case] history: &str) {
    let folder = Folder::new(&format!("multi-turn-{history}"));
    let output = serve(
        &folder,
        &[
            "-i",
            LISTED,
            "-o",
            "out.json",
            "--conversation-history",
            history,
            "--limit-min-tokens",
            "3",
            "--limit-max-tokens",
            "3",
        ],
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("\nmin_tokens=3\nmax_tokens=3\n"));
    let before = json(&Path::new(env!("CARGO_MANIFEST_DIR")).join(LISTED));
    let after = json(&folder.join("out.json"));
    assert_eq!(
        before.as_array().unwrap().len(),
        after.as_array().unwrap().len()
    );
    for (before, after) in before
        .as_array()
        .unwrap()
        .iter()
        .zip(after.as_array().unwrap())
    {
        assert_eq!(before["id"], after["id"]);
        let (before, after) = (
            before["messages"].as_array().unwrap(),
            after["messages"].as_array().unwrap(),
        );
        for (before, after) in before.iter().zip(after) {
            assert_eq!(before["role"], after["role"]);
            assert_eq!(
                before["content"] == after["content"],
                before["role"] != "assistant"
            );
        }
    }
}

/// As in the script, whose `--model` is a folder that the server calls by another name.
#[test]
fn the_tokenizer_is_that_of_the_model() {
    let folder = Folder::new("multi-turn-tokenizer");
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tokenizer/embedded");
    let output = serve(
        &folder,
        &[
            "-i",
            LISTED,
            "-m",
            model.to_str().unwrap(),
            "--served-model-name",
            "tiny",
            "--save-result",
            "--result-filename",
            "result.json",
        ],
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    let result = json(&folder.join("result.json"));
    assert_eq!(result["tokenizer_id"], model.to_str().unwrap());
}

#[test]
fn plain_runs_have_no_summary() {
    let folder = Folder::new("multi-turn-plain");
    let output = serve(
        &folder,
        &[
            "--backend",
            "openai-chat",
            "--dataset-name",
            "conversations",
            "--dataset-path",
            LISTED,
        ],
    );
    assert!(!text(&output.stdout).contains("Statistics summary"));
}

#[cfg(feature = "xlsx")]
#[test]
fn the_workbook_is_named_as_in_the_script() {
    let folder = Folder::new("multi-turn-book");
    let output = serve(&folder, &["-i", LISTED, "-p", "3", "--excel-output"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let names: Vec<String> = std::fs::read_dir(&*folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".xlsx"))
        .collect();
    assert!(
        names.len() == 1 && names[0].starts_with("statistics_3_clients__"),
        "{names:?}"
    );
}

#[rstest]
#[case(&["--warmup-step"], "--warmup-step")]
#[case(&["--max-retries", "2"], "--slo")]
#[case(&["--print-content", "--verify-output"], "--verify-output")]
#[case(&["--warmup-percentages", "100%"], "--warmup-percentages = 100%: must be percentages")]
#[case(&["--conversation-sampling", "random"], "round_robin")]
#[case(&["--limit-max-tokens", "5"], "set both of them")]
#[case(&["--limit-max-tokens", "-1"], "\"max_tokens\": null")]
#[case(&["--limit-min-tokens", "6", "--limit-max-tokens", "5"], "lower --limit-min-tokens")]
#[case(&["--no-stream"], "--disable-stream")]
#[case(&["--dataset-name", "random"], "--input-file")]
#[case(&["-p", "9"], "has 3 conversations, fewer than the 9")]
#[case(&["-o", LISTED], "is also the file of --input-file")]
fn what_the_script_has_and_goodput_does_not_is_refused(#[case] flags: &[&str], #[case] told: &str) {
    let folder = Folder::new("multi-turn-refused");
    let output = serve(&folder, &[&["-i", LISTED], flags].concat());
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains(told), "{error}");
}
