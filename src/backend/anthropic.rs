//! `anthropic`: Anthropic's messages.

use super::{
    Backend, Decode, WireOptions,
    answer::{
        Dialect, SseDecoder, Unread, count, decoder, elements, error_in, lenient, name, push,
        string, word,
    },
    body::Body,
    structured,
};
use crate::{
    clock::Nanos,
    plan::{Media, MediaKind, MediaSource, PlannedRequest, Prompt, Shape},
    record::{Channel, Reply},
    structure::Structure,
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};
use std::borrow::Cow;

/// Anthropic's messages, which vLLM serves too.
///
/// The body's keys are `model`, `system` if a chat has such messages, `messages`, `max_tokens`,
/// `stream`, in this order. Pictures come after the text. The key goes into `x-api-key`.
///
/// The deltas of text, thinking and a tool's input move the token clock. `message_start` counts the
/// prompt, cached tokens included, `message_delta` the answer, and `message_stop` is the end. There
/// is no way to ask for going on after the end of text.
#[derive(Debug, Clone, Copy)]
pub struct Anthropic;

impl Backend for Anthropic {
    fn name(&self) -> &'static str {
        "anthropic"
    }

    fn endpoint(&self, _stream: bool) -> &'static str {
        "/v1/messages"
    }

    fn takes(&self, shape: Shape) -> bool {
        matches!(
            shape,
            Shape::Text | Shape::Messages | Shape::Media(MediaKind::Image)
        )
    }

    fn ignores_eos(&self) -> bool {
        false
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("content-type", "application/json"),
            ("anthropic-version", "2023-06-01"),
        ]
    }

    fn key_variable(&self) -> &'static str {
        "ANTHROPIC_API_KEY"
    }

    fn key_header(&self, key: &str) -> (&'static str, String) {
        ("x-api-key", key.to_owned())
    }

    fn structured(&self, structure: &Structure) -> Option<Map<String, Value>> {
        match structure {
            Structure::Json { schema, .. } => {
                let format = json!({"type": "json_schema", "schema": schema});
                structured::field("output_config", json!({"format": format}))
            }
            _ => None,
        }
    }

    fn encode(&self, request: &PlannedRequest, options: &WireOptions) -> Option<Bytes> {
        let mut body = Body::new(options);
        let messages = match &request.prompt {
            Prompt::Text(text) => json!([{"role": "user", "content": text}]),
            Prompt::Messages(messages) => {
                let is_system = |message: &&Value| message["role"] == "system";
                let system: Vec<Value> =
                    messages.iter().filter(is_system).flat_map(texts).collect();
                if !system.is_empty() {
                    body.set("system", system);
                }
                let others = messages.iter().filter(|message| !is_system(message));
                others.cloned().collect()
            }
            Prompt::Media { text, media } => {
                let mut content = Vec::new();
                if !text.is_empty() {
                    content.push(json!({"type": "text", "text": text}));
                }
                for part in media {
                    content.push(image(part)?);
                }
                json!([{"role": "user", "content": content}])
            }
            _ => return None,
        };
        body.set("messages", messages);
        body.set("max_tokens", request.output_tokens);
        body.set("stream", options.stream);
        Some(body.extend(options))
    }

    fn decoder(&self, stream: bool) -> Box<dyn Decode> {
        decoder(Messages, stream)
    }
}

/// The content of a system message as text blocks.
fn texts(message: &Value) -> Vec<Value> {
    match &message["content"] {
        Value::String(text) => vec![json!({"type": "text", "text": text})],
        Value::Array(blocks) => blocks.clone(),
        _ => Vec::new(),
    }
}

fn image(part: &Media) -> Option<Value> {
    let source = match &part.source {
        MediaSource::Url(url) => json!({"type": "url", "url": url}),
        MediaSource::Inline(file) => json!({
            "type": "base64",
            "media_type": file.mime,
            "data": file.content.as_str(),
        }),
    };
    (part.kind == MediaKind::Image).then(|| json!({"type": "image", "source": source}))
}

#[derive(Debug)]
struct Messages;

/// The fields of an event that are read.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type", borrow, default, deserialize_with = "name")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    delta: Option<Delta<'a>>,
    #[serde(default, deserialize_with = "lenient")]
    message: Option<Started>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<Counts>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// The new part of a block, or of the end of the message.
