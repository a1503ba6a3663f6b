//! What chat, completions and transcriptions have in common, as vLLM 0.32 words it.

use super::facts::{Facts, UsageEvents};
use bytes::Bytes;
use serde_json::{Value, json};

/// The end of an event stream.
pub(super) const DONE: &str = "data: [DONE]\n\n";

pub(super) const FINGERPRINT: &str = "goodput-sim";

/// What the JSON of every event starts with, up to the choice.
pub(super) fn head(facts: &Facts, prefix: &str, object: &str) -> String {
    let mut head = json!({
        "id": format!("{prefix}{}", facts.id),
        "object": object,
        "created": facts.created,
        "model": facts.model,
    })
    .to_string();
    head.pop();
    format!("data: {head},\"choices\":[")
}

pub(super) fn usage(facts: &Facts, generated: u64) -> Value {
    let generated = facts.stated(generated);
    let mut usage = json!({
        "prompt_tokens": facts.prompt_tokens,
        "total_tokens": facts.prompt_tokens + generated,
        "completion_tokens": generated,
    });
    // As vLLM with `--enable-prompt-tokens-details`.
    if let Some(cached) = facts.cached_tokens() {
        usage["prompt_tokens_details"] = json!({"cached_tokens": cached});
    }
    usage
}

/// Usage and no choices, behind the head of an event.
pub(super) fn usage_event(head: &str, facts: &Facts, generated: u64) -> Bytes {
    let usage = usage(facts, generated);
    Bytes::from(format!(
        "{head}],\"usage\":{usage},\"system_fingerprint\":\"{FINGERPRINT}\"}}\n\n"
    ))
}

/// vLLM puts the fingerprint into the very last event that has JSON.
pub(super) fn fingerprint(facts: &Facts, last: bool) -> String {
    if last && facts.usage == UsageEvents::Never {
        format!(",\"system_fingerprint\":\"{FINGERPRINT}\"")
    } else {
        String::new()
    }
}

pub(super) fn done(facts: &Facts) -> Option<Bytes> {
    facts.done.then(|| Bytes::from_static(DONE.as_bytes()))
}

/// An error, as vLLM reports it.
pub(super) fn error(message: &str) -> Value {
    json!({"error": {
        "message": message,
        "type": "InternalServerError",
        "param": null,
        "code": 500,
    }})
}

/// An answer in one piece: its only choice, and the fields behind the usage, which are all null.
pub(super) struct Whole {
    pub(super) id: &'static str,
    pub(super) object: &'static str,
    pub(super) choice: Value,
    pub(super) nulls: &'static [&'static str],
}

impl Whole {
    pub(super) fn json(self, facts: &Facts, generated: u64) -> Value {
        let mut whole = json!({
            "id": format!("{}{}", self.id, facts.id),
            "object": self.object,
            "created": facts.created,
            "model": facts.model,
            "choices": [self.choice],
            "service_tier": null,
            "system_fingerprint": FINGERPRINT,
        });
        if !facts.withheld {
            whole["usage"] = usage(facts, generated);
            let usage = &mut whole["usage"];
            if facts.cached.is_none() {
                usage["prompt_tokens_details"] = Value::Null;
            }
            usage["completion_tokens_details"] = Value::Null;
        }
        for field in self.nulls {
            whole[field] = Value::Null;
        }
        whole
    }
}
