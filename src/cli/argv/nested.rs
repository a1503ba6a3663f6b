//! `--extra-body.temperature 0`: one key of a JSON object, as vLLM's parser has it.

use serde_json::{Map, Value};
use std::ffi::OsString;

/// The one flag that holds an object for request bodies.
const FLAG: &str = "--extra-body";

/// The arguments with all keys of the flag put into one object, over what the flag itself says. A value
/// that is no JSON is a text. What cannot be put together is left for the flag's own complaint.
pub(super) fn joined(args: Vec<OsString>) -> Vec<OsString> {
    let is_key = |arg: &OsString| key(arg).is_some();
    if !args.iter().any(is_key) {
        return args;
    }
    let mut rest = Vec::new();
    let mut object = Map::new();
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        if arg == FLAG
            || arg
                .to_str()
                .is_some_and(|arg| arg.starts_with("--extra-body="))
        {
            let value = match arg.to_str().and_then(|arg| arg.split_once('=')) {
                Some((_, value)) => Some(value.to_owned()),
                None => args.next().and_then(|value| value.into_string().ok()),
            };
            let value = value.unwrap_or_default();
            match serde_json::from_str::<Map<String, Value>>(&value) {
                // Keys given one by one win, wherever they stand.
                Ok(given) => merge(&mut object, given),
                Err(_) => rest.extend([FLAG.into(), value.into()]),
            }
            continue;
        }
        match key(&arg) {
            Some((path, value)) => {
                let value =
                    value.or_else(|| args.next().and_then(|value| value.into_string().ok()));
                insert(&mut object, &path, read(&value.unwrap_or_default()));
            }
            None => rest.push(arg),
        }
    }
    // Before anything that follows a double dash.
    let end = rest
        .iter()
        .position(|arg| arg == "--")
        .unwrap_or(rest.len());
    rest.splice(
        end..end,
        [FLAG.into(), Value::Object(object).to_string().into()],
    );
    rest
}

/// The keys of an argument such as `--extra-body.a.b=1`, and its value if it stands there.
fn key(arg: &OsString) -> Option<(Vec<String>, Option<String>)> {
    let text = arg.to_str()?.strip_prefix(FLAG)?.strip_prefix('.')?;
    let (keys, value) = match text.split_once('=') {
        Some((keys, value)) => (keys, Some(value.to_owned())),
        None => (text, None),
    };
    let keys = keys.split('.').map(str::to_owned).collect();
    Some((keys, value))
}

fn read(value: &str) -> Value {
    serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()))
}

fn insert(object: &mut Map<String, Value>, path: &[String], value: Value) {
    match path {
        [] => {}
        [key] => {
            object.insert(key.clone(), value);
        }
        [key, rest @ ..] => {
            let inner = object
                .entry(key.clone())
                .or_insert_with(|| Map::new().into());
            if !inner.is_object() {
                *inner = Map::new().into();
            }
            if let Value::Object(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

/// Adds what is not there yet.
fn merge(object: &mut Map<String, Value>, given: Map<String, Value>) {
    for (key, value) in given {
        match (object.get_mut(&key), value) {
            (Some(Value::Object(inner)), Value::Object(given)) => merge(inner, given),
            (Some(_), _) => {}
            (None, value) => {
                object.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(&["--extra-body.temperature", "0"], &["--extra-body", r#"{"temperature":0}"#])]
    #[case(&["--extra-body.a.b=x", "--seed", "1"], &["--seed", "1", "--extra-body", r#"{"a":{"b":"x"}}"#])]
    #[case(
        &["--extra-body", r#"{"a":{"c":1},"d":2}"#, "--extra-body.a.b=true"],
        &["--extra-body", r#"{"a":{"b":true,"c":1},"d":2}"#]
    )]
    #[case(&["--extra-body={}"], &["--extra-body={}"])]
    #[case(&["--extra-body.k=[1, 2]", "--", "x"], &["--extra-body", r#"{"k":[1,2]}"#, "--", "x"])]
    fn keys_make_one_object(#[case] args: &[&str], #[case] expected: &[&str]) {
        let mut joined = joined(args.iter().map(OsString::from).collect());
        for arg in &mut joined {
            // Whatever the order of keys.
            if let Ok(value) = serde_json::from_str::<Value>(arg.to_str().unwrap()) {
                let mut value = value;
                value.sort_all_objects();
                *arg = value.to_string().into();
            }
        }
        assert_eq!(
            joined,
            expected.iter().map(OsString::from).collect::<Vec<_>>()
        );
    }
}
