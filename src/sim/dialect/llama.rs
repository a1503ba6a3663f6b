//! llama.cpp's own `/completion`: every token has an event of its own; one more, with `stop`, the
//! settings and the timings, is the end.

use super::{
    Form, ParsedRequest, data,
    facts::Facts,
    json,
    parsed::{Generating, Input, Prompt},
    settings::Settings,
    structured,
    template::{Slot, Template},
};
use crate::sim::refusal::Refusal;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// Tokens when the request names none, for which llama.cpp would go on until the model stops.
const DEFAULT_TOKENS: u64 = 128;

#[derive(Deserialize)]
struct Body {
    model: Option<String>,
    prompt: Option<Prompt>,
    n_predict: Option<i64>,
    max_tokens: Option<i64>,
    seed: Option<i64>,
    stream: Option<bool>,
    json_schema: Option<Value>,
    grammar: Option<Value>,
}

pub(super) fn read(body: &[u8]) -> Result<ParsedRequest, Refusal> {
    Settings::check_without(body, "max_tokens")?;
    let body: Body = json::parse(body)?;
    let prompt = body.prompt.ok_or_else(|| Refusal::missing("prompt"))?;
    let input = prompt
        .first()
        .ok_or_else(|| Refusal::bad_request("prompt", "\"prompt\" must not be empty"))?;
    // A number below 0 means without a limit.
    let asked = body.n_predict.or(body.max_tokens);
    let stream = body.stream.unwrap_or(false);
    let form = Llama {
        prompt: match &input {
            Input::Text(text) => text.clone(),
            Input::Tokens(_) => String::new(),
        },
        seed: body.seed.unwrap_or(0),
        stream,
    };
    let generating = Generating {
        model: body.model,
        input,
        max_tokens: asked.and_then(|tokens| u64::try_from(tokens).ok()),
        default_tokens: DEFAULT_TOKENS,
        stream,
    };
    Ok(ParsedRequest {
        structure: structured::named(&[
            ("json_schema", "json", body.json_schema),
            ("grammar", "grammar", body.grammar),
        ])?,
        ..generating.asked(Box::new(form))?
    })
}

#[derive(Debug)]
struct Llama {
    prompt: String,
    seed: i64,
    stream: bool,
}

impl Llama {
    /// The last event of a stream, or the answer in one piece.
    fn end(&self, facts: &Facts, generated: u64, content: String, tokens: &[u64]) -> Value {
        let stated = facts.stated(generated);
        let mut end = json!({
            "index": 0,
            "content": content,
            "tokens": tokens,
            "id_slot": 0,
            "stop": true,
            "model": facts.model,
            "tokens_predicted": stated,
            "tokens_evaluated": facts.prompt_tokens,
            "generation_settings": self.settings(facts),
            "prompt": self.prompt,
            "has_new_line": false,
            "truncated": false,
            "stop_type": if facts.stops(generated) { "eos" } else { "limit" },
            "stopping_word": "",
            "tokens_cached": facts.prompt_tokens + generated.saturating_sub(1),
            "timings": timings(facts, stated),
        });
        if facts.withheld
            && let Some(end) = end.as_object_mut()
        {
            end.shift_remove("tokens_predicted");
            end.shift_remove("tokens_evaluated");
            end.shift_remove("timings");
        }
        end
    }

