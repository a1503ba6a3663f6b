//! `deepspeed-mii`: DeepSpeed-MII.

use super::{
    Backend, Decode, WireOptions,
    answer::{Dialect, OpenAi, SseDecoder, Unread, error_in, seen, string, whole},
    body::Body,
    openai_completions,
};
use crate::{
    clock::Nanos,
    plan::{PlannedRequest, Prompt, Shape},
    record::{Channel, Reply},
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

/// DeepSpeed-MII's completions, as the client of vLLM's old benchmark called them.
///
/// The body's keys are `model`, `prompt`, `max_tokens`, in this order. The answer always comes in one piece, with
/// OpenAI's `choices` or with a list `text`: its one token event is the end, so that the time to the first token is
/// the whole. (vLLM calls it 0.)
#[derive(Debug, Clone, Copy)]
pub struct DeepSpeedMii;

impl Backend for DeepSpeedMii {
    fn name(&self) -> &'static str {
        "deepspeed-mii"
    }

    fn endpoint(&self, _stream: bool) -> &'static str {
        "/v1/completions"
    }

    fn takes(&self, shape: Shape) -> bool {
        shape == Shape::Text
    }

    fn streams(&self) -> bool {
        false
    }

    fn ignores_eos(&self) -> bool {
        false
    }

    fn encode(&self, request: &PlannedRequest, options: &WireOptions) -> Option<Bytes> {
        let Prompt::Text(text) = &request.prompt else {
            return None;
        };
        let mut body = Body::new(options);
        body.set("prompt", text.as_str());
        body.set("max_tokens", request.output_tokens);
        Some(body.extend(options))
    }

    fn decoder(&self, _stream: bool) -> Box<dyn Decode> {
        whole(Texts(OpenAi::new(openai_completions::read)))
    }
}

/// Reads choices, or else the first of `text`.
#[derive(Debug)]
struct Texts(OpenAi);

#[derive(Deserialize)]
struct Own<'a> {
    #[serde(borrow)]
    choices: Option<&'a RawValue>,
    #[serde(borrow)]
    text: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

impl Dialect for Texts {
    type Frames = SseDecoder;
    const LACKS: &'static str = OpenAi::LACKS;

    fn event(&mut self, at: Nanos, json: &str, reply: &mut Reply) -> Result<(), Unread> {
        self.0.event(at, json, reply)
    }

    fn whole(&mut self, json: &str, reply: &mut Reply) -> Result<(Channel, Option<u64>), Unread> {
        let own: Own<'_> = serde_json::from_str(json)?;
        error_in(own.error)?;
        if own.choices.is_some() {
            return self.0.whole(json, reply);
        }
        let texts = own.text.ok_or(Unread::Lacks("choices or text"))?;
        let text = texts.first().and_then(|raw| string(raw));
        reply.text = text.unwrap_or_default().into_owned();
        Ok((seen(&reply.text), None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::testing::decode;
    use rstest::rstest;

    #[rstest]
    #[case::choices(
        r#"{"choices":[{"text":"hi","finish_reason":"length"}]}"#,
        Some("length")
    )]
    #[case::own(r#"{"text":["hi","not this"]}"#, None)]
    fn both_forms_are_read(#[case] answer: &str, #[case] finish: Option<&str>) {
        let mut reply = Reply::default();
        decode(&DeepSpeedMii, true, answer.as_bytes(), &mut reply).unwrap();
        assert_eq!((&*reply.text, reply.finish.as_deref()), ("hi", finish));
        assert_eq!(reply.events.len(), 1);
    }
}
