//! How requests ask for a structure: each dialect in its own fields.

use super::json;
use crate::{sim::refusal::Refusal, structure::Structure};
use serde_json::{Map, Value, json};

const FIELD: &str = "structured_outputs";

/// vLLM's `structured_outputs`, or OpenAI's `response_format` for a schema.
///
/// # Errors
/// What vLLM 0.32 answers: `fixtures/vllm/structured_refusals.jsonl`.
pub(super) fn vllm(
    structured_outputs: Option<Value>,
    response_format: Option<&Value>,
) -> Result<Option<Structure>, Refusal> {
    match structured_outputs {
        None | Some(Value::Null) => {}
        Some(Value::Object(fields)) => return of_fields(&fields).map(Some),
        Some(other) => {
            let kind = match other {
                Value::String(_) => "str",
                Value::Array(_) => "list",
                Value::Bool(_) => "bool",
                Value::Number(number) if number.is_f64() => "float",
                _ => "int",
            };
            return Err(Refusal::internal(format!(
                "'{kind}' object has no attribute 'get'"
            )));
        }
    }
    let format = response_format.filter(|format| format["type"] == "json_schema");
    let Some(format) = format else {
        return Ok(None);
    };
    match format["json_schema"].get("schema") {
        Some(schema) => Ok(Some(of_schema(schema.clone()))),
        None => Err(Refusal::parameter(
            "response_format",
            "When response_format type is 'json_schema', the 'json_schema' field must be provided.",
            None,
        )),
    }
}

/// A structure by fields with vLLM's names.
fn of_fields(fields: &Map<String, Value>) -> Result<Structure, Refusal> {
    let given = |kind: &str| fields.get(kind).filter(|value| !value.is_null());
    check_types(&given)?;
    let three = ["json", "regex", "choice"]
        .iter()
        .filter(|kind| given(kind).is_some());
    if three.count() > 1 {
        let message = "You can only use one kind of constraints for structured outputs ('json', 'regex' or 'choice').";
        return Err(Refusal::parameter(FIELD, message, None));
    }
    const KINDS: [&str; 5] = ["json", "regex", "choice", "grammar", "structural_tag"];
    let mut kinds = KINDS.iter().filter_map(|kind| Some((*kind, given(kind)?)));
    match (kinds.next(), kinds.next()) {
        (None, _) => Err(Refusal::value(
            "You must use one kind of structured outputs constraint but none are specified: {'json': None, 'regex': None, \
             'choice': None, 'grammar': None, 'json_object': None, 'disable_any_whitespace': False, \
             'disable_additional_properties': False, 'whitespace_pattern': None, 'structural_tag': None, '_backend': None, \
             '_backend_was_auto': False}",
        )),
        (Some(_), Some(_)) => Err(Refusal::value(
            "You can only use one kind of structured outputs constraint but multiple are specified",
        )),
        (Some((kind, value)), None) => {
            let only = [(kind.to_owned(), value.clone())].into_iter().collect();
            Structure::of_fields(&only).map_err(|why| match kind {
                "json" => Refusal::value("Invalid JSON grammar specification."),
                "structural_tag" => no_tag(),
                _ => Refusal::value(&why),
            })
        }
    }
}

/// Tags that are none.
pub(super) fn no_tag() -> Refusal {
    let message = "Invalid structured_outputs structural_tag specification.";
    Refusal::parameter(FIELD, message, None)
}

/// Checks types as pydantic does.
fn check_types<'a>(given: &impl Fn(&str) -> Option<&'a Value>) -> Result<(), Refusal> {
    let wrong = |place: String, kinds: &[&str], value: &Value| {
        let place = format!("body.{FIELD}.{place}");
        let details: Vec<String> = kinds
            .iter()
            .map(|kind| {
                let what = if *kind == "dict" { "dictionary" } else { "string" };
                format!(
                    "{{'type': '{kind}_type', 'loc': '{place}', 'msg': 'Input should be a valid {what}', 'input': {}}}",
                    json::input(value)
                )
            })
            .collect();
        Err(Refusal::validation(&place, &details))
    };
    for kind in ["regex", "grammar", "structural_tag"] {
        match given(kind) {
            // vLLM takes it only as text, and says so later.
            Some(Value::Object(_)) if kind == "structural_tag" => return Err(no_tag()),
            Some(value) if !value.is_string() => return wrong(kind.to_owned(), &["string"], value),
            _ => {}
        }
    }
    match given("json") {
        Some(value) if !value.is_string() && !value.is_object() => {
            return wrong("json".to_owned(), &["string", "dict"], value);
        }
        _ => {}
    }
    let choices = given("choice").and_then(Value::as_array);
    for (index, choice) in choices.into_iter().flatten().enumerate() {
        if !choice.is_string() {
            return wrong(format!("choice.{index}"), &["string"], choice);
        }
    }
    match choices {
        Some(choices) if choices.is_empty() => {
            Err(Refusal::value("Choice '[]' cannot be an empty list"))
        }
        _ => Ok(()),
    }
}

/// A schema.
pub(super) fn of_schema(schema: Value) -> Structure {
    Structure::Json {
        schema,
        response_format: false,
    }
}

/// A structure by the fields of a server that has other names: of each field its name there, vLLM's, and its value.
pub(super) fn named(
    fields: &[(&'static str, &'static str, Option<Value>)],
) -> Result<Option<Structure>, Refusal> {
    let given = fields.iter().filter_map(|(name, ours, value)| {
        Some((
            *name,
            *ours,
            value.as_ref().filter(|value| !value.is_null())?,
        ))
    });
    let mut given = given.filter(|(.., value)| *value != "");
    let Some((name, ours, value)) = given.next() else {
        return Ok(None);
    };
    let fields = json!({ ours: value });
    let read = fields.as_object().map(Structure::of_fields);
    read.transpose()
        .map_err(|why| Refusal::bad_request(name, why.replace(ours, name)))
}

#[cfg(test)]
mod tests {
    use crate::sim::{dialect::Dialect, structured::Makers};
    use serde_json::{Value, json};

    /// Answers of vLLM 0.32 to `/v1/completions` with these fields, with its default choice of an engine for structures.
    #[test]
    fn what_vllm_refuses_is_refused_in_its_words() {
        let file = include_str!("../../../fixtures/vllm/structured_refusals.jsonl");
        let rows: Vec<Value> = file
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(rows.len(), 14);
        for row in rows {
            let mut body = json!({"model": "tiny", "prompt": "Hello", "max_tokens": 40});
            body.as_object_mut()
                .unwrap()
                .extend(row["fields"].as_object().unwrap().clone());
            let refusal = match Dialect::Completions.read(body.to_string().as_bytes()) {
                Err(refusal) => refusal,
                Ok(asked) => Makers::default().of(asked.structure.unwrap()).unwrap_err(),
            };
            let said: Value = serde_json::from_str(&refusal.body()).unwrap();
            assert_eq!(said, row["body"], "{}", row["name"]);
            assert_eq!(
                u64::from(refusal.status().as_u16()),
                row["status"].as_u64().unwrap()
            );
        }
    }
}
