//! Triton's generate extension in front of TensorRT-LLM: every token has an event of its own. Answers have no counts
//! and no mark of the end.

use super::{
    Form, ParsedRequest, data,
    facts::Facts,
    json,
    parsed::{Generating, Prompt},
    settings::Settings,
    structured,
    template::{Slot, Template},
};
use crate::sim::refusal::Refusal;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

/// `max_tokens` when the request has none.
const DEFAULT_TOKENS: u64 = 16;

#[derive(Deserialize)]
struct Body {
    text_input: Option<String>,
    max_tokens: Option<u64>,
    guided_decoding_guide_type: Option<String>,
    guided_decoding_guide: Option<Value>,
}

pub(super) fn read(body: &[u8], stream: bool) -> Result<ParsedRequest, Refusal> {
    Settings::read(body)?;
    let body: Body = json::parse(body)?;
    let text = body
        .text_input
        .ok_or_else(|| Refusal::missing("text_input"))?;
    let generating = Generating {
        model: None,
        input: Prompt::Text(text).first_checked()?,
        max_tokens: body.max_tokens,
        default_tokens: DEFAULT_TOKENS,
        stream,
    };
    let ours = match body.guided_decoding_guide_type.as_deref() {
        Some("json_schema") => "json",
        Some("regex") => "regex",
        Some("ebnf_grammar") => "grammar",
        _ => "",
    };
    let guide = body.guided_decoding_guide.filter(|_| !ours.is_empty());
    Ok(ParsedRequest {
        structure: structured::named(&[("guided_decoding_guide", ours, guide)])?,
        ..generating.asked(Box::new(Triton))?
    })
}

#[derive(Debug)]
struct Triton;

/// What an output says besides its text.
const AROUND: (&str, &str) = (
    "{\"model_name\":\"ensemble\",\"model_version\":\"1\",\"sequence_end\":false,\"sequence_id\":0,\
     \"sequence_start\":false,\"text_output\":\"",
    "\"}",
);

impl Form for Triton {
    fn is_one_by_one(&self) -> bool {
        true
    }

    fn text_key(&self) -> &'static str {
        "text_output"
    }

    fn token(&self, _facts: &Facts, _last: bool) -> Template {
        Template::new("data: ")
            .then(AROUND.0)
            .slot(Slot::Text)
            .then(AROUND.1)
            .then("\n\n")
    }

    fn closing(&self, _facts: &mut Facts, _generated: u64) -> Vec<Bytes> {
        Vec::new()
    }

    fn error(&self, _facts: &mut Facts, message: &str) -> Vec<Bytes> {
        vec![data(&self.error_body(message))]
    }

    fn whole(&self, facts: &Facts, generated: u64) -> Value {
        json!({
            "model_name": "ensemble",
            "model_version": "1",
            "sequence_end": false,
            "sequence_id": 0,
            "sequence_start": false,
            "text_output": facts.text(generated),
        })
    }

    fn error_body(&self, message: &str) -> Value {
        json!({ "error": message })
    }
}
