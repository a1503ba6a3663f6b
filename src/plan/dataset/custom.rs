//! `custom("prompts.jsonl")`: a JSON object a line.
//!
//! A row has either `prompt`, a text, or `messages`, a chat. Texts are sent as they are: no chat
//! template is put around them, which is what vLLM's `--skip-chat-template` does. `output_tokens`
//! is read when the dataset says `output = row`. Rows are shuffled by CPython's `random` with the
//! plan's seed, and repeated by its `choice` when there are too few, as in vLLM.

use super::{
    Sample, Samples, arrange,
    complaints::{self, Complaints},
    oversample,
};
use crate::{
    plan::{PlanError, PlanSpec, Prompt, Tokenizer},
    record::{CountSource, TokenCount},
};
use goodput_grammar::dataset::Custom;
use serde_json::{Map, Value};
use std::path::Path;

struct Row {
    prompt: Prompt,
    output_tokens: u64,
}

pub(super) fn sample(custom: &Custom, spec: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    let mut rows = load(&custom.path, custom.output)?;
    arrange(&mut rows, custom.keep_order, spec.seed);
    rows.truncate(spec.requests);
    let mut samples = Samples::default();
    for Row {
        prompt,
        output_tokens,
    } in rows
    {
        samples.rows.push(Sample {
            input: length(&prompt, spec.tokenizer),
            prompt,
            output_tokens,
        });
    }
    oversample(&mut samples, custom.no_oversample, spec);
    Ok(samples)
}

/// All rows of the file in its order, or everything that is wrong with them.
fn load(path: &Path, output: Option<usize>) -> Result<Vec<Row>, PlanError> {
    let text = complaints::read(path)?;
    let mut complaints = Complaints::about(path);
    let mut rows = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let place = format!("line {}", index + 1);
        match serde_json::from_str::<Value>(line) {
            Ok(Value::Object(fields)) => match row(fields, output) {
                Ok(row) => rows.push(row),
                Err(mistakes) => {
                    for mistake in mistakes {
                        complaints.add(&place, &mistake);
                    }
                }
            },
            Ok(other) => complaints.add(
                &place,
                &format!("is {}, not a JSON object with a `prompt`", kind(&other)),
            ),
            Err(error) => complaints.add(
                &format!("{place}, column {}", error.column()),
                &format!("is not JSON: {}", complaints::reason(&error)),
            ),
        }
    }
    complaints.check()?;
    if rows.is_empty() {
        return Err(complaints::whole_file(
            path,
            "is empty; it needs a JSON object with a `prompt` on every line",
        ));
    }
    Ok(rows)
}

fn row(mut fields: Map<String, Value>, output: Option<usize>) -> Result<Row, Vec<String>> {
    let mut mistakes = Vec::new();
    let prompt = match (fields.remove("prompt"), fields.remove("messages")) {
        (Some(Value::String(text)), None) => Some(Prompt::Text(text)),
        (Some(other), None) => {
            mistakes.push(format!("field `prompt` is {}, not a string", kind(&other)));
            None
        }
        (None, Some(Value::Array(messages)))
            if !messages.is_empty() && messages.iter().all(Value::is_object) =>
        {
            Some(Prompt::Messages(messages))
        }
        (None, Some(_)) => {
            mistakes.push("field `messages` must be an array of chat messages (objects)".into());
            None
        }
        (Some(_), Some(_)) => {
            mistakes.push("has both `prompt` and `messages`; keep one".into());
            None
        }
        (None, None) => {
            mistakes.push("field `prompt` is missing (or `messages`, for a chat)".into());
            None
        }
    };
    let output_tokens = match output {
        Some(tokens) => tokens as u64,
        None => match fields.get("output_tokens") {
            Some(value) => match value.as_u64() {
                Some(tokens) if tokens > 0 => tokens,
                _ => {
                    mistakes.push(format!(
                        "field `output_tokens` is {value}, not a whole number above 0"
                    ));
                    0
                }
            },
            None => {
                mistakes.push(
                    "field `output_tokens` is missing; add it, or give the dataset an `output`"
                        .into(),
                );
                0
            }
        },
    };
    match prompt {
        Some(prompt) if mistakes.is_empty() => Ok(Row {
            prompt,
            output_tokens,
        }),
        _ => Err(mistakes),
    }
}

/// Tokens of a prompt, special tokens included. A chat's template is the server's, so its length
/// is that of its texts and always an estimate.
fn length(prompt: &Prompt, tokenizer: &Tokenizer) -> TokenCount {
    match prompt {
        Prompt::Text(text) => tokenizer.count(text, true),
        Prompt::Tokens(ids) => TokenCount {
            tokens: ids.len() as u64,
            source: CountSource::Tokenizer,
        },
        Prompt::Messages(messages) => TokenCount {
            tokens: messages
                .iter()
                .flat_map(texts)
                .map(|text| tokenizer.count(text, false).tokens)
                .sum(),
            source: CountSource::Estimate,
        },
    }
}

/// The texts of a chat message: its content, or the text parts of it.
fn texts(message: &Value) -> Vec<&str> {
    match message.get("content") {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(parts)) => parts
            .iter()
            .filter_map(|part| part.get("text")?.as_str())
            .collect(),
        _ => Vec::new(),
    }
}

/// A value's type, with its article.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
