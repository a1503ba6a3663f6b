//! `openai-chat`: chat completions.

use super::{
    Backend, Decode, WireOptions,
    answer::{Choice, OpenAi, Piece, decoder, string, truthy},
    body::Body,
    parts::{MediaPosition, messages},
    structured,
};
use crate::{
    plan::{PlannedRequest, Shape},
    record::Channel,
    structure::Structure,
};
use bytes::Bytes;
use serde_json::{Map, Value};

/// OpenAI's chat completions, as vLLM's benchmark client sends them.
///
/// The body's keys are `model`, `messages`, `max_completion_tokens`, `stream`, `stream_options`, in this order. The
/// content of a message made from text is always a list of parts; pictures, films and sound come after the text, as
/// `image_url`, `video_url`, `audio_url` or, in the request itself, `input_audio`.
///
/// An event moves the token clock when the first choice's delta has `content`, `reasoning`, `tool_calls` or
/// `function_call` that is not empty, or has an empty `content` and no `role` (vLLM 0.33). `reasoning_content` counts
/// like `reasoning`, which in vLLM it does not.
#[derive(Debug, Clone, Copy)]
pub struct OpenAiChat;

impl Backend for OpenAiChat {
    fn name(&self) -> &'static str {
        "openai-chat"
    }

    fn endpoint(&self, _stream: bool) -> &'static str {
        "/v1/chat/completions"
    }

    fn takes_sampling(&self) -> bool {
        true
    }

    fn takes_priority(&self) -> bool {
        true
    }

    fn takes(&self, shape: Shape) -> bool {
        matches!(shape, Shape::Text | Shape::Messages | Shape::Media(_))
    }

    fn structured(&self, structure: &Structure) -> Option<Map<String, Value>> {
        structured::vllm(structure)
    }

    fn encode(&self, request: &PlannedRequest, options: &WireOptions) -> Option<Bytes> {
        let mut body = Body::new(options);
        body.set("messages", messages(&request.prompt, MediaPosition::Last)?);
        body.set("max_completion_tokens", request.output_tokens);
        Some(body.finish(options))
    }

    fn decoder(&self, stream: bool) -> Box<dyn Decode> {
        decoder(OpenAi::new(read), stream)
    }
}

