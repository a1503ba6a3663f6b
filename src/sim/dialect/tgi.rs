//! TGI's `/generate` and `/generate_stream`: every token has an event of its own, and the last one also
//! has the whole text, which is the end.

use super::{
    Form, ParsedRequest,
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

/// `max_new_tokens` when the request has none, as in TGI 3.
const DEFAULT_TOKENS: u64 = 100;

#[derive(Deserialize)]
struct Body {
    inputs: Option<String>,
    #[serde(default)]
    parameters: Parameters,
    stream: Option<bool>,
}

#[derive(Deserialize, Default)]
struct Parameters {
    max_new_tokens: Option<u64>,
    details: Option<bool>,
    grammar: Option<Grammar>,
}

/// TGI's word for a structure.
#[derive(Deserialize)]
struct Grammar {
    #[serde(rename = "type")]
    kind: String,
    value: Value,
}

pub(super) fn read(body: &[u8], stream: bool) -> Result<ParsedRequest, Refusal> {
    Settings::check_inner(body)?;
    let body: Body = json::parse(body)?;
    let inputs = body.inputs.ok_or_else(|| Refusal::missing("inputs"))?;
    let input = Prompt::Text(inputs).first_checked()?;
    let generating = Generating {
        model: None,
        input,
        max_tokens: body.parameters.max_new_tokens,
        default_tokens: DEFAULT_TOKENS,
        stream: stream || body.stream.unwrap_or(false),
    };
    let structure = match body.parameters.grammar {
        None => None,
        Some(Grammar { kind, value }) => match kind.as_str() {
            "json" => structured::named(&[("grammar", "json", Some(value))])?,
            "json_schema" => {
                structured::named(&[("grammar", "json", value.get("schema").cloned())])?
            }
            "regex" => structured::named(&[("grammar", "regex", Some(value))])?,
            other => {
                let message = format!(
                    "unknown variant `{other}`, expected one of `json`, `regex`, `json_schema`"
                );
                return Err(Refusal::bad_request("grammar", message));
            }
        },
    };
    let form = Tgi {
        details: body.parameters.details.unwrap_or(false),
    };
    Ok(ParsedRequest {
        structure,
        ..generating.asked(Box::new(form))?
    })
}

#[derive(Debug)]
struct Tgi {
    /// Whether the request asks for lengths.
    details: bool,
}

impl Tgi {
    fn details(&self, facts: &Facts, generated: u64) -> Option<Value> {
        (self.details && !facts.withheld).then(|| {
            json!({
                "finish_reason": if facts.stops(generated) { "eos_token" } else { "length" },
                "generated_tokens": facts.stated(generated),
                "seed": null,
                "input_length": facts.prompt_tokens,
            })
        })
    }
}

impl Form for Tgi {
    fn is_one_by_one(&self) -> bool {
        true
    }

    fn text_key(&self) -> &'static str {
        "generated_text"
    }

    fn token(&self, facts: &Facts, last: bool) -> Template {
        let ends = last && facts.done;
        let text = json!(ends.then(|| facts.text(facts.tokens)));
        let details = ends.then(|| self.details(facts, facts.tokens)).flatten();
        let details = json!(details);
        // TGI puts no space behind the colon.
        Template::new("data:{\"index\":")
            .slot(Slot::Count)
            .then(",\"token\":{\"id\":")
            .slot(Slot::LastId)
            .then(",\"text\":\"")
            .slot(Slot::Text)
            .then(format!(
                "\",\"logprob\":-1.0,\"special\":false}},\"generated_text\":{text},\"details\":{details}}}\n\n"
            ))
    }

    fn closing(&self, facts: &mut Facts, generated: u64) -> Vec<Bytes> {
        // The last token's event is the end. Without tokens TGI sends its end-of-text token.
        if generated > 0 || !facts.done {
            return Vec::new();
        }
        let token = json!({"id": 0, "text": "", "logprob": -1.0, "special": true});
        let details = self.details(facts, 0);
        let end = json!({"index": 1, "token": token, "generated_text": "", "details": details});
        vec![Bytes::from(format!("data:{end}\n\n"))]
    }

    fn error(&self, _facts: &mut Facts, message: &str) -> Vec<Bytes> {
        let error = self.error_body(message);
        vec![Bytes::from(format!("data:{error}\n\n"))]
    }

    fn whole(&self, facts: &Facts, generated: u64) -> Value {
        let mut whole = json!({"generated_text": facts.text(generated)});
        if let Some(mut details) = self.details(facts, generated) {
            let token = |index: u64| json!({"id": facts.token_id(index), "text": facts.word(index), "logprob": -1.0, "special": false});
            details["prefill"] = json!([]);
            details["tokens"] = (0..generated).map(token).collect();
            whole["details"] = details;
        }
        whole
    }

    fn error_body(&self, message: &str) -> Value {
        let message = format!("Request failed during generation: {message}");
        json!({"error": message, "error_type": "generation"})
    }
}
