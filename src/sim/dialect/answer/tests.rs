use super::*;
use crate::sim::dialect::Dialect;
use insta::assert_snapshot;
use proptest::prelude::*;

fn stream(mut answer: Answer) -> String {
    let events = (0..answer.tokens()).flat_map(|index| answer.burst(index..index + 1));
    events
        .map(|event| String::from_utf8(event.to_vec()).unwrap())
        .collect()
}

/// Any body will do: forms do not depend on what these dialects are asked.
fn form(dialect: Dialect) -> Box<dyn Form> {
    let body = br#"{"messages":[{"role":"user","content":"x"}],"prompt":"x"}"#;
    dialect.read(body).unwrap().form
}

fn answer(dialect: Dialect, tokens: u64) -> Answer {
    Answer::new(
        form(dialect),
        "1f",
        1_700_000_000,
        "tiny \"quoted\"",
        tokens,
        21,
    )
}

#[test]
fn chat_with_usage() {
    assert_snapshot!(stream(answer(Dialect::Chat, 2).usage(UsageEvents::Last)), @r#"
    data: {"id":"chatcmpl-1f","object":"chat.completion.chunk","created":1700000000,"model":"tiny \"quoted\"","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"prompt_token_ids":null,"prompt_text":null}

    data: {"id":"chatcmpl-1f","object":"chat.completion.chunk","created":1700000000,"model":"tiny \"quoted\"","choices":[{"index":0,"delta":{"content":" the"},"logprobs":null,"finish_reason":null,"token_ids":null}]}

    data: {"id":"chatcmpl-1f","object":"chat.completion.chunk","created":1700000000,"model":"tiny \"quoted\"","choices":[{"index":0,"delta":{"content":" of"},"logprobs":null,"finish_reason":"length","stop_reason":null,"token_ids":null}]}

    data: {"id":"chatcmpl-1f","object":"chat.completion.chunk","created":1700000000,"model":"tiny \"quoted\"","choices":[],"usage":{"prompt_tokens":21,"total_tokens":23,"completion_tokens":2},"system_fingerprint":"goodput-sim"}

    data: [DONE]
    "#);
}

#[test]
fn chat_without_usage() {
    assert_snapshot!(stream(answer(Dialect::Chat, 1)), @r#"
    data: {"id":"chatcmpl-1f","object":"chat.completion.chunk","created":1700000000,"model":"tiny \"quoted\"","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"prompt_token_ids":null,"prompt_text":null}

    data: {"id":"chatcmpl-1f","object":"chat.completion.chunk","created":1700000000,"model":"tiny \"quoted\"","choices":[{"index":0,"delta":{"content":" the"},"logprobs":null,"finish_reason":"length","stop_reason":null,"token_ids":null}],"system_fingerprint":"goodput-sim"}

    data: [DONE]
    "#);
}

#[test]
fn completions_with_usage_in_every_event() {
    assert_snapshot!(stream(answer(Dialect::Completions, 2).usage(UsageEvents::All)), @r#"
    data: {"id":"cmpl-1f","object":"text_completion","created":1700000000,"model":"tiny \"quoted\"","choices":[{"index":0,"text":" the","logprobs":null,"finish_reason":null,"stop_reason":null,"prompt_token_ids":null,"token_ids":null}],"usage":{"prompt_tokens":21,"total_tokens":22,"completion_tokens":1}}

    data: {"id":"cmpl-1f","object":"text_completion","created":1700000000,"model":"tiny \"quoted\"","choices":[{"index":0,"text":" of","logprobs":null,"finish_reason":"length","stop_reason":null,"prompt_token_ids":null,"token_ids":null}],"usage":{"prompt_tokens":21,"total_tokens":23,"completion_tokens":2}}

    data: {"id":"cmpl-1f","object":"text_completion","created":1700000000,"model":"tiny \"quoted\"","choices":[],"usage":{"prompt_tokens":21,"total_tokens":23,"completion_tokens":2},"system_fingerprint":"goodput-sim"}

    data: [DONE]
    "#);
}

#[test]
fn whole_answers() {
    assert_snapshot!(answer(Dialect::Chat, 3).whole(), @r#"{"id":"chatcmpl-1f","object":"chat.completion","created":1700000000,"model":"tiny \"quoted\"","choices":[{"index":0,"message":{"role":"assistant","content":" the of and","refusal":null,"annotations":null,"audio":null,"function_call":null,"reasoning":null},"logprobs":null,"finish_reason":"length","stop_reason":null,"token_ids":null,"routed_experts":null}],"service_tier":null,"system_fingerprint":"goodput-sim","usage":{"prompt_tokens":21,"total_tokens":24,"completion_tokens":3,"prompt_tokens_details":null,"completion_tokens_details":null},"prompt_logprobs":null,"prompt_token_ids":null,"prompt_text":null,"kv_transfer_params":null,"ec_transfer_params":null,"metrics":null}"#);
    assert_snapshot!(answer(Dialect::Completions, 3).whole(), @r#"{"id":"cmpl-1f","object":"text_completion","created":1700000000,"model":"tiny \"quoted\"","choices":[{"index":0,"text":" the of and","logprobs":null,"finish_reason":"length","stop_reason":null,"token_ids":null,"prompt_logprobs":null,"prompt_token_ids":null,"routed_experts":null}],"service_tier":null,"system_fingerprint":"goodput-sim","usage":{"prompt_tokens":21,"total_tokens":24,"completion_tokens":3,"prompt_tokens_details":null,"completion_tokens_details":null},"kv_transfer_params":null,"ec_transfer_params":null,"metrics":null}"#);
}

#[test]
fn a_burst_is_one_event() {
    let mut answer = answer(Dialect::Chat, 4).usage(UsageEvents::All);
    let counts: Vec<_> = [0..1, 1..4].map(|tokens| answer.burst(tokens)).into();
    // Role and token; then the burst, the usage and `[DONE]`.
    assert_eq!([counts[0].len(), counts[1].len()], [2, 3]);
    let event = String::from_utf8(counts[1][0].to_vec()).unwrap();
    assert!(
        event.contains(r#""delta":{"content":" of and to"}"#),
        "{event}"
    );
    assert!(event.contains(r#""completion_tokens":4"#), "{event}");
    assert!(event.contains(r#""finish_reason":"length""#), "{event}");
}

proptest! {
    #[test]
    fn every_event_is_json_and_the_text_is_that_of_the_whole_answer(
        tokens in 1_u64..60,
        chat: bool,
        id in ".*",
        model in ".*",
    ) {
        let dialect = if chat { Dialect::Chat } else { Dialect::Completions };
        let mut answer = Answer::new(form(dialect), &id, 1, &model, tokens, 5).usage(UsageEvents::Last);
        let mut text = String::new();
        let mut counted = 0;
        for event in (0..tokens).flat_map(|index| answer.burst(index..index + 1)) {
            let data = event.strip_prefix(b"data: ").and_then(|data| data.strip_suffix(b"\n\n")).unwrap();
            if data == b"[DONE]" {
                continue;
            }
            let event: Value = serde_json::from_slice(data).unwrap();
            prop_assert_eq!(event["model"].as_str(), Some(model.as_str()));
            counted = event["usage"]["completion_tokens"].as_u64().unwrap_or(counted);
            let choice = &event["choices"][0];
            let delta = if chat { &choice["delta"]["content"] } else { &choice["text"] };
            text.push_str(delta.as_str().unwrap_or_default());
        }
        prop_assert_eq!(counted, tokens);
        let whole: Value = serde_json::from_str(&answer.whole()).unwrap();
        let choice = &whole["choices"][0];
        let content = if chat { &choice["message"]["content"] } else { &choice["text"] };
        prop_assert_eq!(content.as_str(), Some(text.as_str()));
    }
}
