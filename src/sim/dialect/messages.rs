//! Anthropic's `/v1/messages`, as vLLM 0.32 implements it. `message_stop` is the end.

use super::{
    Form, ParsedRequest, chat,
    facts::Facts,
    json, named,
    parsed::{Content, Generating, Input, Message, Messages as _},
    settings::Settings,
    structured,
    template::{Slot, Template},
};
use crate::sim::refusal::Refusal;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Body {
    system: Option<Content>,
    messages: Option<Vec<Message>>,
    output_config: Option<Value>,
}

/// The parts of a message that Anthropic has and OpenAI does not.
const PARTS: [&str; 6] = [
    "image",
    "redacted_thinking",
    "tool_addition",
    "tool_removal",
    "tool_result",
    "tool_use",
];

pub(super) fn read(body: &[u8]) -> Result<ParsedRequest, Refusal> {
    let settings = Settings::of(body)?;
    let body: Body = json::parse(body)?;
    let (model, max_tokens) = (settings.text("model"), settings.whole("max_tokens"));
    let (messages, max_tokens) = match (body.messages, max_tokens) {
        (Some(messages), Some(max_tokens)) if model.is_some() => (messages, max_tokens),
        (messages, max_tokens) => {
            let there = [model.is_some(), messages.is_some(), max_tokens.is_some()];
            let fields = ["model", "messages", "max_tokens"].into_iter().zip(there);
            let missing = fields.filter(|(_, there)| !there).map(|(name, _)| name);
            return Err(Refusal::missing_all(missing.collect()));
        }
    };
    if model.as_deref() == Some("") {
        return Err(Refusal::rule("model", "", "Model is required"));
    }
    if max_tokens < 1 {
        let given = max_tokens.to_string();
        return Err(Refusal::rule(
            "max_tokens",
            &given,
            "max_tokens must be positive",
        ));
    }
    settings.check()?;
    messages.check(&PARTS)?;
    let system = body.system.map(Content::texts).unwrap_or_default();
    let texts: Vec<String> = system.into_iter().chain(messages.texts()).collect();
    let generating = Generating {
        model,
        input: Input::Text(texts.join("\n")),
        max_tokens: settings.max_tokens(),
        default_tokens: chat::DEFAULT_TOKENS,
        stream: settings.flag("stream").unwrap_or(false),
    };
    let format = body.output_config.as_ref().map(|config| &config["format"]);
    let schema = format.and_then(|format| format.get("schema"));
    Ok(ParsedRequest {
        structure: schema.cloned().map(structured::of_schema),
        ..generating.asked(Box::new(Messages))?
    })
}

#[derive(Debug)]
struct Messages;

fn event(json: &Value) -> Bytes {
    named(json["type"].as_str().unwrap_or_default(), json)
}

fn message(facts: &Facts, generated: u64, content: Value, stop: Value) -> Value {
    let mut message = json!({
        "id": format!("chatcmpl-{}", facts.id),
        "type": "message",
        "role": "assistant",
        "content": content,
        "model": facts.model,
        "stop_reason": stop,
        "stop_sequence": null,
    });
    if !facts.withheld {
        message["usage"] = usage(facts, generated);
    }
    message
}

fn usage(facts: &Facts, generated: u64) -> Value {
    match facts.cached_tokens() {
        // Anthropic counts them apart.
        Some(cached) => json!({
            "input_tokens": facts.prompt_tokens.saturating_sub(cached),
            "cache_read_input_tokens": cached,
            "output_tokens": generated,
        }),
        None => json!({"input_tokens": facts.prompt_tokens, "output_tokens": generated}),
    }
}

fn stop_reason(facts: &Facts, generated: u64) -> &'static str {
    if facts.stops(generated) {
        "end_turn"
    } else {
        "max_tokens"
    }
}

impl Form for Messages {
    fn text_key(&self) -> &'static str {
        "text"
    }

    fn opening(&self, facts: &mut Facts) -> Vec<Bytes> {
        let message = message(facts, 0, json!([]), Value::Null);
        let block = json!({"type": "text", "text": ""});
        vec![
            event(&json!({"type": "message_start", "message": message})),
            event(&json!({"type": "content_block_start", "content_block": block, "index": 0})),
        ]
    }

    fn token(&self, _facts: &Facts, _last: bool) -> Template {
        Template::new(
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"",
        )
        .slot(Slot::Text)
        .then("\"},\"index\":0}\n\n")
    }

    fn closing(&self, facts: &mut Facts, generated: u64) -> Vec<Bytes> {
        let delta = json!({"stop_reason": stop_reason(facts, generated), "stop_sequence": null});
        let mut message = json!({"type": "message_delta", "delta": delta});
        if !facts.withheld {
            message["usage"] = usage(facts, facts.stated(generated));
        }
        let mut events = vec![
            event(&json!({"type": "content_block_stop", "index": 0})),
            event(&message),
        ];
        if facts.done {
            events.push(event(&json!({"type": "message_stop"})));
        }
        events
    }

    fn usage(&self, facts: &mut Facts, generated: u64) -> Option<Bytes> {
        let delta = json!({"stop_reason": null, "stop_sequence": null});
        let usage = usage(facts, facts.stated(generated));
        Some(event(
            &json!({"type": "message_delta", "delta": delta, "usage": usage}),
        ))
    }

    fn error(&self, _facts: &mut Facts, message: &str) -> Vec<Bytes> {
        vec![event(&self.error_body(message))]
    }

    fn whole(&self, facts: &Facts, generated: u64) -> Value {
        let content = json!([{"type": "text", "text": facts.text(generated)}]);
        let stop = stop_reason(facts, generated).into();
        message(facts, facts.stated(generated), content, stop)
    }

    fn error_body(&self, message: &str) -> Value {
        json!({"type": "error", "error": {"type": "internal_error", "message": message}})
    }
}
