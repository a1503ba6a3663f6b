//! `openai-responses`: OpenAI's responses.

use super::{
    Backend, Decode, WireOptions,
    answer::{
        Dialect, SseDecoder, Unread, count, decoder, elements, error_in, length, lenient, name,
        push, string, truthy, word,
    },
    body::Body,
    structured,
};
use crate::{
    clock::Nanos,
    plan::{Media, MediaKind, PlannedRequest, Prompt, Shape},
    record::{Channel, Reply, Usage},
    structure::Structure,
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};
use std::borrow::Cow;

/// OpenAI's responses, as vLLM's benchmark client sends them.
///
/// The body's keys are `model`, `input`, `max_output_tokens`, `stream`, `store` (false), in this order.
///
/// The deltas of output text and reasoning move the token clock, as in vLLM; those of a function's arguments and of a
/// refusal as well, which in vLLM do not. `response.completed` and `response.incomplete` are the end and bring the
/// usage.
#[derive(Debug, Clone, Copy)]
pub struct OpenAiResponses;

impl Backend for OpenAiResponses {
    fn name(&self) -> &'static str {
        "openai-responses"
    }

    fn endpoint(&self, _stream: bool) -> &'static str {
        "/v1/responses"
    }

    fn takes_sampling(&self) -> bool {
        true
    }

    fn takes_priority(&self) -> bool {
        true
    }

    fn takes(&self, shape: Shape) -> bool {
        matches!(
            shape,
            Shape::Text | Shape::Messages | Shape::Media(MediaKind::Image)
        )
    }

    fn structured(&self, structure: &Structure) -> Option<Map<String, Value>> {
        match structure {
            Structure::Json { schema, .. } => {
                let (kind, name) = ("json_schema", structured::NAME);
                let format = json!({"type": kind, "name": name, "schema": schema, "strict": true});
                structured::field("text", json!({"format": format}))
            }
            _ => None,
        }
    }

    fn encode(&self, request: &PlannedRequest, options: &WireOptions) -> Option<Bytes> {
        let input = match &request.prompt {
            Prompt::Text(text) => Value::from(text.as_str()),
            Prompt::Messages(messages) => Value::from(messages.clone()),
            Prompt::Media { text, media } => {
                let text = json!({"type": "input_text", "text": text});
                let mut parts = vec![text];
                for part in media {
                    parts.push(image(part)?);
                }
                json!([{"role": "user", "content": parts}])
            }
            _ => return None,
        };
        let mut body = Body::new(options);
        body.set("input", input);
        body.set("max_output_tokens", request.output_tokens);
        body.set("stream", options.stream);
        body.set("store", false);
        if options.ignore_eos {
            body.set("ignore_eos", true);
        }
        Some(body.extend(options))
    }

    fn decoder(&self, stream: bool) -> Box<dyn Decode> {
        decoder(Responses, stream)
    }
}

fn image(part: &Media) -> Option<Value> {
    let image = || json!({"type": "input_image", "image_url": part.source.url()});
    (part.kind == MediaKind::Image).then(image)
}

#[derive(Debug)]
struct Responses;

/// The fields of an event that are read.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type", borrow, default, deserialize_with = "name")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    delta: Option<&'a RawValue>,
    #[serde(borrow)]
    logprobs: Option<&'a RawValue>,
    #[serde(borrow)]
    response: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// A response as a whole.
#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow, default, deserialize_with = "name")]
    status: Cow<'a, str>,
    #[serde(default, deserialize_with = "lenient")]
    incomplete_details: Option<Incomplete>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<Counts>,
    #[serde(default, deserialize_with = "elements")]
    output: Option<Vec<Item>>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Incomplete {
    #[serde(default, deserialize_with = "word")]
    reason: Option<String>,
}