pub(super) fn read<'a>(choice: &Choice<'a>) -> Piece<'a> {
    let Some(message) = choice.message() else {
        return Piece::default();
    };
    let content = message.content.filter(truthy);
    let reasoning = message
        .reasoning
        .filter(truthy)
        .or(message.reasoning_content.filter(truthy));
    let tool = message.tool_calls.filter(truthy);
    let tool = tool.or(message.function_call.filter(truthy));
    let channel = if content.is_some() {
        Some(Channel::Answer)
    } else if reasoning.is_some() {
        Some(Channel::Reasoning)
    } else if tool.is_some() {
        Some(Channel::Tool)
    } else {
        let empty = message.content.is_some_and(|raw| raw.get() == "\"\"");
        (empty && !message.has_role).then_some(Channel::Silent)
    };
    Piece {
        channel,
        text: content.and_then(string),
        reasoning: reasoning.and_then(string),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backend::testing::{body, decode, options, request},
        plan::Prompt,
        record::{Reply, RequestError},
    };
    use rstest::rstest;
    use serde_json::json;

    #[test]
    fn body_of_a_text_prompt() {
        let request = request(Prompt::Text("Say \"hi\".".into()));
        insta::assert_snapshot!(
            body(&OpenAiChat, &request, &options(true)),
            @r#"{"model":"tiny","messages":[{"role":"user","content":[{"type":"text","text":"Say \"hi\"."}]}],"max_completion_tokens":16,"stream":true,"stream_options":{"include_usage":true}}"#
        );
    }

    #[test]
    fn body_without_a_stream() {
        let request = request(Prompt::Text("Hi".into()));
        insta::assert_snapshot!(
            body(&OpenAiChat, &request, &options(false)),
            @r#"{"model":"tiny","messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}],"max_completion_tokens":16,"stream":false}"#
        );
    }

    #[test]
    fn messages_stay_as_they_are_and_extra_body_comes_last() {
        let messages = vec![json!({"role": "system", "content": "Be brief."})];
        let mut options = options(true);
        options.ignore_eos = true;
        options.extra_body = [
            ("temperature".to_owned(), json!(0.5)),
            ("max_completion_tokens".to_owned(), json!(3)),
            ("ignore_eos".to_owned(), json!(false)),
        ]
        .into_iter()
        .collect();
        insta::assert_snapshot!(
            body(&OpenAiChat, &request(Prompt::Messages(messages)), &options),
            @r#"{"model":"tiny","messages":[{"role":"system","content":"Be brief."}],"max_completion_tokens":3,"stream":true,"stream_options":{"include_usage":true},"ignore_eos":false,"temperature":0.5}"#
        );
    }

    #[rstest]
    #[case::role_only(r#"{"role":"assistant","content":""}"#, None)]
    #[case::role_null(r#"{"role":null,"content":""}"#, None)]
    #[case::empty_text(r#"{"content":""}"#, Some(Channel::Silent))]
    #[case::null_text(r#"{"content":null}"#, None)]
    #[case::nothing("{}", None)]
    #[case::null("null", None)]
    #[case::reasoning_content(r#"{"reasoning_content":"x"}"#, Some(Channel::Reasoning))]
    #[case::reasoning(r#"{"reasoning":"x"}"#, Some(Channel::Reasoning))]
    #[case::empty_reasoning(r#"{"reasoning":""}"#, None)]
    #[case::tool(r#"{"content":null,"tool_calls":[{"index":0}]}"#, Some(Channel::Tool))]
    #[case::no_tools(r#"{"tool_calls":[]}"#, None)]
    #[case::function(r#"{"function_call":{"name":"f"}}"#, Some(Channel::Tool))]
    #[case::text_with_role(r#"{"role":"assistant","content":"hi"}"#, Some(Channel::Answer))]
    #[case::text(r#"{"content":"hi"}"#, Some(Channel::Answer))]
    #[case::text_and_reasoning(r#"{"content":"hi","reasoning":"x"}"#, Some(Channel::Answer))]
    #[case::text_empty_and_reasoning(r#"{"content":"","reasoning":"x"}"#, Some(Channel::Reasoning))]
    #[case::parts(r#"{"content":[{"type":"text","text":"hi"}]}"#, Some(Channel::Answer))]
    fn what_moves_the_token_clock(#[case] delta: &str, #[case] expected: Option<Channel>) {
        let stream = format!("data: {{\"choices\":[{{\"delta\":{delta}}}]}}\n\n");
        let mut reply = Reply::default();
        decode(&OpenAiChat, true, stream.as_bytes(), &mut reply).unwrap_err();
        let channels: Vec<_> = reply.events.iter().map(|event| event.channel).collect();
        assert_eq!(channels, Vec::from_iter(expected));
    }

    #[rstest]
    #[case::text(r#"{"content":"a\n"}"#, "a\n", "")]
    #[case::reasoning(r#"{"reasoning":"r","reasoning_content":"r"}"#, "", "r")]
    #[case::both(r#"{"content":"a","reasoning_content":"r"}"#, "a", "r")]
    #[case::tool_arguments(r#"{"tool_calls":[{"function":{"arguments":"x"}}]}"#, "", "")]
    fn texts(#[case] delta: &str, #[case] text: &str, #[case] reasoning: &str) {
        let stream = format!("data: {{\"choices\":[{{\"delta\":{delta}}}]}}\n\ndata: [DONE]\n\n");
        let mut reply = Reply::default();
        decode(&OpenAiChat, true, stream.as_bytes(), &mut reply).unwrap();
        assert_eq!((&*reply.text, &*reply.reasoning), (text, reasoning));
    }

    #[rstest]
    #[case::text(r#"{"role":"assistant","content":"hi"}"#, Ok(Channel::Answer))]
    #[case::reasoning(
        r#"{"role":"assistant","content":null,"reasoning_content":"x"}"#,
        Ok(Channel::Reasoning)
    )]
    #[case::tool(
        r#"{"role":"assistant","content":null,"tool_calls":[{"id":"1"}]}"#,
        Ok(Channel::Tool)
    )]
    #[case::unseen(r#"{"role":"assistant","content":""}"#, Ok(Channel::Silent))]
    fn whole_answers(#[case] message: &str, #[case] expected: Result<Channel, RequestError>) {
        let answer = format!(
            r#"{{"choices":[{{"message":{message},"finish_reason":"stop"}}],"usage":{{"completion_tokens":5}}}}"#
        );
        let mut reply = Reply::default();
        let result = decode(&OpenAiChat, false, answer.as_bytes(), &mut reply);
        let event = reply.events.iter().next().unwrap();
        assert_eq!(result.map(|()| event.channel), expected);
        assert_eq!(event.tokens, 5);
        assert_eq!(reply.finish.as_deref(), Some("stop"));
    }
}
