//! SGLang's `/generate`: every event has the text so far.

use super::{
    Form, ParsedRequest, data,
    facts::Facts,
    json, openai,
    parsed::{Generating, Prompt},
    settings::Settings,
    structured,
    template::{Filling, Slot, Template},
};
use crate::sim::refusal::Refusal;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

/// `max_new_tokens` when the request has none.
const DEFAULT_TOKENS: u64 = 128;

#[derive(Deserialize)]
struct Body {
    text: Option<Prompt>,
    input_ids: Option<Prompt>,
    #[serde(default)]
    sampling_params: SamplingParams,
    stream: Option<bool>,
    lora_path: Option<String>,
    priority: Option<i64>,
}

#[derive(Deserialize, Default)]
struct SamplingParams {
    max_new_tokens: Option<u64>,
    json_schema: Option<Value>,
    regex: Option<Value>,
    ebnf: Option<Value>,
    structural_tag: Option<Value>,
}

/// Whether a body to `/generate` is for SGLang, whose prompts have other names than TGI's.
pub(super) fn is_meant(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Names {
        text: Option<Value>,
        input_ids: Option<Value>,
    }
    serde_json::from_slice(body)
        .is_ok_and(|names: Names| names.text.is_some() || names.input_ids.is_some())
}

pub(super) fn read(body: &[u8]) -> Result<ParsedRequest, Refusal> {
    Settings::check_inner(body)?;
    let body: Body = json::parse(body)?;
    let prompt = body.text.or(body.input_ids);
    let message = "Either text, input_ids or input_embeds should be provided.";
    let generating = Generating {
        model: body.lora_path,
        input: prompt
            .ok_or_else(|| Refusal::bad_request("text", message))?
            .first_checked()?,
        max_tokens: body.sampling_params.max_new_tokens,
        default_tokens: DEFAULT_TOKENS,
        stream: body.stream.unwrap_or(false),
    };
    let asked = generating.asked(Box::new(Sglang))?;
    Ok(ParsedRequest {
        priority: body.priority.unwrap_or(0),
        structure: structured::named(&[
            ("json_schema", "json", body.sampling_params.json_schema),
            ("regex", "regex", body.sampling_params.regex),
            ("ebnf", "grammar", body.sampling_params.ebnf),
            (
                "structural_tag",
                "structural_tag",
                body.sampling_params.structural_tag,
            ),
        ])?,
        ..asked
    })
}

#[derive(Debug)]
struct Sglang;

impl Form for Sglang {
    fn text_key(&self) -> &'static str {
        "text"
    }

    fn token(&self, facts: &Facts, last: bool) -> Template {
        let finish = if last {
            finish(facts, facts.tokens).to_string()
        } else {
            "null".to_owned()
        };
        let start = Template::new("data: {\"text\":\"")
            .slot(Slot::TextSoFar)
            .then("\",\"output_ids\":[")
            .slot(Slot::IdsSoFar)
            .then(format!(
                "],\"meta_info\":{{\"id\":{},\"finish_reason\":{finish}",
                json!(facts.id)
            ));
        let counted = if facts.withheld {
            start
        } else {
            start
                .then(format!(
                    ",\"prompt_tokens\":{},\"completion_tokens\":",
                    facts.prompt_tokens
                ))
                .slot(Slot::Generated)
                .then(format!(
                    ",\"cached_tokens\":{}",
                    facts.cached_tokens().unwrap_or(0)
                ))
        };
        if last {
            counted.then(format!(",\"e2e_latency\":{}}}}}\n\n", seconds(facts)))
        } else {
            counted.then("}}\n\n")
        }
    }

    fn closing(&self, facts: &mut Facts, generated: u64) -> Vec<Bytes> {
        // The last token's event says why it is the last. Without tokens no event has said it yet.
        let end = (generated == 0).then(|| data(&self.whole(facts, 0)));
        end.into_iter().chain(openai::done(facts)).collect()
    }

    fn usage(&self, facts: &mut Facts, generated: u64) -> Option<Bytes> {
        // Counts are in every event, so this is one without more text.
        let event = self.token(facts, false).render(&Filling {
            facts,
            tokens: generated..generated,
            before_text: b"",
            sequence: 0,
        });
        Some(event)
    }

    fn error(&self, facts: &mut Facts, message: &str) -> Vec<Bytes> {
        let error = data(&self.error_body(message));
        [error].into_iter().chain(openai::done(facts)).collect()
    }

    fn whole(&self, facts: &Facts, generated: u64) -> Value {
        let mut meta = json!({
            "id": facts.id,
            "finish_reason": finish(facts, generated),
        });
        if !facts.withheld {
            meta["prompt_tokens"] = facts.prompt_tokens.into();
            meta["completion_tokens"] = facts.stated(generated).into();
            meta["cached_tokens"] = facts.cached_tokens().unwrap_or(0).into();
        }
        meta["e2e_latency"] = seconds(facts).into();
        json!({
            "text": facts.text(generated),
            "output_ids": facts.token_ids(generated),
            "meta_info": meta,
        })
    }

    fn error_body(&self, message: &str) -> Value {
        json!({"error": {"message": message}})
    }
}

fn finish(facts: &Facts, generated: u64) -> Value {
    // A token of its own ends the answer, which is not shown; its id is that of the first word.
    if facts.stops(generated) {
        json!({"type": "stop", "matched": facts.token_id(0)})
    } else {
        json!({"type": "length", "length": generated})
    }
}

fn seconds(facts: &Facts) -> f64 {
    (facts.prefill() + facts.decode()).as_secs_f64()
}
