//! `--extra-body.temperature 0`: one key of a JSON object, as in vLLM's parser.

use super::spelling::flag_name;
use serde_json::{Map, Value};
use std::{collections::BTreeMap, ffi::OsString};

/// Flags whose value is an object.
const FLAGS: [&str; 3] = [
    "extra-body",
    "random-mm-limit-mm-per-prompt",
    "random-range-ratio",
];

/// Merges all keys of a flag into one object, on top of the flag's own last value. A value that is not JSON
/// is a text, and `--flag.key+ a,b` appends texts to a list. Keys that cannot be merged stay as they are,
/// and clap reports them.
pub(super) fn joined(args: Vec<OsString>) -> Vec<OsString> {
    let mut rest = Vec::new();
    let mut objects: BTreeMap<&'static str, Map<String, Value>> = BTreeMap::new();
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        if arg == "--" {
            rest.push(arg);
            rest.extend(args);
            break;
        }
        match Key::of(&arg) {
            Some(key) => {
                let value = key.value.clone();
                let value =
                    value.or_else(|| args.next().and_then(|value| value.into_string().ok()));
                key.insert(
                    objects.entry(key.flag).or_default(),
                    &value.unwrap_or_default(),
                );
            }
            None => rest.push(arg),
        }
    }
    let end = rest.iter().position(|arg| arg == "--");
    let end = end.unwrap_or(rest.len());
    let mut more = Vec::new();
    for (flag, keys) in objects {
        let base = last(&rest[..end], flag);
        let object = match base
            .as_deref()
            .map(serde_json::from_str::<Map<String, Value>>)
        {
            None => keys,
            Some(Ok(base)) => over(base, keys),
            // clap reports the flag's own value.
            Some(Err(_)) => continue,
        };
        more.push(format!("--{flag}={}", Value::Object(object)).into());
    }
    rest.splice(end..end, more);
    rest
}

/// Last value of a flag, if there is one.
fn last(args: &[OsString], flag: &str) -> Option<String> {
    let place = args.iter().rposition(|arg| flag_name(arg) == Some(flag))?;
    let word = args[place].to_str()?;
    match word.split_once('=') {
        Some((_, value)) => Some(value.to_owned()),
        None => Some(args.get(place + 1)?.to_str()?.to_owned()),
    }
}

/// `--extra-body.a.b=1`
struct Key {
    flag: &'static str,
    path: Vec<String>,
    /// The value, if the same word has it.
    value: Option<String>,
    /// Whether it appends to a list.
    adds: bool,
}

impl Key {
    fn of(arg: &OsString) -> Option<Self> {
        let name = flag_name(arg)?;
        let (flag, path) = name.split_once('.')?;
        let flag = FLAGS.into_iter().find(|known| *known == flag)?;
        let value = arg
            .to_str()?
            .split_once('=')
            .map(|(_, value)| value.to_owned());
        let adds = path.ends_with('+');
        let path = path.trim_end_matches('+');
        Some(Key {
            flag,
            path: path.split('.').map(str::to_owned).collect(),
            value,
            adds,
        })
    }

    fn insert(&self, object: &mut Map<String, Value>, value: &str) {
        let value = if self.adds {
            value.split(',').map(Value::from).collect()
        } else {
            serde_json::from_str(value).unwrap_or_else(|_| Value::from(value))
        };
        insert(object, &self.path, value);
    }
}

/// Sets a key at any depth. Lists grow.
fn insert(object: &mut Map<String, Value>, path: &[String], value: Value) {
    match path {
        [] => {}
        [key] => match (object.get_mut(key), value) {
            (Some(Value::Array(items)), Value::Array(more)) => items.extend(more),
            (_, value) => {
                object.insert(key.clone(), value);
            }
        },
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

/// Merges two objects; the keys of the second win.
fn over(mut base: Map<String, Value>, keys: Map<String, Value>) -> Map<String, Value> {
    for (key, value) in keys {
        let value = match (base.remove(&key), value) {
            (Some(Value::Object(base)), Value::Object(keys)) => over(base, keys).into(),
            (_, value) => value,
        };
        base.insert(key, value);
    }
    base
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(&["--extra-body.temperature", "0"], &[r#"--extra-body={"temperature":0}"#])]
    #[case(&["--extra-body.a.b=x", "--seed", "1"], &["--seed", "1", r#"--extra-body={"a":{"b":"x"}}"#])]
    #[case(
        &["--extra-body", r#"{"a":{"c":1},"d":2}"#, "--extra-body.a.b=true"],
        &["--extra-body", r#"{"a":{"c":1},"d":2}"#, r#"--extra-body={"a":{"b":true,"c":1},"d":2}"#]
    )]
    // The last of the whole objects counts, and the last of equal keys.
    #[case(
        &["--extra-body={\"a\":1}", "--extra-body.b=1", "--extra-body={\"c\":1}", "--extra-body.b=2"],
        &["--extra-body={\"a\":1}", "--extra-body={\"c\":1}", r#"--extra-body={"b":2,"c":1}"#]
    )]
    #[case(&["--extra-body={}"], &["--extra-body={}"])]
    #[case(&["--extra-body.k=[1, 2]", "--", "--extra-body.x=1"], &[r#"--extra-body={"k":[1,2]}"#, "--", "--extra-body.x=1"])]
    #[case(&["--extra-body.k+", "a,b", "--extra-body.k+=c"], &[r#"--extra-body={"k":["a","b","c"]}"#])]
    #[case(&["--random-range-ratio.input", "0.1", "--random-range-ratio.output=0.2"], &[r#"--random-range-ratio={"input":0.1,"output":0.2}"#])]
    #[case(&["--random-mm-limit-mm-per-prompt.image=3"], &[r#"--random-mm-limit-mm-per-prompt={"image":3}"#])]
    // Left for the flag's own complaint, and for clap's.
    #[case(&["--extra-body=oops", "--extra-body.k=1"], &["--extra-body=oops"])]
    #[case(&["--seed.k=1"], &["--seed.k=1"])]
    fn keys_make_one_object(#[case] args: &[&str], #[case] expected: &[&str]) {
        let mut joined = joined(args.iter().map(OsString::from).collect());
        for arg in &mut joined {
            // Whatever the order of keys.
            let text = arg.to_str().unwrap();
            if let Some((flag, value)) = text.split_once('=')
                && let Ok(mut value) = serde_json::from_str::<Value>(value)
            {
                value.sort_all_objects();
                *arg = format!("{flag}={value}").into();
            }
        }
        assert_eq!(
            joined,
            expected.iter().map(OsString::from).collect::<Vec<_>>()
        );
    }
}
