//! Ollama's `/api/chat` and `/api/generate`: a line of JSON a token; the line with `done` is the end.

use super::{
    Form, ParsedRequest,
    facts::Facts,
    json,
    parsed::{Generating, Input, Message, Messages},
    settings::Settings,
    structured,
    template::{Slot, Template},
};
use crate::{clock::rfc3339, sim::refusal::Refusal};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

/// Tokens when the request names none, for which Ollama would go on until the model stops.
const DEFAULT_TOKENS: u64 = 128;

#[derive(Deserialize)]
struct Body {
    model: Option<String>,
    system: Option<String>,
    prompt: Option<String>,
    messages: Option<Vec<Message>>,
    #[serde(default)]
    options: Options,
    stream: Option<bool>,
    /// A schema, or the word `json`.
    format: Option<Value>,
}

#[derive(Deserialize, Default)]
struct Options {
    num_predict: Option<i64>,
}

pub(super) fn read_chat(body: &[u8]) -> Result<ParsedRequest, Refusal> {
    let body = parse(body)?;
    let messages = body.messages.as_ref();
    let messages = messages.ok_or_else(|| Refusal::missing("messages"))?;
    messages.check(&[])?;
    let input = messages.text();
    asked(body, input, Ollama::Chat)
}

pub(super) fn read_generate(body: &[u8]) -> Result<ParsedRequest, Refusal> {
    let body = parse(body)?;
    let prompt = body.prompt.clone();
    let prompt = prompt.ok_or_else(|| Refusal::missing("prompt"))?;
    let system = body.system.clone().map(|system| system + "\n");
    let input = Input::Text(system.unwrap_or_default() + &prompt);
    asked(body, input, Ollama::Generate)
}

fn parse(body: &[u8]) -> Result<Body, Refusal> {
    Settings::check_inner(body)?;
    json::parse(body)
}

fn asked(mut body: Body, input: Input, form: Ollama) -> Result<ParsedRequest, Refusal> {
    let schema = body.format.take().filter(Value::is_object);
    let generating = Generating {
        model: body.model,
        input,
        // A number below 0 means without a limit.
        max_tokens: body
            .options
            .num_predict
            .and_then(|tokens| u64::try_from(tokens).ok()),
        default_tokens: DEFAULT_TOKENS,
        stream: body.stream.unwrap_or(true),
    };
    Ok(ParsedRequest {
        structure: schema.map(structured::of_schema),
        ..generating.asked(Box::new(form))?
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ollama {
    Chat,
    Generate,
}

fn line(json: &Value) -> Bytes {
    Bytes::from(format!("{json}\n"))
}

impl Ollama {
    fn head(self, facts: &Facts) -> String {
        let created = rfc3339(facts.created);
        let mut head = json!({"model": facts.model, "created_at": created}).to_string();
        head.pop();
        head
    }

    /// The last line, or the answer in one piece.
    fn end(self, facts: &Facts, generated: u64, text: &str) -> Value {
        let mut end = json!({
            "model": facts.model,
            "created_at": rfc3339(facts.created),
        });
        match self {
            Ollama::Chat => end["message"] = json!({"role": "assistant", "content": text}),
            Ollama::Generate => end["response"] = text.into(),
        }
        end["done"] = true.into();
        end["done_reason"] = facts.finish(generated).into();
        if self == Ollama::Generate {
            end["context"] = facts.token_ids(generated).into();
        }
        if !facts.withheld {
            let nanos =
                |time: std::time::Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
            end["total_duration"] = nanos(facts.prefill() + facts.decode()).into();
            end["load_duration"] = 0.into();
            end["prompt_eval_count"] = facts.prompt_tokens.into();
            end["prompt_eval_duration"] = nanos(facts.prefill()).into();
            end["eval_count"] = facts.stated(generated).into();
            end["eval_duration"] = nanos(facts.decode()).into();
        }
        end
    }
}

impl Form for Ollama {
    fn media(&self) -> &'static str {
        "application/x-ndjson"
    }

    fn is_one_by_one(&self) -> bool {
        true
    }

    fn text_key(&self) -> &'static str {
        match self {
            Ollama::Chat => "content",
            Ollama::Generate => "response",
        }
    }

    fn token(&self, facts: &Facts, _last: bool) -> Template {
        let (before, after) = match self {
            Ollama::Chat => (
                ",\"message\":{\"role\":\"assistant\",\"content\":\"",
                "\"},\"done\":false}\n",
            ),
            Ollama::Generate => (",\"response\":\"", "\",\"done\":false}\n"),
        };
        Template::new(self.head(facts))
            .then(before)
            .slot(Slot::Text)
            .then(after)
    }

    fn closing(&self, facts: &mut Facts, generated: u64) -> Vec<Bytes> {
        Vec::from_iter(facts.done.then(|| line(&self.end(facts, generated, ""))))
    }

    fn error(&self, _facts: &mut Facts, message: &str) -> Vec<Bytes> {
        vec![line(&self.error_body(message))]
    }

    fn whole(&self, facts: &Facts, generated: u64) -> Value {
        self.end(facts, generated, &facts.text(generated))
    }

    fn error_body(&self, message: &str) -> Value {
        json!({"error": message})
    }
}
