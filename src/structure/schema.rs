//! JSON schemas, by the crate `jsonschema`.

use jsonschema::Validator;
use serde_json::Value;

/// What checks values by a schema.
///
/// # Errors
/// The schema is none.
pub(super) fn validator(schema: &Value) -> Result<Validator, String> {
    if !schema.is_object() && !schema.is_boolean() {
        return Err("is not a JSON schema: a schema is an object".to_owned());
    }
    jsonschema::validator_for(schema).map_err(|e| {
        let place = e.instance_path().to_string();
        let place = if place.is_empty() {
            String::new()
        } else {
            format!(" at `{place}`")
        };
        format!("is not a JSON schema{place}: {e}")
    })
}

/// Why a value does not fit a schema. The sentence leaves the value out, which may be long.
pub(super) fn misfit(validator: &Validator, value: &Value) -> Option<String> {
    let error = validator.iter_errors(value).next()?;
    let place = error.instance_path().to_string();
    let place = if place.is_empty() { "/" } else { &place };
    Some(format!(
        "does not fit the schema at `{place}`: {}",
        error.masked()
    ))
}
