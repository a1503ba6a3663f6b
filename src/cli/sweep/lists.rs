//! What varies: lists of a YAML file, and `--vary`.

use crate::{
    cli::argv::{Flags, given, line_of, mapping},
    files::text,
    problem::Problem,
    sweep::Axis,
};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;
use std::{ffi::OsString, fmt, path::Path};

/// Lists of pairs, each with the two flags that it sets, and how they name a case.
pub(super) const PAIRS: [(&str, [&str; 2]); 2] = [
    ("input_output", ["random-input-len", "random-output-len"]),
    ("concurrency_prompts", ["max-concurrency", "num-prompts"]),
];

/// Flags of every case, and what varies.
#[derive(Debug, Default)]
pub(super) struct Lists {
    /// Words before those of the command line, which win.
    pub(super) fixed: Vec<OsString>,
    pub(super) axes: Vec<Axis>,
}

impl Lists {
    /// Adds the settings of a YAML file. `line` has the flags of the command line.
    pub(super) fn add_file(
        &mut self,
        path: &Path,
        line: &[OsString],
        flags: &Flags,
        problems: &mut Vec<Problem>,
    ) {
        let file = path.display().to_string();
        let text = match text::read(path) {
            Ok(text) => text,
            Err(e) => {
                let message = format!("cannot be read: {e}. Name a YAML file");
                return problems.push(Problem::new("--config", file, message));
            }
        };
        let settings = match parsed(&text) {
            Ok(settings) => settings,
            Err(message) => return problems.push(Problem::new("--config", file, message)),
        };
        for (key, value) in settings.0 {
            let place = match line_of(&text, &key) {
                Some(line) => format!("{file}:{line}: {key}"),
                None => format!("{file}: {key}"),
            };
            let mut complain = |value: String, message: String| {
                problems.push(Problem::new(&place, value, message));
            };
            let value = value.0;
            if let Some((_, keys)) = PAIRS
                .iter()
                .find(|(name, _)| *name == key.replace('-', "_"))
            {
                match pairs(&value) {
                    Ok(steps) => self.vary(keys, steps, line, &mut complain),
                    Err((value, message)) => complain(value, message),
                }
                continue;
            }
            let name = match flags.name(&key) {
                Ok(name) => name,
                Err(message) => {
                    complain(String::new(), message);
                    continue;
                }
            };
            match values(&name, value, flags) {
                Ok(Values::One(value)) => match flags.words(&name, &value) {
                    // The command line wins, but what the file has must make sense.
                    Ok(_) if rivals(&name).any(|rival| given(line, rival)) => {}
                    Ok(words) => self.fixed.extend(words),
                    Err(message) => complain(String::new(), message),
                },
                Ok(Values::Each(values)) => {
                    self.vary_flag(&name, values, line, flags, &mut complain)
                }
                Err(message) => complain(String::new(), message),
            }
        }
    }

    /// Adds what `--vary` says: `max-concurrency=1,4,16`, or a JSON array.
    pub(super) fn add_text(
        &mut self,
        text: &str,
        line: &[OsString],
        flags: &Flags,
        problems: &mut Vec<Problem>,
    ) {
        let mut complain = |value: String, message: String| {
            problems.push(Problem::new("--vary", value, message));
        };
        let Some((key, list)) = text.split_once('=') else {
            let message = "is not FLAG=VALUES. Write it like max-concurrency=1,4,16";
            return complain(text.to_owned(), message.to_owned());
        };
        let name = match flags.name(key.trim().trim_start_matches("--")) {
            Ok(name) => name,
            Err(message) => return complain(key.to_owned(), message),
        };
        let values = match serde_json::from_str::<Vec<Value>>(list) {
            Ok(values) => values,
            Err(_) if list.trim_start().starts_with('[') => {
                let message = "is not a JSON array. Close it, and quote its texts".to_owned();
                return complain(list.to_owned(), message);
            }
            Err(_) => list.split(',').map(|value| plain(value.trim())).collect(),
        };
        self.vary_flag(&name, values, line, flags, &mut complain);
    }

    /// One flag with several values.
    fn vary_flag(
        &mut self,
        name: &str,
        values: Vec<Value>,
        line: &[OsString],
        flags: &Flags,
        complain: &mut impl FnMut(String, String),
    ) {
        if CREDENTIALS.contains(&name) {
            let message = "may hold a key, which would be in the names of cases. Give one value";
            return complain(name.to_owned(), message.to_owned());
        }
        for value in &values {
            if let Err(message) = flags.words(name, value) {
                complain(value.to_string(), message);
            }
        }
        let steps = values.into_iter().map(|value| vec![value]).collect();
        self.vary(&[name], steps, line, complain);
    }

