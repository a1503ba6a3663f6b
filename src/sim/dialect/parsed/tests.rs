use super::*;
use crate::sim::dialect::Dialect;
use rstest::rstest;
use serde_json::{Value, json};

fn read(dialect: Dialect, body: &Value) -> Result<ParsedRequest, Refusal> {
    dialect.read(body.to_string().as_bytes())
}

fn text(text: &str) -> Vec<Input> {
    vec![Input::Text(text.into())]
}

#[rstest]
#[case::text(json!("one two"), Input::Text("one two".into()))]
#[case::first_of_texts(json!(["one", "two"]), Input::Text("one".into()))]
#[case::token_ids(json!([46, 355, 309]), Input::Tokens(vec![46, 355, 309]))]
#[case::first_of_token_lists(json!([[1, 2], [3]]), Input::Tokens(vec![1, 2]))]
fn completions(#[case] prompt: Value, #[case] input: Input) {
    let read = read(Dialect::Completions, &json!({"prompt": prompt})).unwrap();
    assert_eq!(read.inputs, [input]);
    assert_eq!(read.max_tokens, 16);
    assert!(!read.stream);
}

#[rstest]
#[case::text(json!([{"role": "user", "content": "hi"}]), "hi")]
#[case::parts(json!([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "data:"}}, {"type": "text", "text": "b"}]}]), "a\nb")]
#[case::several(json!([{"role": "system", "content": "a"}, {"role": "assistant", "content": null}, {"role": "user", "content": "b"}]), "a\nb")]
fn chats(#[case] messages: Value, #[case] expected: &str) {
    let read = read(Dialect::Chat, &json!({"messages": messages})).unwrap();
    assert_eq!(read.inputs, text(expected));
    assert_eq!(read.max_tokens, 128);
}

#[rstest]
#[case::old_name(json!({"max_tokens": 3}), 3)]
#[case::new_name_wins(json!({"max_tokens": 3, "max_completion_tokens": 4}), 4)]
#[case::null(json!({"max_tokens": null, "stream": null, "stream_options": null}), 128)]
fn lengths_of_a_chat(#[case] mut body: Value, #[case] max_tokens: u64) {
    body["messages"] = json!([{"role": "user", "content": "hi"}]);
    assert_eq!(read(Dialect::Chat, &body).unwrap().max_tokens, max_tokens);
}

/// Prompt, length and streaming of each other dialect.
#[rstest]
#[case::responses(Dialect::Responses, json!({"input": "hi", "max_output_tokens": 8, "stream": true}), "hi", 8, true)]
#[case::responses_items(Dialect::Responses, json!({"instructions": "a", "input": [{"role": "user", "content": [{"type": "input_text", "text": "b"}]}, {"type": "function_call", "name": "f"}, {"role": "user", "content": "c"}]}), "a\nb\nc", 128, false)]
#[case::messages(Dialect::Messages, json!({"model": "m", "system": [{"type": "text", "text": "a"}], "messages": [{"role": "user", "content": "b"}], "max_tokens": 5}), "a\nb", 5, false)]
#[case::tgi(Dialect::Generate, json!({"inputs": "hi", "parameters": {"max_new_tokens": 3}}), "hi", 3, false)]
#[case::tgi_default(Dialect::GenerateStream, json!({"inputs": "hi"}), "hi", 100, true)]
#[case::sglang(Dialect::Generate, json!({"text": "hi", "sampling_params": {"max_new_tokens": 3}, "stream": true}), "hi", 3, true)]
#[case::llama(Dialect::Llama, json!({"prompt": "hi", "n_predict": 3, "stream": true}), "hi", 3, true)]
#[case::llama_without_limit(Dialect::Llama, json!({"prompt": "hi", "n_predict": -1}), "hi", 128, false)]
#[case::ollama_chat(Dialect::OllamaChat, json!({"messages": [{"role": "user", "content": "hi"}], "options": {"num_predict": 3}}), "hi", 3, true)]
#[case::ollama_generate(Dialect::OllamaGenerate, json!({"system": "a", "prompt": "b", "stream": false}), "a\nb", 128, false)]
fn other_dialects(
    #[case] dialect: Dialect,
    #[case] body: Value,
    #[case] prompt: &str,
    #[case] tokens: u64,
    #[case] stream: bool,
) {
    let read = read(dialect, &body).unwrap();
    assert_eq!(
        (read.inputs, read.max_tokens, read.stream),
        (text(prompt), tokens, stream)
    );
}

