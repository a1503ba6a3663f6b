//! The same requests that were recorded of real servers, answered by the simulation: the events must
//! come in the same order and have the same keys.

use crate::{Answered, get, post, server, simulate};
use rstest::rstest;
use serde_json::{Value, json};

/// The name of an event and where its values stand.
type Shape = (String, Vec<String>);

/// Every path to a value in it, in order; the items of a list count as one.
fn paths(json: &Value, at: &str, into: &mut Vec<String>) {
    match json {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                paths(value, &format!("{at}/{key}"), into);
            }
        }
        Value::Array(items) if items.first().is_some_and(|item| !item.is_number()) => {
            paths(&items[0], &format!("{at}/0"), into);
        }
        _ => into.push(at.to_owned()),
    }
}

fn shape(json: &Value) -> Vec<String> {
    let mut all = Vec::new();
    paths(json, "", &mut all);
    all
}

/// The shapes of a stream; of equal ones in a row, such as those of tokens, only the first.
fn shapes(body: &str) -> Vec<Shape> {
    let events = body.split_terminator("\n\n").map(|event| {
        let (name, data) = match event.split_once('\n') {
            Some((name, data)) => (name.to_owned(), data),
            None => (String::new(), event),
        };
        let data = data.strip_prefix("data: ").unwrap();
        match serde_json::from_str(data) {
            Ok(json) => (name, shape(&json)),
            Err(_) => (data.to_owned(), Vec::new()),
        }
    });
    let mut shapes: Vec<Shape> = events.collect();
    shapes.dedup();
    shapes
}

macro_rules! captured {
    ($name:literal) => {
        include_str!(concat!("../../fixtures/captures/", $name, ".body"))
    };
}

const MESSAGES: &str = "Tell me about streaming benchmarks.";

#[rstest]
#[case::chat("/v1/chat/completions", json!({"model": "tiny", "messages": [{"role": "user", "content": MESSAGES}], "max_tokens": 12, "stream": true, "stream_options": {"include_usage": true}}), captured!("vllm-chat-stream-usage"))]
#[case::chat_without_usage("/v1/chat/completions", json!({"model": "tiny", "messages": [{"role": "user", "content": MESSAGES}], "max_tokens": 12, "stream": true}), captured!("vllm-chat-stream"))]
#[case::completions("/v1/completions", json!({"model": "tiny", "prompt": "x", "max_tokens": 12, "stream": true, "stream_options": {"include_usage": true}}), captured!("vllm-completions-stream-usage"))]
#[case::running_usage("/v1/completions", json!({"model": "tiny", "prompt": "x", "max_tokens": 12, "stream": true, "stream_options": {"include_usage": true, "continuous_usage_stats": true}}), captured!("vllm-completions-stream-interval4"))]
#[case::responses("/v1/responses", json!({"model": "tiny", "input": "Hello there", "max_output_tokens": 8, "stream": true}), captured!("vllm-responses-stream"))]
#[case::messages("/v1/messages", json!({"model": "tiny", "messages": [{"role": "user", "content": MESSAGES}], "max_tokens": 8, "stream": true}), captured!("vllm-anthropic-stream"))]
#[case::llama("/completion", json!({"prompt": "The quick brown fox", "n_predict": 8, "stream": true, "seed": 1}), captured!("llama-native-completion-stream"))]
fn streams_are_shaped_as_recorded(#[case] path: &str, #[case] body: Value, #[case] recorded: &str) {
    let answered = ask(path, &body);
    assert_eq!(shapes(&answered.text()), shapes(recorded));
    // Each event is an HTTP chunk.
    let chunks = answered.chunks.iter();
    assert!(chunks.clone().all(|(_, chunk)| chunk.ends_with(b"\n\n")));
    assert_eq!(chunks.len(), answered.text().matches("\n\n").count());
}

#[rstest]
#[case::chat("/v1/chat/completions", json!({"model": "tiny", "messages": [{"role": "user", "content": MESSAGES}]}), captured!("vllm-chat-nostream"))]
#[case::completions("/v1/completions", json!({"model": "tiny", "prompt": "x"}), captured!("vllm-completions-nostream"))]
#[case::embeddings("/v1/embeddings", json!({"model": "tiny", "input": ["hello world", "streaming"]}), captured!("vllm-embeddings"))]
#[case::tokenize("/tokenize", json!({"model": "tiny", "prompt": "Hello, streaming world!"}), captured!("vllm-tokenize"))]
#[case::llama_tokenize("/tokenize", json!({"content": "Hello, streaming world!"}), captured!("llama-tokenize"))]
fn whole_answers_are_shaped_as_recorded(
    #[case] path: &str,
    #[case] body: Value,
    #[case] recorded: &str,
) {
    let recorded: Value = serde_json::from_str(recorded).unwrap();
    assert_eq!(shape(&ask(path, &body).json()), shape(&recorded));
}

#[test]
fn models_are_shaped_as_recorded() {
    let recorded: Value = serde_json::from_str(captured!("vllm-models")).unwrap();
    let answered = simulate(server(""), async |server, clock| {
        get(server, &clock, "/v1/models").await
    });
    assert_eq!(shape(&answered.json()), shape(&recorded));
}

#[rstest]
#[case("/health", "")]
#[case("/ping", "")]
fn what_is_alive_says_so(#[case] path: &str, #[case] body: &str) {
    let answered = simulate(server(""), async |server, clock| {
        get(server, &clock, path).await
    });
    assert_eq!((answered.status, answered.text().as_str()), (200, body));
}

fn ask(path: &str, body: &Value) -> Answered {
    let answered = simulate(server(""), async |server, clock| {
        post(server, &clock, path, body).await.unwrap()
    });
    assert_eq!(answered.status, 200, "{}", answered.text());
    answered
}