    fn vary(
        &mut self,
        keys: &[&str],
        steps: Vec<Vec<Value>>,
        line: &[OsString],
        complain: &mut impl FnMut(String, String),
    ) {
        if steps.is_empty() {
            complain(
                "[]".to_owned(),
                "is empty. Give at least one value".to_owned(),
            );
        }
        for key in keys {
            if given(line, key) || given(&self.fixed, key) {
                let message = format!("varies --{key}, which is also set. Keep one");
                complain(String::new(), message);
            }
            let twice = |axis: &Axis| axis.keys.iter().any(|other| other == key);
            if self.axes.iter().any(twice) {
                let message = format!("varies --{key}, which another list varies too. Keep one");
                complain(String::new(), message);
            }
        }
        self.axes.push(Axis {
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            steps,
        });
    }
}

/// Flags of which the command line's replaces any of the file's.
const ADDRESS: [&str; 4] = ["base-url", "host", "port", "target"];

/// A flag, and those that say the same thing in another way.
fn rivals(name: &str) -> impl Iterator<Item = &str> {
    let others = ADDRESS
        .iter()
        .copied()
        .filter(move |_| ADDRESS.contains(&name));
    std::iter::once(name).chain(others)
}

/// Flags whose values must not be in names.
const CREDENTIALS: [&str; 2] = ["api-key", "header"];

/// A value of every case, or one for each.
enum Values {
    One(Value),
    Each(Vec<Value>),
}

/// A list is a value for each case. A flag that takes several values at once has lists as its values.
fn values(name: &str, value: Value, flags: &Flags) -> Result<Values, String> {
    let lists = flags.takes_several(name);
    match value {
        Value::Array(values) if !lists => Ok(Values::Each(values)),
        Value::Array(values) if values.iter().any(Value::is_array) => {
            if values.iter().all(Value::is_array) {
                return Ok(Values::Each(values));
            }
            Err("mixes values and lists. Write a list for each case".to_owned())
        }
        value => Ok(Values::One(value)),
    }
}

/// Pairs of whole numbers.
fn pairs(value: &Value) -> Result<Vec<Vec<Value>>, (String, String)> {
    const FIX: &str =
        "is not a pair of whole numbers from 1. Write such as [[256, 128], [1024, 128]]";
    let Value::Array(pairs) = value else {
        return Err((value.to_string(), FIX.to_owned()));
    };
    let whole = |value: &Value| value.as_u64().is_some_and(|number| number > 0);
    let pair = |pair: &Value| match pair {
        Value::Array(both) if both.len() == 2 && both.iter().all(whole) => Ok(both.clone()),
        other => Err((other.to_string(), FIX.to_owned())),
    };
    pairs.iter().map(pair).collect()
}

/// A value of `--vary`: a number or a flag where it is one, else text.
fn plain(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ (Value::Number(_) | Value::Bool(_))) => value,
        _ => Value::from(text),
    }
}

/// The settings of a file, in its order.
struct Settings(Vec<(String, Node)>);

/// A value of YAML. What JSON lacks becomes text: infinity is `inf`.
struct Node(Value);

/// Reads a text as a file; for fuzzing.
#[cfg(any(test, fuzzing))]
pub(super) fn fuzzed(text: &str) {
    let settings = parsed(text).map_or_else(|_| Vec::new(), |settings| settings.0);
    for (key, value) in settings {
        let _ = (line_of(text, &key), pairs(&value.0));
    }
}

fn parsed(text: &str) -> Result<Settings, String> {
    mapping(text, "max-concurrency: [1, 4, 16]")
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Mapping;
        impl<'de> Visitor<'de> for Mapping {
            type Value = Settings;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping of flags to values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Settings, A::Error> {
                let mut settings: Vec<(String, Node)> = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, Node>()? {
                    settings.retain(|(other, _)| *other != key);
                    settings.push((key, value));
                }
                Ok(Settings(settings))
            }
        }
        deserializer.deserialize_map(Mapping)
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Any {
            Flag(bool),
            Whole(i64),
            Large(u64),
            Number(f64),
            Text(String),
            List(Vec<Node>),
            Object(serde_json::Map<String, Value>),
            Nothing(()),
        }
        Ok(Node(match Any::deserialize(deserializer)? {
            Any::Flag(flag) => flag.into(),
            Any::Whole(number) => number.into(),
            Any::Large(number) => number.into(),
            Any::Number(number) if number.is_finite() => number.into(),
            Any::Number(number) => number.to_string().into(),
            Any::Text(text) => text.into(),
            Any::List(nodes) => nodes.into_iter().map(|node| node.0).collect(),
            Any::Object(object) => object.into(),
            Any::Nothing(()) => Value::Null,
        }))
    }
}

#[cfg(test)]
mod tests;
