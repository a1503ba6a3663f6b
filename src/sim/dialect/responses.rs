//! OpenAI's `/v1/responses`, as vLLM 0.32 implements it: named and numbered events, with the whole text again in the
//! last ones. There is no `[DONE]`: `response.completed` is the end.

use super::{
    Form, ParsedRequest, chat,
    facts::Facts,
    json, named,
    parsed::{Content, Generating, Input},
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
    instructions: Option<String>,
    input: Option<Items>,
    text: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Items {
    Text(String),
    Items(Vec<Item>),
}

/// A message, or one of the many things without text that may stand between two.
#[derive(Deserialize)]
struct Item {
    content: Option<Content>,
}

pub(super) fn read(body: &[u8]) -> Result<ParsedRequest, Refusal> {
    let settings = Settings::read(body)?;
    let body: Body = json::parse(body)?;
    let items = body.input.ok_or_else(|| Refusal::missing("input"))?;
    let mut texts = Vec::from_iter(body.instructions.clone());
    match items {
        Items::Text(text) => texts.push(text),
        Items::Items(items) => {
            if items.is_empty() {
                return Err(Refusal::value("list index out of range"));
            }
            for content in items.into_iter().filter_map(|item| item.content) {
                content.check(&["input_file", "reasoning_text", "summary_text"])?;
                texts.extend(content.texts());
            }
        }
    }
    let generating = Generating {
        model: settings.text("model"),
        input: Input::Text(texts.join("\n")),
        max_tokens: settings.max_tokens(),
        default_tokens: chat::DEFAULT_TOKENS,
        stream: settings.flag("stream").unwrap_or(false),
    };
    let asked = generating.asked(Box::new(Responses {
        instructions: body.instructions,
    }))?;
    let format = body.text.as_ref().map(|text| &text["format"]);
    let format = format.filter(|format| format["type"] == "json_schema");
    let schema = format.and_then(|format| format.get("schema"));
    Ok(ParsedRequest {
        structure: schema.cloned().map(structured::of_schema),
        priority: settings.whole("priority").unwrap_or(0),
        ..asked
    })
}

#[derive(Debug)]
struct Responses {
    instructions: Option<String>,
}

fn item_id(facts: &Facts) -> String {
    format!("msg_{}", facts.id)
}

fn message(facts: &Facts, status: &str, content: &[Value]) -> Value {
    json!({
        "id": item_id(facts),
        "content": content,
        "role": "assistant",
        "status": status,
        "type": "message",
        "phase": null,
    })
}

fn part(text: &str, logprobs: Value) -> Value {
    json!({"annotations": [], "text": text, "type": "output_text", "logprobs": logprobs})
}

fn usage(facts: &Facts, generated: u64) -> Value {
    let generated = facts.stated(generated);
    if facts.withheld {
        Value::Null
    } else {
        json!({
            "input_tokens": facts.prompt_tokens,
            "input_tokens_details": {
                "cached_tokens": facts.cached_tokens().unwrap_or(0),
                "cache_write_tokens": 0,
                "input_tokens_per_turn": [],
                "cached_tokens_per_turn": [],
            },
            "output_tokens": generated,
            "output_tokens_details": {
                "reasoning_tokens": 0,
                "tool_output_tokens": 0,
                "output_tokens_per_turn": [],
                "tool_output_tokens_per_turn": [],
            },
            "total_tokens": facts.prompt_tokens + generated,
        })
    }
}

/// The state of the response as a whole.
struct State<'a> {
    status: &'a str,
    output: &'a [Value],
    usage: Value,
}

impl Responses {
    fn response(&self, facts: &Facts, state: State<'_>) -> Value {
        let incomplete = match state.status {
            "incomplete" => json!({"reason": "max_output_tokens"}),
            _ => Value::Null,
        };
        json!({
            "id": format!("resp_{}", facts.id),
            "created_at": facts.created,
            "incomplete_details": incomplete,
            "instructions": self.instructions,
            "metadata": null,
            "model": facts.model,
            "object": "response",
            "output": state.output,
            "parallel_tool_calls": true,
            "temperature": 1.0,
            "tool_choice": "none",
            "tools": [],
            "top_p": 1.0,
            "background": false,
            "max_output_tokens": facts.tokens,
            "max_tool_calls": null,
            "previous_response_id": null,
            "prompt": null,
            "reasoning": null,
            "service_tier": "auto",
            "status": state.status,
            "text": null,
            "top_logprobs": null,
            "truncation": "disabled",
            "usage": state.usage,
            "user": null,
            "presence_penalty": 0.0,
            "frequency_penalty": 0.0,
            "kv_transfer_params": null,
            "ec_transfer_params": null,
            "input_messages": null,
            "output_messages": null,
        })
    }