#[derive(Deserialize)]
struct Counts {
    #[serde(default, deserialize_with = "count")]
    input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    output_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    input_tokens_details: Option<InputDetails>,
    #[serde(default, deserialize_with = "lenient")]
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Deserialize)]
struct InputDetails {
    #[serde(default, deserialize_with = "count")]
    cached_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct OutputDetails {
    #[serde(default, deserialize_with = "count")]
    reasoning_tokens: Option<u64>,
}

/// A message, reasoning or a call in the output of a whole response.
#[derive(Deserialize)]
struct Item {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default, deserialize_with = "elements")]
    content: Option<Vec<Part>>,
}

#[derive(Deserialize)]
struct Part {
    #[serde(default, deserialize_with = "word")]
    text: Option<String>,
    #[serde(default, deserialize_with = "word")]
    refusal: Option<String>,
}

impl From<Counts> for Usage {
    fn from(counts: Counts) -> Usage {
        Usage {
            prompt_tokens: counts.input_tokens,
            completion_tokens: counts.output_tokens,
            cached_tokens: counts.input_tokens_details.and_then(|d| d.cached_tokens),
            reasoning_tokens: counts
                .output_tokens_details
                .and_then(|d| d.reasoning_tokens),
        }
    }
}

impl Response<'_> {
    /// Notes how the response ended.
    fn end(&mut self, reply: &mut Reply) -> Result<(), Unread> {
        if self.status == "failed" || self.error.as_ref().is_some_and(truthy) {
            return Err(Unread::Server);
        }
        reply.usage = self.usage.take().map(Usage::from);
        let reason = self.incomplete_details.take().and_then(|d| d.reason);
        let status = Some(self.status.clone().into_owned()).filter(|status| !status.is_empty());
        reply.finish = reason.or(status);
        reply.done = true;
        Ok(())
    }
}

/// The channel of an event of this type.
fn channel(kind: &str) -> Option<Channel> {
    Some(match kind {
        "response.output_text.delta" | "response.refusal.delta" => Channel::Answer,
        "response.reasoning_text.delta" | "response.reasoning_summary_text.delta" => {
            Channel::Reasoning
        }
        "response.function_call_arguments.delta" => Channel::Tool,
        _ => return None,
    })
}

impl Dialect for Responses {
    type Frames = SseDecoder;
    const LACKS: &'static str = "without response.completed";

    fn event(&mut self, at: Nanos, json: &str, reply: &mut Reply) -> Result<(), Unread> {
        let event: Event<'_> = serde_json::from_str(json)?;
        error_in(event.error)?;
        if let Some(channel) = channel(&event.kind) {
            let delta = event.delta.and_then(string).unwrap_or_default();
            let tokens = event.logprobs.and_then(length).unwrap_or(0);
            push(at, channel, &delta, tokens, reply);
            return Ok(());
        }
        match &*event.kind {
            "error" | "response.failed" => Err(Unread::Server),
            "response.completed" | "response.incomplete" => {
                let response = event.response.ok_or(Unread::Lacks("response"))?;
                serde_json::from_str::<Response<'_>>(response.get())?.end(reply)
            }
            _ => Ok(()),
        }
    }

    fn is_complete(&self, reply: &Reply) -> bool {
        reply.done
    }

    fn whole(&mut self, json: &str, reply: &mut Reply) -> Result<(Channel, Option<u64>), Unread> {
        let mut response: Response<'_> = serde_json::from_str(json)?;
        error_in(response.error)?;
        if response.status.is_empty() {
            return Err(Unread::Lacks("status"));
        }
        let mut channel = Channel::Silent;
        for item in response.output.iter().flatten() {
            let parts = item.content.iter().flatten();
            let text: String = parts
                .filter_map(|part| part.text.as_deref().or(part.refusal.as_deref()))
                .collect();
            match item.kind.as_str() {
                "reasoning" => reply.reasoning.push_str(&text),
                "message" => reply.text.push_str(&text),
                _ => channel = Channel::Tool,
            }
        }
        if !reply.text.is_empty() {
            channel = Channel::Answer;
        } else if !reply.reasoning.is_empty() {
            channel = Channel::Reasoning;
        }
        response.end(reply)?;
        Ok((channel, None))
    }
}
