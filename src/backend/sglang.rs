//! `sglang`: SGLang's native `/generate`.

use super::{
    Backend, Decode, WireOptions,
    answer::{
        Dialect, SseDecoder, Unread, count, decoder, error_in, is_first, lenient, push, seen,
        string,
    },
    body::Body,
    structured,
};
use crate::{
    clock::Nanos,
    plan::{PlannedRequest, Prompt, Shape},
    record::{Channel, Reply, Usage},
    structure::Structure,
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

/// SGLang's native `/generate`.
///
/// The body's keys are `text` or `input_ids`, `sampling_params` (`max_new_tokens`, `ignore_eos` when on) and
/// `stream`, in this order. `sampling_params` of `extra_body` are added to ours. (Behind SGLang's OpenAI paths it is
/// `openai` or `openai-chat`.)
///
/// An event has the text so far and the running counts; it moves the token clock when either grew. Where a server is
/// set to send only what is new, the texts are put together.
#[derive(Debug, Clone, Copy)]
pub struct Sglang;

impl Backend for Sglang {
    fn name(&self) -> &'static str {
        "sglang"
    }

    fn endpoint(&self, _stream: bool) -> &'static str {
        "/generate"
    }

    fn takes(&self, shape: Shape) -> bool {
        matches!(shape, Shape::Text | Shape::Tokens)
    }

    fn takes_priority(&self) -> bool {
        true
    }

    fn names_model(&self) -> bool {
        false
    }

    fn structured(&self, structure: &Structure) -> Option<Map<String, Value>> {
        // SGLang wants schemas and tags as text.
        let (key, value) = match structure {
            Structure::Json { schema, .. } => ("json_schema", schema.to_string()),
            Structure::Regex(pattern) => ("regex", pattern.clone()),
            Structure::Grammar(grammar) => ("ebnf", grammar.clone()),
            Structure::StructuralTag(tag) => ("structural_tag", tag.to_string()),
            Structure::Choice(_) => return None,
        };
        structured::field("sampling_params", json!({key: value}))
    }

    fn encode(&self, request: &PlannedRequest, options: &WireOptions) -> Option<Bytes> {
        let mut body = Body::default();
        match &request.prompt {
            Prompt::Text(text) => body.set("text", text.as_str()),
            Prompt::Tokens(ids) => body.set("input_ids", ids.clone()),
            _ => return None,
        }
        let mut sampling = json!({"max_new_tokens": request.output_tokens});
        if options.ignore_eos {
            sampling["ignore_eos"] = true.into();
        }
        body.set("sampling_params", sampling);
        body.set("stream", options.stream);
        Some(body.extend_with("sampling_params", options))
    }

    fn decoder(&self, stream: bool) -> Box<dyn Decode> {
        decoder(Grown::default(), stream)
    }
}

/// What was seen so far of an answer.
#[derive(Debug, Default)]
struct Grown {
    tokens: u64,
}

/// An event, or a whole answer.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "lenient")]
    meta_info: Option<Meta>,
    #[serde(borrow)]
    index: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct Meta {
    #[serde(default, deserialize_with = "count")]
    prompt_tokens: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    completion_tokens: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    cached_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    finish_reason: Option<Finish>,
}

/// The finish reason: an object in most versions, a word in old ones.
#[derive(Deserialize)]
#[serde(untagged)]
enum Finish {
    Typed {
        #[serde(rename = "type")]
        kind: String,
    },
    Word(String),
}

impl Meta {
    fn note(self, reply: &mut Reply) {
        if let Some(Finish::Typed { kind: word } | Finish::Word(word)) = self.finish_reason
            && !word.is_empty()
        {
            reply.finish = Some(word);
        }
        if self.completion_tokens.is_some() || self.prompt_tokens.is_some() {
            reply.usage = Some(Usage {
                prompt_tokens: self.prompt_tokens,
                completion_tokens: self.completion_tokens,
                cached_tokens: self.cached_tokens,
                reasoning_tokens: None,
            });
        }
    }
}

impl Dialect for Grown {
    type Frames = SseDecoder;
    const LACKS: &'static str = "with neither a finish reason nor [DONE]";

    fn event(&mut self, at: Nanos, json: &str, reply: &mut Reply) -> Result<(), Unread> {
        let event: Event<'_> = serde_json::from_str(json)?;
        error_in(event.error)?;
        if !is_first(event.index) {
            return Ok(());
        }
        let text = event.text.and_then(string).unwrap_or_default();
        let meta = event.meta_info.unwrap_or_default();
        let new = text.strip_prefix(reply.text.as_str()).unwrap_or(&text);
        let tokens = meta.completion_tokens.unwrap_or(self.tokens);
        let more = tokens.saturating_sub(self.tokens);
        self.tokens = tokens;
        if more > 0 || !new.is_empty() {
            push(at, Channel::Answer, new, more, reply);
        }
        meta.note(reply);
        Ok(())
    }

    fn whole(&mut self, json: &str, reply: &mut Reply) -> Result<(Channel, Option<u64>), Unread> {
        let answer: Event<'_> = serde_json::from_str(json)?;
        error_in(answer.error)?;
        let text = string(answer.text.ok_or(Unread::Lacks("text"))?);
        reply.text = text.unwrap_or_default().into_owned();
        answer.meta_info.unwrap_or_default().note(reply);
        Ok((seen(&reply.text), None))
    }
}
