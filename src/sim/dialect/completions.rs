//! OpenAI's `/v1/completions`, as vLLM 0.32 implements it.

use super::{
    ParsedRequest,
    choices::Choices,
    facts::Facts,
    json, openai,
    parsed::{Generating, Prompt, StreamOptions},
    settings::Settings,
    structured,
};
use crate::sim::refusal::Refusal;
use serde::Deserialize;
use serde_json::{Value, json};

/// `max_tokens` when the request has none.
const DEFAULT_TOKENS: u64 = 16;

#[derive(Deserialize)]
struct Body {
    prompt: Option<Prompt>,
    stream_options: Option<StreamOptions>,
    structured_outputs: Option<Value>,
    response_format: Option<Value>,
}

pub(super) fn read(body: &[u8]) -> Result<ParsedRequest, Refusal> {
    let settings = Settings::read(body)?;
    let body: Body = json::parse(body)?;
    let prompt = match body.prompt {
        Some(Prompt::Text(text)) if text.is_empty() => None,
        prompt => prompt,
    };
    let message = "Either prompt or prompt_embeds must be provided and non-empty.";
    let prompt = prompt.ok_or_else(|| Refusal::parameter("prompt", message, None))?;
    let generating = Generating {
        model: settings.text("model"),
        input: prompt.first_checked()?,
        max_tokens: settings.max_tokens(),
        default_tokens: DEFAULT_TOKENS,
        stream: settings.flag("stream").unwrap_or(false),
    };
    let asked = generating.asked(Box::new(Completions))?;
    Ok(ParsedRequest {
        usage: body.stream_options.unwrap_or_default().usage(),
        priority: settings.whole("priority").unwrap_or(0),
        ignore_eos: settings.flag("ignore_eos").unwrap_or(false),
        structure: structured::vllm(body.structured_outputs, body.response_format.as_ref())?,
        ..asked
    })
}

/// The words of completions, which no request changes.
#[derive(Debug)]
pub(crate) struct Completions;

const ID: &str = "cmpl-";
const OBJECT: &str = "text_completion";

impl Choices for Completions {
    fn text_key(&self) -> &'static str {
        "text"
    }

    fn head(&self, facts: &Facts) -> String {
        openai::head(facts, ID, OBJECT)
    }

    fn choice(&self, finish: &str) -> (&'static str, String) {
        let behind = format!(
            r#"","logprobs":null,"finish_reason":{finish},"stop_reason":null,"prompt_token_ids":null,"token_ids":null}}]"#
        );
        (r#"{"index":0,"text":""#, behind)
    }

    fn whole(&self, facts: &Facts, generated: u64) -> Value {
        let choice = json!({
            "index": 0,
            "text": facts.text(generated),
            "logprobs": null,
            "finish_reason": facts.finish(generated),
            "stop_reason": null,
            "token_ids": null,
            "prompt_logprobs": null,
            "prompt_token_ids": null,
            "routed_experts": null,
        });
        let whole = openai::Whole {
            id: ID,
            object: OBJECT,
            choice,
            nulls: &["kv_transfer_params", "ec_transfer_params", "metrics"],
        };
        whole.json(facts, generated)
    }
}