#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    thinking: Option<&'a RawValue>,
    #[serde(borrow)]
    partial_json: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "word")]
    stop_reason: Option<String>,
}

#[derive(Deserialize)]
struct Started {
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<Counts>,
}

#[derive(Deserialize)]
struct Counts {
    #[serde(default, deserialize_with = "count")]
    input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    output_tokens: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    cache_read_input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    cache_creation_input_tokens: Option<u64>,
}

impl Counts {
    /// Cached tokens are not among the input tokens.
    fn prompt_tokens(&self) -> Option<u64> {
        let cached = [
            self.cache_read_input_tokens,
            self.cache_creation_input_tokens,
        ];
        let cached = cached.into_iter().flatten().fold(0, u64::saturating_add);
        Some(self.input_tokens?.saturating_add(cached))
    }

    /// Later counts are running totals that may leave out what was said before.
    fn add_to(&self, reply: &mut Reply) {
        let usage = reply.usage.get_or_insert_default();
        usage.prompt_tokens = self.prompt_tokens().or(usage.prompt_tokens);
        usage.cached_tokens = self.cache_read_input_tokens.or(usage.cached_tokens);
        usage.completion_tokens = self.output_tokens.or(usage.completion_tokens);
    }
}

/// A message as a whole.
#[derive(Deserialize)]
struct Whole<'a> {
    #[serde(default, deserialize_with = "elements")]
    content: Option<Vec<Block>>,
    #[serde(default, deserialize_with = "word")]
    stop_reason: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<Counts>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Block {
    #[serde(default, deserialize_with = "word")]
    text: Option<String>,
    #[serde(default, deserialize_with = "word")]
    thinking: Option<String>,
}

impl Dialect for Messages {
    type Frames = SseDecoder;
    const LACKS: &'static str = "without message_stop";

    fn event(&mut self, at: Nanos, json: &str, reply: &mut Reply) -> Result<(), Unread> {
        let event: Event<'_> = serde_json::from_str(json)?;
        error_in(event.error)?;
        match &*event.kind {
            "content_block_delta" => {
                let delta = event.delta.ok_or(Unread::Lacks("delta"))?;
                let pieces = [
                    (Channel::Answer, delta.text),
                    (Channel::Reasoning, delta.thinking),
                    (Channel::Tool, delta.partial_json),
                ];
                // Signatures and citations are not tokens.
                let piece = pieces
                    .into_iter()
                    .find_map(|(channel, raw)| Some((channel, raw?)));
                if let Some((channel, raw)) = piece {
                    push(at, channel, &string(raw).unwrap_or_default(), 0, reply);
                }
                Ok(())
            }
            "message_start" => {
                if let Some(counts) = event.message.and_then(|message| message.usage) {
                    counts.add_to(reply);
                    // Nothing is generated yet, whatever the count says.
                    reply.usage.get_or_insert_default().completion_tokens = None;
                }
                Ok(())
            }
            "message_delta" => {
                if let Some(counts) = event.usage {
                    counts.add_to(reply);
                }
                if let Some(reason) = event.delta.and_then(|delta| delta.stop_reason) {
                    reply.finish = Some(reason);
                }
                Ok(())
            }
            "message_stop" => {
                reply.done = true;
                Ok(())
            }
            "error" => Err(Unread::Server),
            _ => Ok(()),
        }
    }

    fn is_complete(&self, reply: &Reply) -> bool {
        reply.done
    }

    fn whole(&mut self, json: &str, reply: &mut Reply) -> Result<(Channel, Option<u64>), Unread> {
        let whole: Whole<'_> = serde_json::from_str(json)?;
        error_in(whole.error)?;
        let content = whole.content.ok_or(Unread::Lacks("content"))?;
        let mut channel = if content.is_empty() {
            Channel::Silent
        } else {
            Channel::Tool
        };
        for block in content {
            if let Some(thinking) = block.thinking {
                reply.reasoning.push_str(&thinking);
                channel = Channel::Reasoning;
            }
            if let Some(text) = block.text {
                reply.text.push_str(&text);
            }
        }
        if !reply.text.is_empty() {
            channel = Channel::Answer;
        }
        reply.finish = whole.stop_reason;
        if let Some(counts) = whole.usage {
            counts.add_to(reply);
        }
        Ok((channel, None))
    }
}
