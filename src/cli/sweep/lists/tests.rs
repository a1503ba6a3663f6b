use super::*;
use crate::plan::testing::scratch;
use crate::sweep::{product, shown};
use rstest::rstest;

fn read(yaml: &str, line: &[&str]) -> (Lists, Vec<Problem>) {
    let folder = scratch();
    let file = folder.file("config.yaml", yaml);
    let line: Vec<OsString> = line.iter().map(OsString::from).collect();
    let (mut lists, mut problems) = (Lists::default(), Vec::new());
    lists.add_file(&file, &line, &Flags::of_serve(), &mut problems);
    (lists, problems)
}

fn points(lists: &Lists) -> Vec<String> {
    let text = |point: &crate::sweep::Point| {
        let pairs = point
            .iter()
            .map(|(key, value)| format!("{key}={}", shown(value)));
        pairs.collect::<Vec<_>>().join(" ")
    };
    product(&lists.axes).iter().map(text).collect()
}

/// The file as people share it.
#[test]
fn the_communitys_file_is_read_as_it_is() {
    let yaml = r#"
model: "Qwen/Qwen3-0.6B"
base_url: "http://localhost:8010"
tokenizer: "Qwen/Qwen3-0.6B"

input_output:
  - [256, 128]    # [input, output]
  - [1024, 64]

concurrency_prompts:
  - [1, 10]
  - [4, 40]
"#;
    let (lists, problems) = read(yaml, &["--base-url", "http://other:1"]);
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(
        lists.fixed,
        ["--model=Qwen/Qwen3-0.6B", "--tokenizer=Qwen/Qwen3-0.6B"]
    );
    assert_eq!(
        points(&lists),
        [
            "random-input-len=256 random-output-len=128 max-concurrency=1 num-prompts=10",
            "random-input-len=256 random-output-len=128 max-concurrency=4 num-prompts=40",
            "random-input-len=1024 random-output-len=64 max-concurrency=1 num-prompts=10",
            "random-input-len=1024 random-output-len=64 max-concurrency=4 num-prompts=40",
        ]
    );
}

#[test]
fn an_address_of_the_line_replaces_any_of_the_file() {
    let yaml = "base_url: http://h:1\nseed: 3\n";
    let (lists, problems) = read(yaml, &["--target", "sim"]);
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(lists.fixed, ["--seed=3"]);
}

#[test]
fn any_flag_may_vary() {
    let yaml = "request_rate: [1, 2.5, .inf]\ngoodput: [ttft:200, tpot:50]\nslo: [[errors < 1%], [errors < 5%]]\n\
                ignore-eos: true\nextra_body.temperature: [0, 0.7]\n";
    let (lists, problems) = read(yaml, &[]);
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(
        lists.fixed,
        ["--goodput", "ttft:200", "tpot:50", "--ignore-eos"]
    );
    let points = points(&lists);
    assert_eq!(points.len(), 12);
    assert_eq!(
        points[11],
        "request-rate=inf slo=[\"errors < 5%\"] extra-body.temperature=0.7"
    );
}

#[rstest]
#[case::empty("input_output: []", "config.yaml:1: input_output = []: is empty")]
#[case::no_pair(
    "input_output: [[256, 128, 1]]",
    "input_output = [256,128,1]: is not a pair of whole numbers"
)]
#[case::no_number(
    "concurrency_prompts: [[1, ten]]",
    "[1,\"ten\"]: is not a pair of whole numbers"
)]
#[case::no_whole("concurrency_prompts: [[1, 2.5]]", "is not a pair of whole numbers")]
#[case::nothing("concurrency_prompts: [[0, 10]]", "is not a pair of whole numbers")]
#[case::no_list("input_output: 256", "is not a pair of whole numbers")]
#[case::unknown(
    "model: m\nmax_concurency: [1]",
    "config.yaml:2: max_concurency: is not a flag of `goodput serve`; did you mean `max-concurrency`?"
)]
#[case::value("seed: [1, x]", "config.yaml:1: seed = \"x\": invalid value 'x'")]
#[case::twice(
    "max-concurrency: [1]\nconcurrency_prompts: [[1, 10]]",
    "varies --max-concurrency, which another list varies too"
)]
#[case::mixed("goodput: [ttft:1, [tpot:2]]", "mixes values and lists")]
#[case::secret("api-key: [a, b]", "may hold a key")]
#[case::list("- 1\n- 2", "is not a YAML mapping")]
fn what_is_wrong_is_said_with_its_line(#[case] yaml: &str, #[case] said: &str) {
    let (_, problems) = read(yaml, &[]);
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(problems.join("\n").contains(said), "{problems:?}");
}

#[test]
fn all_problems_are_told_at_once() {
    let yaml = "bogus: 1\ninput_output: [[1]]\nseed: [x, y]\nconcurrency_prompts: []\n";
    let (_, problems) = read(yaml, &[]);
    assert_eq!(problems.len(), 5, "{problems:?}");
}

#[test]
fn a_flag_that_varies_is_not_set_too() {
    let (_, problems) = read("input_output: [[8, 4]]", &["--random-input-len", "3"]);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0]
            .message
            .contains("--random-input-len, which is also set")
    );
}

#[rstest]
#[case("max_concurrency=1,4", &["max-concurrency=1", "max-concurrency=4"])]
#[case("rate=1, inf", &["request-rate=1", "request-rate=inf"])]
#[case("extra-body=[{\"top_k\": 1}]", &["extra-body={\"top_k\":1}"])]
#[case("goodput=[[\"ttft:1\", \"tpot:2\"]]", &["goodput=[\"ttft:1\",\"tpot:2\"]"])]
fn a_flag_varies_on_the_line(#[case] text: &str, #[case] expected: &[&str]) {
    let (mut lists, mut problems) = (Lists::default(), Vec::new());
    lists.add_text(text, &[], &Flags::of_serve(), &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(points(&lists), expected);
}

#[rstest]
#[case("max-concurrency", "is not FLAG=VALUES")]
#[case("nonsense=1", "is not a flag of `goodput serve`")]
#[case("max-concurrency=1,many", "invalid value 'many'")]
#[case("max-concurrency=[1", "is not a JSON array")]
#[case("max-concurrency=[]", "is empty")]
fn a_line_that_varies_nothing_is_refused(#[case] text: &str, #[case] said: &str) {
    let (mut lists, mut problems) = (Lists::default(), Vec::new());
    lists.add_text(text, &[], &Flags::of_serve(), &mut problems);
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(problems.join("\n").contains(said), "{problems:?}");
}