    /// Only those that the simulation knows differ from llama.cpp's defaults.
    fn settings(&self, facts: &Facts) -> Value {
        let mut settings = json!({
            "seed": self.seed,
            "temperature": 0.8,
            "dynatemp_range": 0.0,
            "dynatemp_exponent": 1.0,
            "top_k": 40,
            "top_p": 0.95,
            "min_p": 0.05,
            "top_n_sigma": -1.0,
            "xtc_probability": 0.0,
            "xtc_threshold": 0.1,
            "typical_p": 1.0,
            "repeat_last_n": 64,
            "repeat_penalty": 1.0,
            "presence_penalty": 0.0,
            "frequency_penalty": 0.0,
            "dry_multiplier": 0.0,
            "dry_base": 1.75,
            "dry_allowed_length": 2,
            "dry_penalty_last_n": 64,
            "dry_sequence_breakers": ["\n", ":", "\"", "*"],
            "mirostat": 0,
            "mirostat_tau": 5.0,
            "mirostat_eta": 0.1,
            "adaptive_target": -1.0,
            "adaptive_decay": 0.9,
        });
        // In two parts, because one would nest `json!` too deep.
        let rest = json!({
            "stop": [],
            "max_tokens": facts.tokens,
            "n_predict": facts.tokens,
            "n_keep": 0,
            "n_discard": 0,
            "ignore_eos": false,
            "stream": self.stream,
            "logit_bias": [],
            "n_probs": 0,
            "min_keep": 0,
            "grammar": "",
            "grammar_lazy": false,
            "grammar_triggers": [],
            "preserved_tokens": [],
            "chat_format": "Content-only",
            "reasoning_format": "deepseek",
            "reasoning_in_content": false,
            "generation_prompt": "",
            "samplers": [
                "penalties", "dry", "top_n_sigma", "top_k", "typ_p", "top_p", "min_p", "xtc",
                "temperature",
            ],
            "speculative.types": "none",
            "timings_per_token": false,
            "post_sampling_probs": false,
            "backend_sampling": false,
            "lora": [],
        });
        if let (Value::Object(settings), Value::Object(rest)) = (&mut settings, rest) {
            settings.extend(rest);
        }
        settings
    }
}

fn timings(facts: &Facts, generated: u64) -> Value {
    let (prompt, decode) = (facts.prefill(), facts.decode());
    let cached = facts.cached_tokens().unwrap_or(0);
    let computed = facts.prompt_tokens.saturating_sub(cached);
    let each = |time: Duration, count: u64| time.as_secs_f64() * 1e3 / count.max(1) as f64;
    let rate = |time: Duration, count: u64| {
        if time.is_zero() {
            0.0
        } else {
            count as f64 / time.as_secs_f64()
        }
    };
    json!({
        "cache_n": cached,
        "prompt_n": computed,
        "prompt_ms": prompt.as_secs_f64() * 1e3,
        "prompt_per_token_ms": each(prompt, computed),
        "prompt_per_second": rate(prompt, computed),
        "predicted_n": generated,
        "predicted_ms": decode.as_secs_f64() * 1e3,
        "predicted_per_token_ms": each(decode, generated),
        "predicted_per_second": rate(decode, generated),
    })
}

impl Form for Llama {
    fn media(&self) -> &'static str {
        "text/event-stream"
    }

    fn is_one_by_one(&self) -> bool {
        true
    }

    fn text_key(&self) -> &'static str {
        "content"
    }

    fn token(&self, facts: &Facts, _last: bool) -> Template {
        let start = Template::new("data: {\"index\":0,\"content\":\"")
            .slot(Slot::Text)
            .then("\",\"tokens\":[")
            .slot(Slot::Ids)
            .then("],\"stop\":false,\"id_slot\":0");
        if facts.withheld {
            start.then("}\n\n")
        } else {
            start
                .then(",\"tokens_predicted\":")
                .slot(Slot::Generated)
                .then(format!(
                    ",\"tokens_evaluated\":{}}}\n\n",
                    facts.prompt_tokens
                ))
        }
    }

    fn closing(&self, facts: &mut Facts, generated: u64) -> Vec<Bytes> {
        let end = facts
            .done
            .then(|| data(&self.end(facts, generated, String::new(), &[])));
        Vec::from_iter(end)
    }

    fn error(&self, _facts: &mut Facts, message: &str) -> Vec<Bytes> {
        vec![data(&self.error_body(message))]
    }

    fn whole(&self, facts: &Facts, generated: u64) -> Value {
        // Token ids only come with `return_tokens`, which is not simulated.
        self.end(facts, generated, facts.text(generated), &[])
    }

    fn error_body(&self, message: &str) -> Value {
        json!({"error": {"code": 500, "message": message, "type": "server_error"}})
    }
}
