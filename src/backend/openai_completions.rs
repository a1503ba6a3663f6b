//! `openai`, `vllm`, `lmdeploy` and `scalellm`: plain completions.

use super::{
    Backend, Decode, WireOptions,
    answer::{Choice, OpenAi, Piece, decoder, string, truthy},
    body::Body,
    structured,
};
use crate::{
    plan::{PlannedRequest, Prompt, Shape},
    record::Channel,
    structure::Structure,
};
use bytes::Bytes;
use serde_json::{Map, Value};

/// OpenAI's completions, as vLLM's benchmark client sends them.
///
/// The body's keys are `model`, `prompt`, `repetition_penalty`, `max_tokens`, `logprobs` (null when unset), `stream`,
/// `stream_options`, in this order.
///
/// Every event with a choice moves the token clock, also one without text (vLLM 0.33).
///
/// LMDeploy and ScaleLLM use the same dialect, but their prompts are texts only.
#[derive(Debug, Clone, Copy)]
pub struct OpenAiCompletions {
    name: &'static str,
    takes_token_ids: bool,
}

impl OpenAiCompletions {
    /// The backend `openai`.
    pub const OPENAI: Self = OpenAiCompletions::new("openai", true);
    /// The backend `vllm`.
    pub const VLLM: Self = OpenAiCompletions::new("vllm", true);
    /// The backend `lmdeploy`.
    pub const LMDEPLOY: Self = OpenAiCompletions::new("lmdeploy", false);
    /// The backend `scalellm`.
    pub const SCALELLM: Self = OpenAiCompletions::new("scalellm", false);

    const fn new(name: &'static str, takes_token_ids: bool) -> Self {
        OpenAiCompletions {
            name,
            takes_token_ids,
        }
    }
}

impl Backend for OpenAiCompletions {
    fn name(&self) -> &'static str {
        self.name
    }

    fn endpoint(&self, _stream: bool) -> &'static str {
        "/v1/completions"
    }

    fn takes_sampling(&self) -> bool {
        true
    }

    fn takes_priority(&self) -> bool {
        ["openai", "vllm"].contains(&self.name)
    }

    fn takes(&self, shape: Shape) -> bool {
        shape == Shape::Text || shape == Shape::Tokens && self.takes_token_ids
    }

    fn structured(&self, structure: &Structure) -> Option<Map<String, Value>> {
        // The completions of the others have no such field.
        let vllms = [Self::OPENAI.name, Self::VLLM.name].contains(&self.name);
        vllms.then(|| structured::vllm(structure)).flatten()
    }

    fn encode(&self, request: &PlannedRequest, options: &WireOptions) -> Option<Bytes> {
        let prompt = match &request.prompt {
            Prompt::Text(text) => Value::from(text.as_str()),
            Prompt::Tokens(ids) if self.takes_token_ids => Value::from(ids.clone()),
            _ => return None,
        };
        let mut body = Body::new(options);
        body.set("prompt", prompt);
        body.set("repetition_penalty", 1.0);
        body.set("max_tokens", request.output_tokens);
        body.set("logprobs", options.logprobs);
        Some(body.finish(options))
    }

    fn decoder(&self, stream: bool) -> Box<dyn Decode> {
        decoder(OpenAi::new(read), stream)
    }
}