#[rstest]
#[case::text(Dialect::Embeddings, json!({"input": "a"}), &["a"])]
#[case::texts(Dialect::Embeddings, json!({"input": ["a", "b"]}), &["a", "b"])]
#[case::messages(Dialect::Embeddings, json!({"messages": [{"role": "user", "content": "a"}]}), &["a"])]
#[case::rerank(Dialect::Rerank, json!({"query": "q", "documents": ["a", {"text": "b"}]}), &["q\na", "q\nb"])]
#[case::score_one_to_many(Dialect::Score, json!({"text_1": "q", "text_2": ["a", "b"]}), &["q\na", "q\nb"])]
#[case::score_in_pairs(Dialect::Score, json!({"queries": ["p", "q"], "documents": ["a", "b"]}), &["p\na", "q\nb"])]
#[case::pooling(Dialect::Pooling, json!({"input": ["a"]}), &["a"])]
#[case::classify(Dialect::Classify, json!({"input": "a"}), &["a"])]
fn pooling(#[case] dialect: Dialect, #[case] body: Value, #[case] inputs: &[&str]) {
    let read = read(dialect, &body).unwrap();
    let inputs: Vec<_> = inputs.iter().flat_map(|input| text(input)).collect();
    assert_eq!(read.inputs, inputs);
    assert!(!read.stream);
    assert_eq!(read.max_tokens, 1);
}

#[rstest]
#[case(json!(null), UsageEvents::Never)]
#[case(json!({}), UsageEvents::Never)]
#[case(json!({"include_usage": true}), UsageEvents::Last)]
#[case(json!({"include_usage": true, "continuous_usage_stats": true}), UsageEvents::All)]
#[case(json!({"continuous_usage_stats": true}), UsageEvents::Never)]
fn usage_is_asked_for(#[case] options: Value, #[case] usage: UsageEvents) {
    let body = json!({"prompt": "x", "stream": true, "stream_options": options});
    let read = read(Dialect::Completions, &body).unwrap();
    assert_eq!((read.stream, read.usage), (true, usage));
}

