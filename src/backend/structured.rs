//! How bodies ask for a structure where several dialects ask in the same way.

use crate::structure::Structure;
use serde_json::{Map, Value, json};

/// One field.
pub(super) fn field(key: &str, value: impl Into<Value>) -> Option<Map<String, Value>> {
    Some([(key.to_owned(), value.into())].into_iter().collect())
}

/// The field that vLLM takes: `structured_outputs`, or OpenAI's `response_format` for a schema of which the bench says so.
pub(super) fn vllm(structure: &Structure) -> Option<Map<String, Value>> {
    match structure {
        Structure::Json {
            schema,
            response_format: true,
        } => field("response_format", response_format(schema)),
        other => field("structured_outputs", other.fields()),
    }
}

/// OpenAI's form of a schema in chat completions.
fn response_format(schema: &Value) -> Value {
    json!({
        "type": "json_schema",
        "json_schema": {"name": NAME, "schema": schema, "strict": true},
    })
}

/// The name of the schema, which OpenAI's API requires.
pub(super) const NAME: &str = "answer";
