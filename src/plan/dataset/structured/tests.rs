use super::*;
use crate::{
    plan::{
        Shape,
        dataset::tests::{draw, draw_for},
        testing::scratch,
    },
    tokenizer::Tokenizer,
};
use goodput_grammar::dataset::{self, Dataset};
use rstest::rstest;
use std::path::Path;

fn of(text: &str, requests: usize) -> Result<Samples, PlanError> {
    draw(
        &dataset::parse(text).unwrap(),
        requests,
        3,
        &Tokenizer::none(),
    )
}

fn prompt(sample: &Sample) -> &str {
    match &sample.prompt {
        Prompt::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

fn fields(sample: &Sample) -> Value {
    sample.structure.as_deref().unwrap().structure.fields()
}

#[rstest]
#[case(
    "json",
    "Generate an example of a brief user profile given the following schema: {\"type\": \"object\", "
)]
#[case(
    "grammar",
    "Generate an SQL query to show the 'username'             and 'email' from"
)]
#[case(
    "regex",
    "Generate an email address for Alan Turing,             who works in Enigma. End"
)]
#[case("choice", "Classify this sentiment: vLLM is wonderful!")]
fn sets_ask_as_the_script_does(#[case] set: &str, #[case] start: &str) {
    let samples = of(&format!("structured(set = {set})"), 3).unwrap();
    assert_eq!(samples.rows.len(), 3);
    assert!(
        prompt(&samples.rows[2]).starts_with(start),
        "{}",
        prompt(&samples.rows[2])
    );
    assert_eq!(samples.rows[2].output_tokens, 128);
    assert_eq!(fields(&samples.rows[0]), fields(&samples.rows[2]));
}

#[test]
fn structures_are_those_of_the_script() {
    let of = |set: &str| fields(&of(&format!("structured(set = {set})"), 1).unwrap().rows[0]);
    assert_eq!(of("regex"), json!({"regex": r"\w+@\w+\.com\n"}));
    assert_eq!(of("choice"), json!({"choice": ["Positive", "Negative"]}));
    assert!(
        of("grammar")["grammar"]
            .as_str()
            .unwrap()
            .contains("root ::= select_statement")
    );
    assert_eq!(of("json")["json"]["required"], json!(["name", "email"]));
}

#[test]
fn unique_schemas_differ_and_stay_the_same() {
    let samples = of("structured(set = json-unique)", 20).unwrap();
    let mut seen: Vec<String> = samples
        .rows
        .iter()
        .map(|row| fields(row).to_string())
        .collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 20);
    assert_eq!(
        of("structured(set = json-unique)", 20).unwrap().rows,
        samples.rows
    );
    assert!(prompt(&samples.rows[0]).contains("\"__optional_field_"));
}

#[test]
fn a_schema_of_the_users_own_is_asked_for() {
    let folder = scratch();
    let path = folder.file("s.json", r#"{"type": "array", "maxItems": 3}"#);
    let set = Structured {
        schema: Some(path),
        ..Structured::default()
    };
    let samples = draw(&Dataset::Structured(set), 1, 0, &Tokenizer::none()).unwrap();
    assert!(prompt(&samples.rows[0]).ends_with(r#"schema: {"type": "array", "maxItems": 3}"#));
}

fn rows() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/plan/datasets/json_mode.jsonl");
    format!(
        "structured(set = xgrammar_bench, rows = '{}')",
        path.display()
    )
}

/// Ten rows in the columns of the hub's set, one of them with `multipleOf`.
#[test]
fn rows_of_the_hubs_set_have_their_own_schemas() {
    let samples = of(&rows(), 11).unwrap();
    assert_eq!(samples.rows.len(), 11);
    assert!(matches!(&samples.rows[0].prompt, Prompt::Messages(messages) if messages.len() == 2));
    assert_ne!(fields(&samples.rows[0]), fields(&samples.rows[1]));
    assert_eq!(fields(&samples.rows[0]), fields(&samples.rows[9]));
    assert!(
        samples.notes[0].starts_with("1 of 10 rows are left out"),
        "{:?}",
        samples.notes
    );
    // Each row's answer has its structure.
    for row in &samples.rows {
        let asked = row.structure.as_deref().unwrap();
        let checker = crate::structure::Checker::new(&asked.structure)
            .unwrap()
            .unwrap();
        let expected = asked.expected.as_deref().unwrap();
        assert_eq!(
            checker.check(expected),
            crate::structure::Validity::Valid,
            "{expected}"
        );
    }
}

#[test]
fn completions_get_the_messages_as_text() {
    let dataset = dataset::parse(&rows()).unwrap();
    let samples = draw_for(&dataset, 1, 0, &Tokenizer::none(), &[Shape::Text]).unwrap();
    assert!(prompt(&samples.rows[0]).contains("\n\n"));
    assert!(
        samples.notes[1].contains("`openai-chat`"),
        "{:?}",
        samples.notes
    );
}

#[rstest]
#[case("structured(set = xgrammar_bench)", "needs its rows")]
#[case(
    "structured(set = regex, rows = a.jsonl)",
    "`structured(rows)` is for the set `xgrammar_bench`"
)]
#[case(
    "structured(set = choice, schema = a.json)",
    "`structured(schema)` is for the sets `json`"
)]
#[case("structured(schema = no/such.json)", "cannot read `no/such.json`")]
fn files_must_fit_the_set(#[case] text: &str, #[case] said: &str) {
    let error = of(text, 1).unwrap_err().to_string();
    assert!(error.contains(said), "{error}");
}

#[rstest]
#[case(
    r#"{"prompt": [{"role": "user", "content": "a"}], "completion": "{}", "schema": "{"}"#,
    "field `schema` is not JSON"
)]
#[case(
    r#"{"prompt": [{"role": "user", "content": "a"}], "completion": "{}", "schema": "3"}"#,
    "`schema` is not a JSON schema"
)]
#[case(
    r#"{"prompt": "a", "completion": "{}", "schema": "{}"}"#,
    "field `prompt` is a string, not an array"
)]
#[case(
    r#"{"prompt": [], "completion": "{}", "schema": "{}"}"#,
    "must be an array of chat messages"
)]
fn rows_that_are_none_are_named(#[case] row: &str, #[case] said: &str) {
    let folder = scratch();
    let path = folder.file("rows.jsonl", row);
    let text = format!(
        "structured(set = xgrammar_bench, rows = '{}')",
        path.display()
    );
    let error = of(&text, 1).unwrap_err().to_string();
    assert!(error.contains(said) && error.contains("line 1"), "{error}");
}

/// Prompts and structures are those that vLLM's own code makes.
#[rstest]
#[case("json")]
#[case("grammar")]
#[case("regex")]
#[case("choice")]
fn sets_are_those_of_the_script(#[case] set: &str) {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/vllm/structured_sets.json"
    );
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let samples = of(&format!("structured(set = {set})"), 2).unwrap();
    for sample in &samples.rows {
        assert_eq!(prompt(sample), golden[set]["prompt"].as_str().unwrap());
        assert_eq!(fields(sample), json!({set: golden[set]["schema"]}));
    }
}