#[rstest]
#[case::no_messages(Dialect::Chat, json!({"prompt": "x"}), "messages")]
#[case::no_prompt(Dialect::Completions, json!({"messages": []}), "prompt")]
#[case::empty_list(Dialect::Completions, json!({"prompt": []}), "at least one prompt")]
#[case::empty_text(Dialect::Completions, json!({"prompt": ""}), "must be provided and non-empty")]
#[case::empty_texts(Dialect::Completions, json!({"prompt": ["", ""]}), "The decoder prompt cannot be empty")]
#[case::empty_inputs(Dialect::GenerateStream, json!({"inputs": ""}), "The decoder prompt cannot be empty")]
#[case::empty_sglang(Dialect::Generate, json!({"text": ""}), "The decoder prompt cannot be empty")]
#[case::empty_triton(Dialect::Triton, json!({"text_input": ""}), "The decoder prompt cannot be empty")]
#[case::empty_chat(Dialect::Chat, json!({"messages": []}), "list index out of range")]
#[case::empty_ollama(Dialect::OllamaChat, json!({"messages": []}), "list index out of range")]
#[case::empty_anthropic(Dialect::Messages, json!({"model": "m", "messages": [], "max_tokens": 1}), "list index out of range")]
#[case::empty_responses(Dialect::Responses, json!({"input": []}), "list index out of range")]
#[case::empty_embeddings(Dialect::Embeddings, json!({"input": []}), "at least one prompt")]
#[case::no_role(Dialect::Chat, json!({"messages": [{"content": "x"}]}), "body.messages.0.role")]
#[case::unknown_part(Dialect::Chat, json!({"messages": [{"role": "user", "content": [{"type": "smell"}]}]}), "Unsupported chat content part type: 'smell'")]
#[case::unknown_anthropic_part(Dialect::Messages, json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "smell"}]}], "max_tokens": 1}), "'smell'")]
#[case::unknown_input_part(Dialect::Responses, json!({"input": [{"role": "user", "content": [{"type": "smell"}]}]}), "'smell'")]
#[case::cold_tgi(Dialect::Generate, json!({"inputs": "x", "parameters": {"temperature": -1}}), "temperature must be non-negative")]
#[case::cold_sglang(Dialect::Generate, json!({"text": "x", "sampling_params": {"temperature": -1}}), "temperature must be non-negative")]
#[case::cold_ollama(Dialect::OllamaGenerate, json!({"prompt": "x", "options": {"temperature": -1}}), "temperature must be non-negative")]
#[case::cold_llama(Dialect::Llama, json!({"prompt": "x", "temperature": -1}), "temperature must be non-negative")]
#[case::cold_triton(Dialect::Triton, json!({"text_input": "x", "temperature": -1}), "temperature must be non-negative")]
#[case::empty_token_list(Dialect::Completions, json!({"prompt": [[]]}), "The decoder prompt cannot be empty")]
#[case::wrong_type(Dialect::Completions, json!({"prompt": 7}), "Prompt")]
#[case::nothing_to_generate(Dialect::Chat, json!({"messages": [{"role": "user"}], "max_tokens": 0}), "at least 1, got 0")]
#[case::too_much_to_generate(Dialect::Chat, json!({"messages": [{"role": "user"}], "max_tokens": 1_u64 << 40}), "too large: 1099511627776")]
#[case::negative(Dialect::Chat, json!({"messages": [{"role": "user"}], "max_tokens": -1}), "-1")]
#[case::no_input(Dialect::Responses, json!({}), "input")]
#[case::no_length(Dialect::Messages, json!({"model": "m", "messages": []}), "max_tokens")]
#[case::no_inputs(Dialect::GenerateStream, json!({"text": "x"}), "inputs")]
#[case::no_llama_prompt(Dialect::Llama, json!({}), "prompt")]
#[case::no_embedding_input(Dialect::Embeddings, json!({}), "input")]
#[case::wrong_encoding(Dialect::Embeddings, json!({"input": "a", "encoding_format": "hex"}), "encoding_format")]
#[case::no_dimensions(Dialect::Embeddings, json!({"input": "a", "dimensions": 0}), "dimensions")]
#[case::no_documents(Dialect::Rerank, json!({"query": "q", "documents": []}), "documents")]
#[case::unequal_pairs(Dialect::Score, json!({"text_1": ["a", "b"], "text_2": ["c", "d", "e"]}), "text_1")]
fn refused(#[case] dialect: Dialect, #[case] body: Value, #[case] names: &str) {
    let refusal = read(dialect, &body).unwrap_err();
    assert_eq!(refusal.status(), 400);
    assert!(refusal.body().contains(names), "{}", refusal.body());
}

/// What vLLM 0.32's own request models, sampling parameters and handlers answer; see
/// `fixtures/vllm/refusals.py`.
#[test]
fn refusals_have_vllms_bodies() {
    #[derive(serde::Deserialize)]
    struct Recorded {
        path: String,
        request: String,
        status: u16,
        body: String,
    }
    let recorded = include_str!("../../../../fixtures/vllm/refusals.jsonl").lines();
    let (mut held, mut differ) = (0, Vec::new());
    for line in recorded {
        let recorded: Recorded = serde_json::from_str(line).unwrap();
        let dialect = Dialect::at(&recorded.path).unwrap();
        let read = dialect.read(recorded.request.as_bytes());
        let said = read.map_or_else(|refusal| refusal.body(), |_| "taken".to_owned());
        let expected = match recorded.status {
            200 => "taken".to_owned(),
            _ => recorded.body,
        };
        if said != expected {
            differ.push(format!("{}\n  {said}\n  {expected}", recorded.request));
        }
        held += 1;
    }
    assert!(
        differ.is_empty() && held > 100,
        "{held}:\n{}",
        differ.join("\n")
    );
}
