//! `tgi`: Hugging Face's Text Generation Inference.

use super::{
    Backend, Decode, WireOptions,
    answer::{
        Dialect, SseDecoder, Unread, count, decoder, error_in, flag, lenient, push, seen, string,
        word,
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

/// TGI's native `/generate_stream`, or `/generate` without a stream.
///
/// The body's keys are `inputs` and `parameters` (`max_new_tokens`, `details`, `ignore_eos_token` when on).
/// `parameters` of `extra_body` are added to ours. The client of vLLM's old benchmark also truncated the prompt and
/// set a temperature; here the server's defaults hold.
///
/// Every token has an event. The last one has the whole text, the counts and the finish reason.
#[derive(Debug, Clone, Copy)]
pub struct Tgi;

impl Backend for Tgi {
    fn name(&self) -> &'static str {
        "tgi"
    }

    fn endpoint(&self, stream: bool) -> &'static str {
        if stream {
            "/generate_stream"
        } else {
            "/generate"
        }
    }

    fn takes(&self, shape: Shape) -> bool {
        shape == Shape::Text
    }

    fn names_model(&self) -> bool {
        false
    }

    fn structured(&self, structure: &Structure) -> Option<Map<String, Value>> {
        let (kind, value) = match structure {
            Structure::Json { schema, .. } => ("json", schema.clone()),
            Structure::Regex(pattern) => ("regex", json!(pattern)),
            _ => return None,
        };
        let grammar = json!({"type": kind, "value": value});
        structured::field("parameters", json!({"grammar": grammar}))
    }

    fn encode(&self, request: &PlannedRequest, options: &WireOptions) -> Option<Bytes> {
        let Prompt::Text(text) = &request.prompt else {
            return None;
        };
        let mut parameters = json!({"max_new_tokens": request.output_tokens, "details": true});
        if options.ignore_eos {
            parameters["ignore_eos_token"] = true.into();
        }
        let mut body = Body::default();
        body.set("inputs", text.as_str());
        body.set("parameters", parameters);
        Some(body.extend_with("parameters", options))
    }

    fn decoder(&self, stream: bool) -> Box<dyn Decode> {
        decoder(Tokens, stream)
    }
}

#[derive(Debug)]
struct Tokens;

/// An event, or a whole answer.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    token: Option<Token<'a>>,
    #[serde(borrow)]
    generated_text: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "lenient")]
    details: Option<Details>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Token<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    /// Whether the token is special, such as an end-of-text token.
    #[serde(default, deserialize_with = "flag")]
    special: bool,
}

#[derive(Deserialize)]
struct Details {
    #[serde(default, deserialize_with = "word")]
    finish_reason: Option<String>,
    #[serde(default, deserialize_with = "count")]
    generated_tokens: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    input_length: Option<u64>,
}

impl Event<'_> {
    /// The whole text, which comes with the end.
    fn end(self, reply: &mut Reply) -> Result<bool, Unread> {
        let text = self.generated_text.and_then(string);
        // Some servers write an empty text with every token.
        let empty =
            |text: &str| text.is_empty() && !reply.text.is_empty() && self.details.is_none();
        let Some(text) = text.filter(|text| !empty(text)) else {
            return Ok(false);
        };
        reply.text = text.into_owned();
        reply.done = true;
        if let Some(details) = self.details {
            reply.finish = details.finish_reason;
            reply.usage = Some(Usage {
                prompt_tokens: details.input_length,
                completion_tokens: details.generated_tokens,
                ..Usage::default()
            });
        }
        Ok(true)
    }
}

impl Dialect for Tokens {
    type Frames = SseDecoder;
    const LACKS: &'static str = "without generated_text";

    fn event(&mut self, at: Nanos, json: &str, reply: &mut Reply) -> Result<(), Unread> {
        let event: Event<'_> = serde_json::from_str(json)?;
        error_in(event.error)?;
        if let Some(token) = &event.token {
            let text = token.text.and_then(string).unwrap_or_default();
            let text = if token.special { "" } else { &text };
            push(at, Channel::Answer, text, 1, reply);
        }
        event.end(reply).map(|_| ())
    }

    fn is_complete(&self, reply: &Reply) -> bool {
        reply.done
    }

    fn whole(&mut self, json: &str, reply: &mut Reply) -> Result<(Channel, Option<u64>), Unread> {
        let answer: Event<'_> = serde_json::from_str(json)?;
        error_in(answer.error)?;
        if !answer.end(reply)? {
            return Err(Unread::Lacks("generated_text"));
        }
        Ok((seen(&reply.text), None))
    }
}
