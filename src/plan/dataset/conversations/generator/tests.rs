//! Conversations compared with those of vLLM's script in `fixtures/plan/generated.json`.

use crate::{
    plan::{
        PlanError, Prompt,
        dataset::{Samples, tests::draw},
        testing::{fixture, scratch},
    },
    tokenizer::Tokenizer,
};
use goodput_grammar::dataset::{Conversations, Dataset, History};
use rstest::rstest;
use serde_json::{Value, json};
use std::path::Path;

fn made(path: &Path, seed: u64, tokenizer: &Tokenizer) -> Result<Samples, PlanError> {
    let dataset = Dataset::Conversations(Conversations {
        path: path.to_owned(),
        history: History::File,
        ..Conversations::default()
    });
    draw(&dataset, 1000, seed, tokenizer)
}

/// Texts, numbers of turns, and lengths of answers: all as the script has them.
#[cfg(feature = "tokenizers")]
#[test]
fn conversations_are_those_of_the_script() {
    use crate::tokenizer::TokenizerSpec;
    let tokenizer = Tokenizer::load(&TokenizerSpec::Embedded).unwrap();
    let golden = crate::plan::testing::golden("generated.json");
    let cases = golden["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 12);
    for case in cases {
        let file = fixture("datasets").join(case["file"].as_str().unwrap());
        let samples = made(&file, case["seed"].as_u64().unwrap(), &tokenizer).unwrap();
        let mut rows = samples.rows.iter();
        for conversation in case["conversations"].as_array().unwrap() {
            let messages = conversation["messages"].as_array().unwrap();
            let tokens = conversation["tokens"].as_array().unwrap();
            let mut before: Option<&Value> = None;
            for (turn, pair) in messages.chunks(2).enumerate() {
                let row = rows.next().unwrap();
                assert_eq!(row.turn.as_deref().unwrap().id.name, conversation["id"]);
                let expected: Vec<Value> = before.into_iter().chain([&pair[0]]).cloned().collect();
                assert_eq!(row.prompt, Prompt::Messages(expected), "{}", case["file"]);
                assert_eq!(json!(row.output_tokens), tokens[2 * turn + 1]);
                let sent: u64 = tokens[..=2 * turn].iter().filter_map(Value::as_u64).sum();
                assert_eq!(row.input.tokens, sent);
                before = Some(&pair[1]);
            }
        }
        assert!(rows.next().is_none());
    }
}

fn object() -> Value {
    let file = fixture("datasets/generate_uniform.json");
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn written(object: &Value) -> Result<Samples, PlanError> {
    let folder = scratch();
    std::fs::copy(fixture("datasets/words.txt"), folder.join("words.txt")).unwrap();
    let file = folder.file("generate.json", &object.to_string());
    made(&file, 0, &Tokenizer::none())
}

#[test]
fn without_a_tokenizer_four_bytes_are_a_token() {
    let mut object = object();
    object["prompt_input"]["num_tokens"] = json!({"distribution": "constant", "value": 50});
    object["prompt_input"]["prefix_num_tokens"] = json!({"distribution": "constant", "value": 0});
    object["prompt_output"]["num_tokens"] = json!({"distribution": "constant", "value": 7});
    let samples = written(&object).unwrap();
    for row in &samples.rows {
        assert_eq!(row.output_tokens, 7);
    }
    let first = &samples.rows[0];
    assert!((49..=51).contains(&first.input.tokens), "{:?}", first.input);
}

#[test]
fn the_plan_makes_no_more_than_it_sends() {
    let mut object = object();
    object["num_conversations"] = json!(5_000_000);
    object["prompt_input"]["num_turns"] = json!({"distribution": "constant", "value": 2});
    object["print_stats"] = json!(true);
    let folder = scratch();
    std::fs::copy(fixture("datasets/words.txt"), folder.join("words.txt")).unwrap();
    let file = folder.file("generate.json", &object.to_string());
    let dataset = Dataset::Conversations(Conversations {
        path: file,
        ..Conversations::default()
    });
    let samples = draw(&dataset, 3, 0, &Tokenizer::none()).unwrap();
    assert_eq!(samples.rows.len(), 3);
    assert!(samples.notes[0].starts_with("5000000 conversations of 2 to 2 messages"));
}

#[test]
fn every_problem_is_named_with_its_field() {
    let bad = json!({
        "filetype": "generate",
        "num_conversations": 0,
        "text_files": ["words.txt", 3],
        "print_stats": "yes",
        "prompt_input": {
            "num_turns": {"distribution": "uniform", "min": 9, "max": 2},
            "common_prefix": 3,
            "prefix_num_tokens": {"distribution": "lognormal", "average": 100, "mean": 2, "median_ratio": 1.5},
            "num_tokens": {"distribution": "zipf", "alpha": 1, "max": 0.5, "cap": 3},
        },
    });
    let error = written(&bad).unwrap_err();
    let shown: Vec<&str> = error
        .sentences()
        .iter()
        .map(|sentence| sentence.rsplit_once("generate.json`").unwrap().1)
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[rstest]
#[case::missing_file("/text_files", json!(["gone.txt"]), "field `text_files[0]`: dataset")]
#[case::no_file("/text_files", json!([]), "field `text_files` is empty")]
#[case::no_distribution("/prompt_output/num_tokens", json!({"value": 3}), "`prompt_output.num_tokens.distribution` is missing")]
#[case::unknown("/prompt_output/num_tokens", json!({"distribution": "normal"}), "unknown distribution `normal`")]
#[case::number("/prompt_output/num_tokens", json!(7), "field `prompt_output.num_tokens` is a number")]
#[case::too_little_text(
    "/prompt_input/prefix_num_tokens",
    json!({"distribution": "constant", "value": 9000}),
    "`prompt_input.prefix_num_tokens` asks for 9000 from token 20 on"
)]
#[case::common_prefix(
    "/prompt_input/common_prefix_num_tokens",
    json!({"distribution": "constant", "value": 90000}),
    "`prompt_input.common_prefix_num_tokens` asks for 89998"
)]
#[case::endless(
    "/prompt_input/num_turns",
    json!({"distribution": "lognormal", "mean": 40.0, "sigma": 0.1}),
    "Set `prompt_input.num_turns.max`"
)]
#[case::poisson(
    "/prompt_input/num_turns",
    json!({"distribution": "poisson", "alpha": -1}),
    "field `prompt_input.num_turns.alpha` is -1; write a number from 0 to 10000000"
)]
fn what_cannot_be_made_is_refused(#[case] field: &str, #[case] value: Value, #[case] why: &str) {
    let mut object = object();
    *object.pointer_mut(field).unwrap() = value;
    let error = written(&object).unwrap_err().to_string();
    assert!(error.contains(why), "{error}");
}

/// The script would take the whole text for a common prefix of one token.
#[rstest]
#[case(1)]
#[case(2)]
fn the_shortest_common_prefix_is_a_point(#[case] tokens: u64) {
    let mut object = object();
    object["prompt_input"]["common_prefix_num_tokens"] =
        json!({"distribution": "constant", "value": tokens});
    let samples = written(&object).unwrap();
    let Prompt::Messages(messages) = &samples.rows[0].prompt else {
        panic!()
    };
    let text = messages[0]["content"].as_str().unwrap();
    assert!(text.starts_with(".0 is a nice number... "), "{text}");
}
