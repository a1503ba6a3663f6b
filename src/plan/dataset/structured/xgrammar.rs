//! Rows of NousResearch/json-mode-eval: a chat, an answer to it, and the answer's schema.

use super::of_schema;
use crate::{
    plan::{
        PlanError, PlanSpec, Prompt, Shape,
        dataset::{
            Sample, Samples, complaints,
            custom::chat_length,
            fields::{Fields, lines},
        },
    },
    structure::{Asked, Structure},
};
use serde_json::{Map, Value};
use std::{path::Path, sync::Arc};

struct Row {
    messages: Vec<Value>,
    completion: String,
    structure: Arc<Structure>,
}

pub(super) fn sample(
    path: &Path,
    output: usize,
    spec: &PlanSpec<'_>,
) -> Result<Samples, PlanError> {
    let all = lines(path, "`prompt`, `completion` and `schema`", |fields| {
        row(fields).map(Some)
    })?;
    let found = all.len();
    let lacks = |row: &Row| matches!(&*row.structure, Structure::Json { schema, .. } if unsupported(schema));
    let rows: Vec<Row> = all.into_iter().filter(|row| !lacks(row)).collect();
    if rows.is_empty() {
        let what = format!("has {found} rows, all with schemas that xgrammar does not support");
        return Err(complaints::whole_file(path, what));
    }
    let chats = spec.takes.contains(&Shape::Messages);
    let mut samples = Samples::default();
    for index in 0..spec.requests {
        spec.go_on()?;
        let row = &rows[index % rows.len()];
        let (prompt, input) = if chats {
            let messages = row.messages.clone();
            (
                Prompt::Messages(messages),
                chat_length(&row.messages, spec.tokenizer),
            )
        } else {
            let text = text(&row.messages);
            let input = spec.tokenizer.count(&text, true);
            (Prompt::Text(text), input)
        };
        let mut asked = Asked::of(row.structure.clone());
        asked.expected = Some(row.completion.clone());
        samples.rows.push(Sample {
            structure: Some(asked),
            ..Sample::new(prompt, input, output as u64)
        });
    }
    let left_out = found - rows.len();
    if left_out > 0 {
        samples.notes.push(format!(
            "{left_out} of {found} rows are left out, as vLLM's script leaves them out: xgrammar does not support their \
             schemas"
        ));
    }
    if !chats {
        samples.notes.push(
            "the messages of a row are sent as one text without a chat template; take the backend `openai-chat` to send \
             them as a chat"
                .into(),
        );
    }
    Ok(samples)
}

fn row(mut fields: Fields) -> Result<Row, Vec<String>> {
    let messages = fields.array("prompt").filter(|messages| {
        !messages.is_empty()
            && messages
                .iter()
                .all(|message| message["content"].is_string())
    });
    if messages.is_none() && fields.has("prompt") {
        fields.complain("field `prompt` must be an array of chat messages with a `content`");
    }
    let completion = fields.text("completion");
    let structure = fields.text("schema").and_then(|text| {
        let schema = serde_json::from_str(&text).map_err(|e| format!("is not JSON: {e}"));
        match schema.and_then(|schema| of_schema(schema).checked()) {
            Ok(structure) => Some(Arc::new(structure)),
            Err(why) => {
                fields.complain(format!("field `schema` {why}"));
                None
            }
        }
    });
    let read = messages.zip(completion).zip(structure);
    fields
        .done(read)
        .map(|((messages, completion), structure)| Row {
            messages,
            completion,
            structure,
        })
}

fn text(messages: &[Value]) -> String {
    let contents = messages
        .iter()
        .filter_map(|message| message["content"].as_str());
    contents.collect::<Vec<_>>().join("\n\n")
}

/// The formats of texts that xgrammar knows.
const FORMATS: [&str; 14] = [
    "email",
    "date",
    "time",
    "date-time",
    "duration",
    "ipv4",
    "ipv6",
    "hostname",
    "uuid",
    "uri",
    "uri-reference",
    "uri-template",
    "json-pointer",
    "relative-json-pointer",
];

/// Whether a schema has what xgrammar does not support, so that vLLM's script leaves the row out
/// (`has_xgrammar_unsupported_json_features`).
fn unsupported(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => here(fields) || fields.values().any(unsupported),
        Value::Array(items) => items.iter().any(unsupported),
        _ => false,
    }
}

fn here(fields: &Map<String, Value>) -> bool {
    let is = |kind: &str| match fields.get("type") {
        Some(Value::String(one)) => one == kind,
        Some(Value::Array(kinds)) => kinds.iter().any(|one| one == kind),
        _ => false,
    };
    let has = |key: &str| fields.contains_key(key);
    let any = |keys: &[&str]| keys.iter().any(|key| has(key));
    let format = fields.get("format").and_then(Value::as_str);
    let several = |key: &str| match fields.get(key) {
        Some(Value::Array(items)) => items.len() > 1,
        Some(Value::Object(items)) => items.len() > 1,
        _ => false,
    };
    let bounded = |names: &Value| {
        let has = |keys: [&str; 2]| keys.iter().any(|key| names.get(key).is_some());
        has(["pattern", "format"]) && has(["minLength", "maxLength"])
    };
    (is("integer") || is("number")) && has("multipleOf")
        || is("array") && any(&["uniqueItems", "contains", "minContains", "maxContains"])
        || is("string") && format.is_some_and(|format| !FORMATS.contains(&format))
        || is("string") && any(&["pattern", "format"]) && any(&["minLength", "maxLength"])
        || is("object") && has("propertyNames") && any(&["patternProperties", "properties"])
        || is("object")
            && has("propertyNames")
            && fields
                .get("unevaluatedProperties")
                .is_some_and(|more| *more != true)
        || is("object") && has("propertyNames") && bounded(&fields["propertyNames"])
        || is("object") && has("patternProperties") && has("properties")
        || is("object") && several("patternProperties")
        || several("allOf")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case(json!({"type": "string", "format": "email"}), false)]
    #[case(json!({"type": "string", "format": "color"}), true)]
    #[case(json!({"type": "string", "pattern": "a", "maxLength": 3}), true)]
    #[case(json!({"properties": {"n": {"type": ["integer", "null"], "multipleOf": 5}}}), true)]
    #[case(json!({"items": [{"type": "array", "uniqueItems": true}]}), true)]
    #[case(json!({"allOf": [{"type": "string"}, {"enum": ["a"]}]}), true)]
    #[case(json!({"type": "object", "patternProperties": {"a": {}, "b": {}}}), true)]
    #[case(json!({"type": "object", "properties": {"contains": {"type": "string"}}}), false)]
    fn rows_are_left_out_as_vllm_does(#[case] schema: Value, #[case] left_out: bool) {
        assert_eq!(unsupported(&schema), left_out);
    }
}
