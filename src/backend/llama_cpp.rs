//! `llama.cpp`: the native `/completion` of llama.cpp's server.

use super::{
    Backend, Decode, WireOptions,
    answer::{
        Dialect, SseDecoder, Unread, count, decoder, error_in, flag, is_first, length, lenient,
        push, seen, string, word,
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
use serde_json::{Map, Value, value::RawValue};

/// The native `/completion` of llama.cpp's server.
///
/// The body's keys are `prompt`, `n_predict`, `stream` and, when on, `ignore_eos`, in this order. (Behind its OpenAI
/// paths it is `openai` or `openai-chat`.)
///
/// Every event has the number of tokens so far. The one with `stop` is the end; it moves the token clock only if it
/// has text.
#[derive(Debug, Clone, Copy)]
pub struct LlamaCpp;

impl Backend for LlamaCpp {
    fn name(&self) -> &'static str {
        "llama.cpp"
    }

    fn endpoint(&self, _stream: bool) -> &'static str {
        "/completion"
    }

    fn takes(&self, shape: Shape) -> bool {
        matches!(shape, Shape::Text | Shape::Tokens)
    }

    fn names_model(&self) -> bool {
        false
    }

    fn structured(&self, structure: &Structure) -> Option<Map<String, Value>> {
        match structure {
            Structure::Json { schema, .. } => structured::field("json_schema", schema.clone()),
            Structure::Grammar(grammar) => structured::field("grammar", grammar.as_str()),
            _ => None,
        }
    }

    fn encode(&self, request: &PlannedRequest, options: &WireOptions) -> Option<Bytes> {
        let prompt = match &request.prompt {
            Prompt::Text(text) => Value::from(text.as_str()),
            Prompt::Tokens(ids) => Value::from(ids.clone()),
            _ => return None,
        };
        let mut body = Body::default();
        body.set("prompt", prompt);
        body.set("n_predict", request.output_tokens);
        body.set("stream", options.stream);
        if options.ignore_eos {
            body.set("ignore_eos", true);
        }
        Some(body.extend(options))
    }

    fn decoder(&self, stream: bool) -> Box<dyn Decode> {
        decoder(Predicted::default(), stream)
    }
}

/// What was seen so far of an answer.
#[derive(Debug, Default)]
struct Predicted {
    tokens: u64,
}

/// An event, or a whole answer.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    tokens: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "flag")]
    stop: bool,
    #[serde(default, deserialize_with = "word")]
    stop_type: Option<String>,
    #[serde(default, deserialize_with = "count")]
    tokens_predicted: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    tokens_evaluated: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    timings: Option<Timings>,
    #[serde(borrow)]
    index: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Timings {
    #[serde(default, deserialize_with = "count")]
    cache_n: Option<u64>,
}

impl Event<'_> {
    fn note(self, reply: &mut Reply) {
        if self.tokens_predicted.is_some() || self.tokens_evaluated.is_some() {
            reply.usage = Some(Usage {
                prompt_tokens: self.tokens_evaluated,
                completion_tokens: self.tokens_predicted,
                cached_tokens: self.timings.and_then(|timings| timings.cache_n),
                reasoning_tokens: None,
            });
        }
        if self.stop {
            reply.done = true;
            reply.finish = self.stop_type;
        }
    }
}

impl Dialect for Predicted {
    type Frames = SseDecoder;
    const LACKS: &'static str = "without an event that says stop";

    fn event(&mut self, at: Nanos, json: &str, reply: &mut Reply) -> Result<(), Unread> {
        let event: Event<'_> = serde_json::from_str(json)?;
        error_in(event.error)?;
        if !is_first(event.index) {
            return Ok(());
        }
        let text = event.content.and_then(string).unwrap_or_default();
        let counted = event.tokens_predicted.map(|total| {
            let more = total.saturating_sub(self.tokens);
            self.tokens = total;
            more
        });
        let more = counted.or(event.tokens.and_then(length)).unwrap_or(0);
        if more > 0 || !text.is_empty() {
            push(at, Channel::Answer, &text, more, reply);
        }
        event.note(reply);
        Ok(())
    }

    fn is_complete(&self, reply: &Reply) -> bool {
        reply.done
    }

    fn whole(&mut self, json: &str, reply: &mut Reply) -> Result<(Channel, Option<u64>), Unread> {
        let answer: Event<'_> = serde_json::from_str(json)?;
        error_in(answer.error)?;
        let text = string(answer.content.ok_or(Unread::Lacks("content"))?);
        reply.text = text.unwrap_or_default().into_owned();
        answer.note(reply);
        Ok((seen(&reply.text), None))
    }
}