pub(super) fn read<'a>(choice: &Choice<'a>) -> Piece<'a> {
    let text = choice.text.filter(truthy);
    Piece {
        channel: Some(text.map_or(Channel::Silent, |_| Channel::Answer)),
        text: text.and_then(string),
        reasoning: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backend::testing::{body, decode, options, request},
        record::{Reply, RequestError, Usage},
    };
    use rstest::rstest;
    use serde_json::json;

    const COMPLETIONS: OpenAiCompletions = OpenAiCompletions::VLLM;

    #[test]
    fn body_of_a_text_prompt() {
        let request = request(Prompt::Text("Once upon".into()));
        insta::assert_snapshot!(
            body(&COMPLETIONS, &request, &options(true)),
            @r#"{"model":"tiny","prompt":"Once upon","repetition_penalty":1.0,"max_tokens":16,"logprobs":null,"stream":true,"stream_options":{"include_usage":true}}"#
        );
    }

    #[test]
    fn body_of_token_ids_with_everything_set() {
        let options = WireOptions {
            ignore_eos: true,
            logprobs: Some(2),
            extra_body: [("repetition_penalty".to_owned(), json!(1.1))]
                .into_iter()
                .collect(),
            ..options(false)
        };
        insta::assert_snapshot!(
            body(&COMPLETIONS, &request(Prompt::Tokens(vec![46, 355])), &options),
            @r#"{"model":"tiny","prompt":[46,355],"repetition_penalty":1.1,"max_tokens":16,"logprobs":2,"stream":false,"ignore_eos":true}"#
        );
    }

    /// A stream of these choices, some with usage, ended by `[DONE]`.
    fn stream(chunks: &[&str]) -> String {
        let event = |chunk: &&str| format!("data: {{{chunk}}}\n\n");
        chunks.iter().map(event).collect::<String>() + "data: [DONE]\n\n"
    }

    #[rstest]
    #[case::unknown(&[r#""choices":[{"text":"a"}]"#], &[0])]
    #[case::ids(&[r#""choices":[{"text":"a","token_ids":[1,2]}]"#], &[2])]
    #[case::running_usage(
        &[
            r#""choices":[{"text":"a"}],"usage":{"completion_tokens":1}"#,
            r#""choices":[{"text":"b"}],"usage":{"completion_tokens":5}"#,
            r#""choices":[],"usage":{"completion_tokens":5}"#,
        ],
        &[1, 4]
    )]
    #[case::total_with_the_last_event_only(
        &[
            r#""choices":[{"text":"a"}]"#,
            r#""choices":[{"text":""}],"usage":{"completion_tokens":9}"#,
        ],
        &[0, 0]
    )]
    #[case::ids_before_running_usage(
        &[
            r#""choices":[{"text":"a","token_ids":[7]}],"usage":{"completion_tokens":3}"#,
            r#""choices":[{"text":"b"}],"usage":{"completion_tokens":4}"#,
        ],
        &[1, 1]
    )]
    #[case::usage_that_shrinks(
        &[
            r#""choices":[{"text":"a"}],"usage":{"completion_tokens":3}"#,
            r#""choices":[{"text":"b"}],"usage":{"completion_tokens":2}"#,
        ],
        &[3, 0]
    )]
    fn tokens_of_events(#[case] chunks: &[&str], #[case] expected: &[u32]) {
        let mut reply = Reply::default();
        decode(&COMPLETIONS, true, stream(chunks).as_bytes(), &mut reply).unwrap();
        let tokens: Vec<_> = reply.events.iter().map(|event| event.tokens).collect();
        assert_eq!(tokens, expected);
    }

    #[rstest]
    #[case::text(r#"{"text":"a"}"#, Channel::Answer)]
    #[case::empty(r#"{"text":""}"#, Channel::Silent)]
    #[case::null(r#"{"text":null}"#, Channel::Silent)]
    #[case::finish_only(r#"{"finish_reason":"stop"}"#, Channel::Silent)]
    fn every_choice_moves_the_token_clock(#[case] choice: &str, #[case] expected: Channel) {
        let chunk = format!("\"choices\":[{choice}]");
        let mut reply = Reply::default();
        decode(&COMPLETIONS, true, stream(&[&chunk]).as_bytes(), &mut reply).unwrap();
        let channels: Vec<_> = reply.events.iter().map(|event| event.channel).collect();
        assert_eq!(channels, [expected]);
    }

    const A: &str = r#"data: {"choices":[{"text":"a","finish_reason":null}]}"#;

    #[rstest]
    #[case::error_event(
        &format!("{A}\n\ndata: {{\"error\":{{\"message\":\"out of memory\"}}}}\n\ndata: [DONE]\n\n"),
        "error event in the stream: out of memory"
    )]
    #[case::named_error_event(
        &format!("{A}\n\nevent: error\ndata: out of memory\n\n"),
        "error event in the stream: out of memory"
    )]
    #[case::old_error_event(
        &format!("{A}\n\ndata: {{\"object\":\"error\",\"message\":\"too long\"}}\n\n"),
        "error event in the stream: too long"
    )]
    #[case::cut_between_events(
        &format!("{A}\n\n"),
        "the stream ended early: after 1 token events, with neither a finish reason nor [DONE]"
    )]
    #[case::cut_inside_an_event(
        &format!("{A}\n\ndata: {{\"choi"),
        "the stream ended early: inside an event: {\"choi"
    )]
    #[case::invalid_json(
        &format!("{A}\n\ndata: {{\"choices\"}}\n\n"),
        "unreadable answer: invalid JSON (expected `:` at line 1 column 11) in the stream: {\"choices\"}"
    )]
    #[case::no_object(
        &format!("{A}\n\ndata: 12\n\n"),
        "the stream ended early: after 1 token events, with neither a finish reason nor [DONE]. An \
         event was not JSON: 12"
    )]
    fn failures_keep_what_came_before(#[case] body: &str, #[case] expected: &str) {
        let mut reply = Reply::default();
        let error = decode(&COMPLETIONS, true, body.as_bytes(), &mut reply).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!((&*reply.text, reply.events.len()), ("a", 1));
    }

    #[rstest]
    #[case::told_again(&[r#""choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}"#], Some(2))]
    #[case::not_told_again(&[], None)]
    fn usage_in_the_middle_is_neither_the_end_nor_the_count(
        #[case] last: &[&str],
        #[case] expected: Option<u64>,
    ) {
        let first = [
            r#""choices":[{"text":"a"}]"#,
            r#""choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}"#,
            r#""choices":[{"text":"b"}]"#,
        ];
        let whole = stream(&[&first, last].concat());
        let cut_off = whole.trim_end_matches("data: [DONE]\n\n");
        let mut reply = Reply::default();
        let outcome = decode(&COMPLETIONS, true, cut_off.as_bytes(), &mut reply);
        assert_eq!(outcome.is_ok(), expected.is_some(), "{outcome:?}");
        let usage = reply.usage.unwrap();
        assert_eq!(
            (usage.prompt_tokens, usage.completion_tokens),
            (Some(3), expected)
        );
    }

    #[rstest]
    #[case::done("data: [DONE]\n\n")]
    #[case::usage(r#"data: {"choices":[],"usage":{"completion_tokens":0}}"#)]
    #[case::silent_and_zero(
        r#"data: {"choices":[{"text":"","finish_reason":"stop"}],"usage":{"completion_tokens":0}}"#
    )]
    fn a_complete_answer_without_tokens_is_a_failure(#[case] body: &str) {
        let result = decode(&COMPLETIONS, true, body.as_bytes(), &mut Reply::default());
        assert_eq!(result, Err(RequestError::NoTokens));
    }

    #[rstest]
    #[case::finish(r#"data: {"choices":[{"text":"a","finish_reason":"stop"}]}"#)]
    #[case::done(&format!("{A}\n\ndata: [DONE]"))]
    #[case::closing_usage(&format!("{A}\n\ndata: {{\"choices\":[],\"usage\":{{}}}}\n\n"))]
    #[case::pings(&format!(": hi\n\n{A}\n\ndata: {{\"type\":\"ping\"}}\n\ndata:\n\ndata: [DONE]\n\n"))]
    fn what_makes_an_answer_complete(#[case] body: &str) {
        let mut reply = Reply::default();
        decode(&COMPLETIONS, true, body.as_bytes(), &mut reply).unwrap();
        assert_eq!((&*reply.text, reply.events.len()), ("a", 1));
    }

    #[test]
    fn running_usage_does_not_make_an_answer_complete() {
        let body = r#"data: {"choices":[{"text":"a"}],"usage":{"completion_tokens":1}}"#;
        let result = decode(&COMPLETIONS, true, body.as_bytes(), &mut Reply::default());
        assert!(
            matches!(result, Err(RequestError::Truncated { .. })),
            "{result:?}"
        );
    }

    #[rstest]
    #[case::html(
        true,
        "<html><title>Login</title>",
        "unreadable answer: HTML page: Login although an event stream"
    )]
    #[case::json(
        true,
        r#"{"choices":[{"text":"a"}]}"#,
        "unreadable answer: a JSON object although an event stream"
    )]
    #[case::json_error(
        true,
        r#"{"error":{"message":"busy"}}"#,
        "error event in the stream: busy"
    )]
    #[case::empty(true, "", "the stream ended early: the body was empty")]
    #[case::comments(true, ": ping\n\n", "the stream ended early: after 0 token events")]
    #[case::html_whole(
        false,
        "<html></html>",
        "unreadable answer: HTML page although a JSON object"
    )]
    #[case::stream_whole(
        false,
        "data: {}\n\n",
        "unreadable answer: an event stream although a JSON object"
    )]
    #[case::cut_whole(
        false,
        r#"{"choices":["#,
        "the stream ended early: inside a JSON object of 12 bytes"
    )]
    #[case::wrong_whole(
        false,
        r#"{"choices":7}"#,
        "unreadable answer: invalid JSON (invalid type: integer `7`"
    )]
    #[case::error_whole(false, r#"{"error":"busy"}"#, "error event in the stream: busy")]
    #[case::no_choices(
        false,
        r#"{"choices":[]}"#,
        "unreadable answer: a JSON object although an answer with choices"
    )]
    #[case::no_tokens(
        false,
        r#"{"choices":[{"text":""}]}"#,
        "a complete answer without a single token"
    )]
    fn other_bodies(#[case] stream: bool, #[case] body: &str, #[case] expected: &str) {
        let result = decode(&COMPLETIONS, stream, body.as_bytes(), &mut Reply::default());
        let error = result.unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }

    #[test]
    fn the_last_usage_counts() {
        let body = stream(&[
            r#""choices":[{"text":"a"}],"usage":{"completion_tokens":1,"prompt_tokens":3}"#,
            r#""choices":[],"usage":{"completion_tokens":2,"prompt_tokens":3}"#,
            r#""choices":[],"usage":null"#,
        ]);
        let mut reply = Reply::default();
        decode(&COMPLETIONS, true, body.as_bytes(), &mut reply).unwrap();
        let expected = Usage {
            prompt_tokens: Some(3),
            completion_tokens: Some(2),
            ..Usage::default()
        };
        assert_eq!(reply.usage, Some(expected));
    }
}
