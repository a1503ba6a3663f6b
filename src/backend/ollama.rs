//! `ollama`: Ollama's own chat.

use super::{
    Backend, Decode, WireOptions,
    answer::{Dialect, Lines, Unread, count, decoder, error_in, flag, push, string, truthy, word},
    body::Body,
    structured,
};
use crate::{
    clock::Nanos,
    plan::{MediaKind, MediaSource, PlannedRequest, Prompt, Shape},
    record::{Channel, Reply, Usage},
    structure::Structure,
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

/// Ollama's `/api/chat`.
///
/// The body's keys are `model`, `messages`, `options` (`num_predict`), `stream`, in this order.
/// `options` of `extra_body` are added to ours. Pictures must be in the request. There is no way to
/// ask for going on after the end of text.
///
/// The answer is a line of JSON a token; the line with `done` is the end and has the counts.
#[derive(Debug, Clone, Copy)]
pub struct Ollama;

impl Backend for Ollama {
    fn name(&self) -> &'static str {
        "ollama"
    }

    fn endpoint(&self, _stream: bool) -> &'static str {
        "/api/chat"
    }

    fn takes(&self, shape: Shape) -> bool {
        matches!(
            shape,
            Shape::Text | Shape::Messages | Shape::Media(MediaKind::Image)
        )
    }

    fn refuses(&self, prompt: &Prompt) -> Option<&'static str> {
        let Prompt::Media { media, .. } = prompt else {
            return None;
        };
        let by_url = |source: &MediaSource| matches!(source, MediaSource::Url(_));
        media
            .iter()
            .any(|part| by_url(&part.source))
            .then_some("takes pictures only inside requests, not by URL. Inline them")
    }

    fn ignores_eos(&self) -> bool {
        false
    }

    fn structured(&self, structure: &Structure) -> Option<Map<String, Value>> {
        match structure {
            Structure::Json { schema, .. } => structured::field("format", schema.clone()),
            _ => None,
        }
    }

    fn encode(&self, request: &PlannedRequest, options: &WireOptions) -> Option<Bytes> {
        let messages = match &request.prompt {
            Prompt::Text(text) => json!([{"role": "user", "content": text}]),
            Prompt::Messages(messages) => Value::from(messages.clone()),
            Prompt::Media { text, media } => {
                let mut images = Vec::new();
                for part in media {
                    match (part.kind, &part.source) {
                        (MediaKind::Image, MediaSource::Inline(file)) => {
                            images.push(file.content.as_str());
                        }
                        _ => return None,
                    }
                }
                json!([{"role": "user", "content": text, "images": images}])
            }
            _ => return None,
        };
        let mut body = Body::new(options);
        body.set("messages", messages);
        body.set("options", json!({"num_predict": request.output_tokens}));
        body.set("stream", options.stream);
        Some(body.extend_with("options", options))
    }

    fn decoder(&self, stream: bool) -> Box<dyn Decode> {
        decoder(ChatLines, stream)
    }
}

#[derive(Debug)]
struct ChatLines;

/// A line, or a whole answer.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    message: Option<Message<'a>>,
    /// The text of `/api/generate`.
    #[serde(borrow)]
    response: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "flag")]
    done: bool,
    #[serde(default, deserialize_with = "word")]
    done_reason: Option<String>,
    #[serde(default, deserialize_with = "count")]
    prompt_eval_count: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    eval_count: Option<u64>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    thinking: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_calls: Option<&'a RawValue>,
}

impl Line<'_> {
    /// The channel of the line, and its text.
    fn piece(&self) -> (Channel, String) {
        let message = self.message.as_ref();
        let content = message.and_then(|m| m.content).or(self.response);
        let thinking = message.and_then(|m| m.thinking).filter(truthy);
        let tools = message.and_then(|m| m.tool_calls).filter(truthy);
        let (channel, raw) = match content.filter(truthy) {
            Some(content) => (Channel::Answer, Some(content)),
            None if thinking.is_some() => (Channel::Reasoning, thinking),
            None if tools.is_some() => return (Channel::Tool, "…".to_owned()),
            None => (Channel::Silent, None),
        };
        let text = raw.and_then(string).unwrap_or_default();
        (channel, text.into_owned())
    }

    fn note(self, reply: &mut Reply) {
        if !self.done {
            return;
        }
        reply.done = true;
        reply.finish = self.done_reason;
        if self.eval_count.is_some() || self.prompt_eval_count.is_some() {
            reply.usage = Some(Usage {
                prompt_tokens: self.prompt_eval_count,
                completion_tokens: self.eval_count,
                ..Usage::default()
            });
        }
    }
}

impl Dialect for ChatLines {
    type Frames = Lines;
    const LACKS: &'static str = "without a line that says done";

    fn event(&mut self, at: Nanos, json: &str, reply: &mut Reply) -> Result<(), Unread> {
        let line: Line<'_> = serde_json::from_str(json)?;
        error_in(line.error)?;
        let (channel, text) = line.piece();
        // The last line usually says only that it is the last.
        if !line.done || channel != Channel::Silent {
            push(at, channel, &text, 0, reply);
        }
        line.note(reply);
        Ok(())
    }

    fn is_complete(&self, reply: &Reply) -> bool {
        reply.done
    }

    fn whole(&mut self, json: &str, reply: &mut Reply) -> Result<(Channel, Option<u64>), Unread> {
        let line: Line<'_> = serde_json::from_str(json)?;
        error_in(line.error)?;
        if line.message.is_none() && line.response.is_none() {
            return Err(Unread::Lacks("a message"));
        }
        let (channel, text) = line.piece();
        match channel {
            Channel::Answer => reply.text = text,
            Channel::Reasoning => reply.reasoning = text,
            Channel::Tool | Channel::Silent => {}
        }
        line.note(reply);
        Ok((channel, None))
    }
}
