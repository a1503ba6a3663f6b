//! What can be said about a JSON schema without the crate that checks schemas, which would make the attribute slow to build.

use crate::{Mistake, Mistakes};
use serde_json::Value;

/// The types of JSON Schema.
const TYPES: &[&str] = &[
    "null", "boolean", "object", "array", "number", "string", "integer",
];

/// Keywords whose value is a schema, or a list of them.
const SCHEMAS: &[&str] = &[
    "additionalProperties",
    "allOf",
    "anyOf",
    "contains",
    "else",
    "if",
    "items",
    "not",
    "oneOf",
    "prefixItems",
    "propertyNames",
    "then",
];

/// Keywords whose value has a schema for each of its keys.
const NAMED: &[&str] = &["$defs", "definitions", "patternProperties", "properties"];

/// Checks a schema that is written out: that it is JSON, and its types.
///
/// # Errors
/// It is not a schema.
pub(crate) fn check(text: &str) -> Result<(), Mistake> {
    let schema: Value = serde_json::from_str(text)
        .map_err(|e| Mistake::new(format!("the schema of `json` is not JSON: {e}")))?;
    let mut found = Mistakes::new();
    types(&schema, &mut found);
    found.into_iter().next().map_or(Ok(()), Err)
}

fn types(schema: &Value, found: &mut Mistakes) {
    let Some(fields) = schema.as_object() else {
        return;
    };
    let named = match fields.get("type") {
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) => vec![one.as_str()],
        _ => Vec::new(),
    };
    let unknown = named.into_iter().filter(|name| !TYPES.contains(name));
    found.extend(unknown.map(|name| Mistake::unknown("type of a schema", name, TYPES)));
    for (key, value) in fields {
        match value {
            Value::Array(list) if SCHEMAS.contains(&key.as_str()) => {
                list.iter().for_each(|inner| types(inner, found));
            }
            value if SCHEMAS.contains(&key.as_str()) => types(value, found),
            Value::Object(inner) if NAMED.contains(&key.as_str()) => {
                inner.values().for_each(|inner| types(inner, found));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use rstest::rstest;

    #[rstest]
    #[case(
        r#"{"type": "strin"}"#,
        "unknown type of a schema `strin`; did you mean `string`? Valid: null, boolean, object, array, number, string, integer"
    )]
    #[case(
        r#"{"properties": {"a": {"items": [{"anyOf": [{"type": ["null", "int"]}]}]}}}"#,
        "unknown type of a schema `int`. Valid: null, boolean, object, array, number, string, integer"
    )]
    #[case(
        r#"{"type": "#,
        "the schema of `json` is not JSON: EOF while parsing a value at line 1 column 9"
    )]
    fn what_is_not_a_schema_is_refused(#[case] text: &str, #[case] said: &str) {
        assert_eq!(check(text).unwrap_err().0, said);
    }

    #[rstest]
    #[case("true")]
    #[case(r#"{"type": ["string", "null"], "properties": {"type": {"type": "integer"}}}"#)]
    #[case::values_are_not_schemas(
        r#"{"const": {"type": "x"}, "default": {"type": "y"}, "enum": [{"type": "z"}]}"#
    )]
    fn schemas_are_taken(#[case] text: &str) {
        assert_eq!(check(text), Ok(()));
    }
}
