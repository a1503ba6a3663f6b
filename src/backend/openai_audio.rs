//! `openai-audio`: transcriptions and translations of recordings.

use super::{
    Backend, Decode, WireOptions,
    answer::{
        Choice, Dialect, OpenAi, Piece, SseDecoder, Unread, decoder, error_in, string, truthy,
    },
    multipart::{CONTENT_TYPE, Form},
};
use crate::{
    clock::Nanos,
    plan::{PlannedRequest, Prompt, Shape},
    record::{Channel, Reply},
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// OpenAI's transcriptions, as vLLM's benchmark client sends them; with the endpoint `/v1/audio/translations` its
/// translations.
///
/// The form's fields are `file`, `model`, `max_completion_tokens`, `stream`, `language` (`en` unless `extra_body` has
/// another; null leaves it out) and, when streaming, `stream_include_usage` and `stream_continuous_usage_stats`, in
/// this order.
///
/// Every event with a choice moves the token clock, as in vLLM.
#[derive(Debug, Clone, Copy)]
pub struct OpenAiAudio;

impl Backend for OpenAiAudio {
    fn name(&self) -> &'static str {
        "openai-audio"
    }

    fn endpoint(&self, _stream: bool) -> &'static str {
        "/v1/audio/transcriptions"
    }

    fn takes(&self, shape: Shape) -> bool {
        shape == Shape::Audio
    }

    fn ignores_eos(&self) -> bool {
        false
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("content-type", CONTENT_TYPE)]
    }

    fn encode(&self, request: &PlannedRequest, options: &WireOptions) -> Option<Bytes> {
        let Prompt::Audio(audio) = &request.prompt else {
            return None;
        };
        let mut form = Form::default();
        let file = &audio.file;
        form.file("file", &file.name, &file.mime, &file.content.decode());
        let tokens = request.output_tokens.to_string();
        let mut fields = vec![
            ("model", options.model.as_str()),
            ("max_completion_tokens", &tokens),
            ("stream", if options.stream { "true" } else { "false" }),
            ("language", "en"),
        ];
        if options.stream {
            fields.push(("stream_include_usage", "true"));
            fields.push(("stream_continuous_usage_stats", "true"));
        }
        for (name, value) in fields {
            if !options.extra_body.contains_key(name) {
                form.text(name, value);
            }
        }
        for (name, value) in &options.extra_body {
            match value {
                Value::Null => {}
                Value::String(text) => form.text(name, text),
                other => form.text(name, &other.to_string()),
            }
        }
        Some(form.finish())
    }

    fn decoder(&self, stream: bool) -> Box<dyn Decode> {
        decoder(Transcription(OpenAi::new(read)), stream)
    }
}

fn read<'a>(choice: &Choice<'a>) -> Piece<'a> {
    let text = choice.message().and_then(|message| message.content);
    let text = text.filter(truthy);
    Piece {
        channel: Some(text.map_or(Channel::Silent, |_| Channel::Answer)),
        text: text.and_then(string),
        reasoning: None,
    }
}

/// A transcription. Streamed it has choices; in one piece it has only the text.
#[derive(Debug)]
struct Transcription(OpenAi);

#[derive(Deserialize)]
struct Whole<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

impl Dialect for Transcription {
    type Frames = SseDecoder;
    const LACKS: &'static str = OpenAi::LACKS;

    fn event(&mut self, at: Nanos, json: &str, reply: &mut Reply) -> Result<(), Unread> {
        self.0.event(at, json, reply)
    }

    fn is_complete(&self, reply: &Reply) -> bool {
        self.0.is_complete(reply)
    }

    fn whole(&mut self, json: &str, reply: &mut Reply) -> Result<(Channel, Option<u64>), Unread> {
        let whole: Whole<'_> = serde_json::from_str(json)?;
        error_in(whole.error)?;
        let text = string(whole.text.ok_or(Unread::Lacks("text"))?);
        let text = text.filter(|text| !text.is_empty());
        reply.text = text.ok_or(Unread::NoTokens)?.into_owned();
        Ok((Channel::Answer, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backend::testing::{body, options, recording, request},
        record::Reply,
    };
    use serde_json::json;

    #[test]
    fn extra_fields_replace_ours_and_null_leaves_one_out() {
        let mut options = options(false);
        let extra = [
            ("language".to_owned(), Value::Null),
            ("model".to_owned(), json!("other")),
            ("temperature".to_owned(), json!(0.5)),
        ];
        options.extra_body = extra.into_iter().collect();
        let form = body(&OpenAiAudio, &request(recording()), &options);
        assert!(
            !form.contains("\"language\"") && !form.contains("tiny"),
            "{form}"
        );
        assert!(form.contains("\"model\"\r\n\r\nother\r\n"), "{form}");
        assert!(form.contains("\"temperature\"\r\n\r\n0.5\r\n"), "{form}");
    }

    #[test]
    fn silence_in_one_piece_is_no_transcription() {
        let mut reply = Reply::default();
        let read = Transcription(OpenAi::new(read)).whole(r#"{"text":""}"#, &mut reply);
        assert!(matches!(read, Err(Unread::NoTokens)));
    }
}