    fn in_progress(&self, facts: &Facts, usage: Value) -> Value {
        let state = State {
            status: "in_progress",
            output: &[],
            usage,
        };
        self.response(facts, state)
    }

    /// The answer in its end state. If all tokens that were allowed were generated, this dialect calls it incomplete.
    fn ended(&self, facts: &Facts, generated: u64) -> Value {
        let text = facts.text(generated);
        let state = State {
            status: if facts.stops(generated) {
                "completed"
            } else {
                "incomplete"
            },
            output: &[message(facts, "completed", &[part(&text, Value::Null)])],
            usage: usage(facts, generated),
        };
        self.response(facts, state)
    }
}

/// An event with this name, and with its number and its name behind the rest.
fn event(facts: &mut Facts, name: &str, mut json: Value) -> Bytes {
    json["sequence_number"] = facts.next_sequence().into();
    json["type"] = name.into();
    named(name, &json)
}

impl Form for Responses {
    fn text_key(&self) -> &'static str {
        "text"
    }

    fn opening(&self, facts: &mut Facts) -> Vec<Bytes> {
        let response = self.in_progress(facts, Value::Null);
        let id = item_id(facts);
        let item = message(facts, "in_progress", &[]);
        let part = part("", json!([]));
        [
            ("response.created", json!({"response": response})),
            ("response.in_progress", json!({"response": response})),
            (
                "response.output_item.added",
                json!({"item": item, "output_index": 0}),
            ),
            (
                "response.content_part.added",
                json!({"content_index": 0, "item_id": id, "output_index": 0, "part": part}),
            ),
        ]
        .map(|(name, json)| event(facts, name, json))
        .into()
    }

    fn token(&self, facts: &Facts, _last: bool) -> Template {
        let id = json!(item_id(facts));
        Template::new("event: response.output_text.delta\ndata: {\"content_index\":0,\"delta\":\"")
            .slot(Slot::Text)
            .then(format!(
                "\",\"item_id\":{id},\"logprobs\":[],\"output_index\":0,\"sequence_number\":"
            ))
            .slot(Slot::Sequence)
            .then(",\"type\":\"response.output_text.delta\"}\n\n")
    }

    fn closing(&self, facts: &mut Facts, generated: u64) -> Vec<Bytes> {
        let text = facts.text(generated);
        let id = item_id(facts);
        let part = part(&text, Value::Null);
        let item = message(facts, "completed", std::slice::from_ref(&part));
        let mut events: Vec<Bytes> = [
            (
                "response.output_text.done",
                json!({"content_index": 0, "item_id": id, "logprobs": [], "output_index": 0, "sequence_number": 0, "text": text}),
            ),
            (
                "response.content_part.done",
                json!({"content_index": 0, "item_id": id, "output_index": 0, "part": part}),
            ),
            (
                "response.output_item.done",
                json!({"item": item, "output_index": 0}),
            ),
        ]
        .map(|(name, json)| event(facts, name, json))
        .into();
        if facts.done {
            let response = json!({"response": self.ended(facts, generated)});
            events.push(event(facts, "response.completed", response));
        }
        events
    }

    fn usage(&self, facts: &mut Facts, generated: u64) -> Option<Bytes> {
        let response = self.in_progress(facts, usage(facts, generated));
        let json = json!({"response": response});
        Some(event(facts, "response.in_progress", json))
    }

    fn error(&self, facts: &mut Facts, message: &str) -> Vec<Bytes> {
        let json = json!({"code": "server_error", "message": message, "param": null});
        vec![event(facts, "error", json)]
    }

    fn whole(&self, facts: &Facts, generated: u64) -> Value {
        self.ended(facts, generated)
    }
}
