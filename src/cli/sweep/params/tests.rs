//! Names, folders and commands as vLLM's own code makes them: `fixtures/vllm/sweep/names.json` is what its helper functions
//! return.

use super::*;
use crate::plan::testing::scratch;
use rstest::rstest;
use serde_json::json;

fn golden(list: &str) -> Vec<Value> {
    let text = include_str!("../../../../fixtures/vllm/sweep/names.json");
    let all: Value = serde_json::from_str(text).unwrap();
    all[list].as_array().unwrap().clone()
}

fn item(value: &Value) -> Item {
    Item(value.as_object().unwrap().clone())
}

fn words(value: &Value) -> Vec<String> {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn combinations_have_vllms_names() {
    for case in golden("names") {
        assert_eq!(item(&case["item"]).name(), case["name"], "{case}");
    }
}

#[test]
fn combinations_have_vllms_folders() {
    for case in golden("folders") {
        let folder = folder(&item(&case["serve"]), &item(&case["bench"]));
        let expected = case["folder"].as_str().unwrap();
        let below = expected.strip_prefix('E').unwrap();
        assert_eq!(folder, below.trim_start_matches('/'), "{case}");
    }
}

#[test]
fn commands_of_servers_are_vllms() {
    // JSON may have other blanks.
    let same = |word: &String| {
        serde_json::from_str::<Value>(word).map_or(word.clone(), |json| json.to_string())
    };
    for case in golden("applied") {
        let applied = item(&case["item"]).apply(&words(&case["command"]), true);
        let applied: Vec<String> = applied.iter().map(same).collect();
        let expected: Vec<String> = words(&case["words"]).iter().map(same).collect();
        assert_eq!(applied, expected, "{case}");
    }
}

#[test]
fn linked_flags_are_vllms() {
    for case in golden("links") {
        let links = links(case["links"].as_str().unwrap()).unwrap();
        let kept = linked(&item(&case["serve"]), &item(&case["bench"]), &links);
        assert_eq!(kept, case["kept"], "{case}");
    }
}

/// vLLM's benchmark has no `--no-stream` and takes no Python list.
#[test]
fn flags_of_a_case_are_those_of_a_benchmark() {
    let flags = item(&json!({"ignore_eos": false, "goodput": ["ttft:1", "tpot:2"]}));
    let applied = flags.apply(&["--ignore-eos".into(), "--seed".into(), "1".into()], false);
    assert_eq!(applied, ["--seed", "1", "--goodput", "ttft:1", "tpot:2"]);
}

#[rstest]
#[case("vllm bench serve --model m --port 1", Ok("--model m --port 1"))]
#[case("/opt/bin/vllm bench serve -m m", Ok("-m m"))]
#[case(
    "python -m vllm.entrypoints.cli.main bench serve --seed 1",
    Ok("--seed 1")
)]
#[case("goodput serve --slo 'errors < 1%'", Ok("--slo 'errors < 1%'"))]
#[case(
    "vllm bench serve --save-result --result-dir d --result-filename=f --percentile-metrics ttft --seed 1",
    Ok("--seed 1")
)]
#[case("python bench.py --model m", Err("goodput runs no other program"))]
#[case("vllm bench latency", Err("goodput runs no other program"))]
#[case("vllm bench serve --label 'x", Err("open quote"))]
fn a_command_gives_its_flags(#[case] text: &str, #[case] expected: Result<&str, &str>) {
    match (of_command(text), expected) {
        (Ok(words), Ok(expected)) => assert_eq!(words, shell_words::split(expected).unwrap()),
        (Err(problem), Err(said)) => assert!(problem.to_string().contains(said), "{problem}"),
        (read, _) => panic!("{read:?}"),
    }
}

#[rstest]
#[case(r#"[{"max_concurrency": 1}, {"max_concurrency": 2}]"#, &["max_concurrency=1", "max_concurrency=2"])]
#[case(r#"{"one": {"seed": 1}, "two": {}}"#, &["one", "two"])]
fn a_file_is_a_list_or_names(#[case] text: &str, #[case] names: &[&str]) {
    let folder = scratch();
    let items = read("--bench-params", &folder.file("p.json", text)).unwrap();
    let read: Vec<String> = items.iter().map(Item::name).collect();
    assert_eq!(read, names);
}

#[rstest]
#[case("[", "is not JSON (line 1, column 1)")]
#[case("3", "is neither a list of objects nor an object of objects")]
#[case("[]", "is empty")]
#[case("[1, {}, \"x\"]", "entry 0 is not an object")]
#[case("{\"one\": 1}", "`one` is not an object")]
#[case(
    r#"[{"_benchmark_name": "a"}, {"_benchmark_name": "a"}]"#,
    "names two combinations \"a\""
)]
fn a_file_that_cannot_be_used_is_refused(#[case] text: &str, #[case] said: &str) {
    let folder = scratch();
    let problems = read("--bench-params", &folder.file("p.json", text)).unwrap_err();
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(problems.join("\n").contains(said), "{problems:?}");
}

#[rstest]
#[case("a")]
#[case("a=b=c")]
#[case("a=b,")]
#[case("=b")]
fn a_link_is_a_pair(#[case] text: &str) {
    assert!(links(text).is_err());
}
