//! Samples compared with those of vLLM in `fixtures/plan/datasets.json`.

use super::{Sample, Samples, tests::draw_for};
use crate::{
    plan::{
        MediaSource, Prompt, Shape,
        testing::{fixture, golden},
    },
    tokenizer::{Tokenizer, TokenizerSpec},
};
use serde_json::{Value, json};

/// Checks all cases of a name, and gives them with our samples.
pub(super) fn check(name: &str) -> Vec<(Value, Samples)> {
    let tokenizer = Tokenizer::load(&TokenizerSpec::Embedded).unwrap();
    let golden = golden("datasets.json");
    let cases = golden["cases"].as_array().unwrap();
    let cases = cases.iter().filter(|case| case["name"] == name);
    let checked: Vec<(Value, Samples)> = cases
        .map(|case| (case.clone(), check_case(case, &tokenizer)))
        .collect();
    assert!(!checked.is_empty(), "no case of {name}");
    checked
}

fn check_case(case: &Value, tokenizer: &Tokenizer) -> Samples {
    let files = fixture("datasets");
    let text = case["dataset"].as_str().unwrap();
    let dataset = text.replace("DIR", files.to_str().unwrap());
    let dataset = goodput_grammar::dataset::parse(&dataset).unwrap();
    let takes: Vec<Shape> = Shape::ALL
        .into_iter()
        .filter(|&shape| shape != Shape::Audio || case["transcribes"] == true)
        .collect();
    let requests = case["requests"].as_u64().unwrap() as usize;
    let seed = case["seed"].as_u64().unwrap();
    let samples = draw_for(&dataset, requests, seed, tokenizer, &takes).unwrap();
    if let Some(order) = case["order"].as_array() {
        let prompts: Vec<Value> = samples.rows.iter().map(prompt).collect();
        assert_eq!(&prompts, order, "{text}, seed {seed}");
        return samples;
    }
    let expected = case["samples"].as_array().unwrap();
    assert_eq!(samples.rows.len(), expected.len(), "{text}, seed {seed}");
    for (index, (row, expected)) in samples.rows.iter().zip(expected).enumerate() {
        check_row(
            row,
            expected,
            &format!("{text}, seed {seed}, request {index}"),
        );
    }
    samples
}

fn check_row(row: &Sample, expected: &Value, place: &str) {
    assert_eq!(
        row.input.tokens,
        expected["input"].as_u64().unwrap(),
        "{place}"
    );
    assert_eq!(
        row.output_tokens,
        expected["output"].as_u64().unwrap(),
        "{place}"
    );
    if let Some(at) = expected["at"].as_f64() {
        let ours = row.at.expect("a time").as_secs_f64();
        assert!((ours - at).abs() < 1e-9, "{place}: {ours} {at}");
    }
    if let Some(messages) = expected["messages"].as_array() {
        assert_eq!(row.prompt, Prompt::Messages(messages.clone()), "{place}");
        assert_eq!(
            Value::Object(row.overrides.clone()),
            expected["overrides"],
            "{place}"
        );
        return;
    }
    match &row.prompt {
        Prompt::Audio(_) => {}
        Prompt::Messages(messages) => {
            let ours = parts(&messages[0]["content"]);
            assert_eq!(ours, parts(&expected["prompt"]), "{place}");
        }
        _ => assert_eq!(prompt(row), expected["prompt"], "{place}"),
    }
    if let Some(expected) = expected["media"].as_array() {
        assert_eq!(media(&row.prompt, expected), *expected, "{place}");
    }
}

/// The prompt as vLLM has it.
fn prompt(row: &Sample) -> Value {
    match &row.prompt {
        Prompt::Text(text) | Prompt::Media { text, .. } => json!(text),
        Prompt::Tokens(ids) => json!(ids),
        Prompt::Batch(texts) => json!(texts),
        Prompt::Rerank { query, documents } => {
            let all = std::iter::once(query).chain(documents);
            json!(all.collect::<Vec<_>>())
        }
        other => panic!("{other:?}"),
    }
}

/// Parts of a message. Files are inside of ours, and named in vLLM's.
fn parts(content: &Value) -> Value {
    let mut content = content.clone();
    for part in content.as_array_mut().unwrap() {
        if let Some(url) = part.pointer_mut("/image_url/url") {
            let file = ["data:", "file:"];
            if file
                .iter()
                .any(|start| url.as_str().unwrap().starts_with(start))
            {
                *url = json!("a file");
            }
        }
    }
    content
}

/// What goes with a prompt: its kind, and its address or seconds where these are expected.
fn media(prompt: &Prompt, expected: &[Value]) -> Vec<Value> {
    let all: Vec<(String, Value)> = match prompt {
        Prompt::Media { media, .. } => media
            .iter()
            .map(|media| {
                let url = match &media.source {
                    MediaSource::Url(url) => json!(url),
                    MediaSource::Inline(_) => Value::Null,
                };
                (media.kind.name().to_owned(), url)
            })
            .collect(),
        Prompt::Audio(audio) => vec![("audio".into(), json!(audio.seconds))],
        Prompt::Text(_) => Vec::new(),
        other => panic!("{other:?}"),
    };
    assert_eq!(all.len(), expected.len());
    all.into_iter()
        .map(|(kind, source)| json!([kind, source]))
        .collect()
}
