//! The parameter files of `vllm bench sweep serve`: lists of flags with values, their names, and what they change in a
//! command, as in vLLM 0.33.

use crate::{files::text, problem::Problem, repr::repr};
use serde_json::{Map, Value};
use std::path::Path;

/// The key that names a combination; all others are flags.
const NAME: &str = "_benchmark_name";

/// One combination of a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Item(pub(super) Map<String, Value>);

impl Item {
    /// The name in folders: the given one, or all flags with their values.
    pub(super) fn name(&self) -> String {
        match self.0.get(NAME) {
            Some(name) => python(name),
            None => {
                let flags = self.flags();
                let flags = flags.map(|(key, value)| format!("{key}={}", python(value)));
                flags.collect::<Vec<_>>().join("-")
            }
        }
    }

    /// The flags with their values.
    pub(super) fn flags(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0.iter().filter(|(key, _)| *key != NAME)
    }

    /// The command with these flags: a flag that it has gets the value, others are added. `negates` says whether a false flag
    /// becomes `--no-flag`; else it is removed.
    pub(super) fn apply(&self, words: &[String], negates: bool) -> Vec<String> {
        let mut words = words.to_vec();
        for (key, value) in self.flags() {
            let names = spellings(key);
            let mut places = names
                .iter()
                .map(|name| words.iter().position(|word| word == name));
            let place = places.find_map(|place| place);
            let name = names[0].clone();
            if let (Value::Bool(false), false) = (value, negates) {
                words.retain(|word| !names.contains(word));
                continue;
            }
            let value = match value {
                Value::Bool(flag) if key.contains('.') => vec![format!("{name}={flag}")],
                Value::Bool(true) => vec![name],
                Value::Bool(false) => vec![name.replacen("--", "--no-", 1)],
                Value::Object(_) => vec![name, value.to_string()],
                Value::Array(values) if !negates => std::iter::once(name)
                    .chain(values.iter().map(python))
                    .collect(),
                value => vec![name, python(value)],
            };
            match place {
                // As vLLM: a value that is there takes one word.
                Some(place) => {
                    let end = (place + value.len().min(2)).min(words.len());
                    words.splice(place..end, value);
                }
                None => words.extend(value),
            }
        }
        words
    }
}

/// Words for a flag of a file, the one that vLLM prefers first. The part behind a dot stays.
fn spellings(key: &str) -> [String; 3] {
    let (flag, inner) = match key.split_once('.') {
        Some((flag, inner)) => (flag, format!(".{inner}")),
        None => (key, String::new()),
    };
    [
        flag.replace('_', "-"),
        flag.replace('-', "_"),
        flag.to_owned(),
    ]
    .map(|flag| format!("--{flag}{inner}"))
}

/// The value as Python's `str()` shows it.
fn python(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => literal(other),
    }
}

/// The value as Python's `repr()` shows it.
fn literal(value: &Value) -> String {
    let all = |values: Vec<String>| values.join(", ");
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(float) => python_float(float),
            None => number.to_string(),
        },
        Value::String(text) => repr(text),
        Value::Array(values) => format!("[{}]", all(values.iter().map(literal).collect())),
        Value::Object(map) => {
            let pairs = map
                .iter()
                .map(|(key, value)| format!("{}: {}", repr(key), literal(value)));
            format!("{{{}}}", all(pairs.collect()))
        }
    }
}

/// A float as Python's `repr()` shows it: the shortest digits, with an exponent from 1e16 and below 1e-4.
fn python_float(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e16).contains(&size) {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ('-', exponent),
            None => ('+', exponent),
        };
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    let text = value.to_string();
    if text.contains('.') {
        text
    } else {
        format!("{text}.0")
    }
}

/// Reads a file: a list of objects, or an object of names.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn read(flag: &str, path: &Path) -> Result<Vec<Item>, Vec<Problem>> {
    let file = path.display();
    let one = |message: String| vec![Problem::new(flag, &file, message)];
    let text =
        text::read(path).map_err(|e| one(format!("cannot be read: {e}. Name a JSON file")))?;
    let value = serde_json::from_str::<Value>(&text).map_err(|e| {
        // The error itself may show a key of the file.
        let place = format!("line {}, column {}", e.line(), e.column());
        one(format!(
            "is not JSON ({place}). Write such as [{{\"max_concurrency\": 4}}]"
        ))
    })?;
    let items = items(value).map_err(|messages| {
        let each = messages.into_iter();
        each.map(|message| Problem::new(flag, &file, message))
            .collect::<Vec<_>>()
    })?;
    if items.is_empty() {
        return Err(one("is empty. Give at least one combination".to_owned()));
    }
    Ok(items)
}

/// Reads a text as a file and as a command; for fuzzing.
#[cfg(any(test, fuzzing))]
pub(super) fn fuzzed(text: &str) {
    let _ = (links(text), of_command(text));
    let value = serde_json::from_str::<Value>(text).unwrap_or_default();
    for item in items(value).unwrap_or_default() {
        let folder = folder(&item, &Item::default());
        assert!(!folder.contains('/') && !folder.contains(".."), "{folder}");
        let _ = item.apply(&[], false);
    }
}

fn items(value: Value) -> Result<Vec<Item>, Vec<String>> {
    let entries: Vec<(String, Value)> = match value {
        Value::Array(entries) => {
            let places = entries.into_iter().enumerate();
            places
                .map(|(place, entry)| (format!("entry {place}"), entry))
                .collect()
        }
        Value::Object(map) => {
            let named = map.into_iter().map(|(name, value)| {
                let value = match value {
                    Value::Object(flags) => {
                        let name = (NAME.to_owned(), Value::from(name.as_str()));
                        Value::Object(std::iter::once(name).chain(flags).collect())
                    }
                    other => other,
                };
                (format!("`{name}`"), value)
            });
            named.collect()
        }
        _ => {
            return Err(vec![
                "is neither a list of objects nor an object of objects".to_owned(),
            ]);
        }
    };
    let mut messages = Vec::new();
    let mut items: Vec<Item> = Vec::new();
    for (place, entry) in entries {
        match entry {
            Value::Object(flags) => items.push(Item(flags)),
            _ => messages.push(format!(
                "{place} is not an object of flags with their values"
            )),
        }
    }
    let names: Vec<&Value> = items.iter().filter_map(|item| item.0.get(NAME)).collect();
    for (place, name) in names.iter().enumerate() {
        if names[..place].contains(name) {
            messages.push(format!(
                "names two combinations {name}. Give each another {NAME}"
            ));
        }
    }
    if messages.is_empty() {
        Ok(items)
    } else {
        Err(messages)
    }
}

/// Reads `--link-vars`: a flag of the server and one of the case, which must be equal.
pub(super) fn links(text: &str) -> Result<Vec<(String, String)>, Problem> {
    let pairs = text
        .split(',')
        .filter(|pair| !text.is_empty() || !pair.is_empty());
    let pair = |pair: &str| match pair.split('=').map(str::trim).collect::<Vec<_>>()[..] {
        [serve, bench] if !serve.is_empty() && !bench.is_empty() => {
            Ok((serve.to_owned(), bench.to_owned()))
        }
        _ => Err(Problem::new(
            "--link-vars",
            pair,
            "is not a pair. Write such as max_num_seqs=max_concurrency",
        )),
    };
    pairs.map(pair).collect()
}

/// Whether all linked flags are there and equal.
pub(super) fn linked(serve: &Item, bench: &Item, links: &[(String, String)]) -> bool {
    links.iter().all(|(of_serve, of_bench)| {
        let (serve, bench) = (serve.0.get(of_serve), bench.0.get(of_bench));
        serve.is_some() && serve == bench
    })
}

/// The folder of a combination, below that of the experiment. Empty if it changes nothing.
pub(super) fn folder(serve: &Item, bench: &Item) -> String {
    let mut parts = Vec::new();
    for (start, item) in [("SERVE-", serve), ("BENCH-", bench)] {
        if !item.0.is_empty() {
            parts.extend([start.to_owned(), item.name()]);
        }
    }
    sanitized(&parts.join("-"))
}

/// A name that leads nowhere else, as vLLM makes it.
pub(super) fn sanitized(name: &str) -> String {
    let name = name.replace('/', "_").replace("..", "__");
    name.trim_matches('\'').trim_matches('"').to_owned()
}

/// Flags of a command such as `vllm bench serve --model m`, without its program.
///
/// # Errors
/// It is another command.
pub(super) fn of_command(text: &str) -> Result<Vec<String>, Problem> {
    let problem = |message: &str| Problem::new("--bench-cmd", text, message);
    let words = shell_words::split(text).map_err(|_| problem("has an open quote. Close it"))?;
    let end = |program: &str, name: &str| program == name || program.ends_with(&format!("/{name}"));
    let first = words.iter().take_while(|word| !word.starts_with("--"));
    let first: Vec<&str> = first.map(String::as_str).collect();
    let skipped = match first.as_slice() {
        [program, "serve", ..] if end(program, "goodput") => 2,
        // Also `python -m vllm.entrypoints.cli.main bench serve`.
        all => match all.windows(2).position(|pair| pair == ["bench", "serve"]) {
            Some(place) if all[..place].iter().any(|word| word.contains("vllm")) => place + 2,
            _ => {
                let fix = "is neither `vllm bench serve` nor `goodput serve`, and goodput runs no other program. \
                           Write it like \"vllm bench serve --model MODEL\"";
                return Err(problem(fix));
            }
        },
    };
    Ok(without_results(&words[skipped..]))
}

/// vLLM's sweeps set these themselves, whatever the command has.
const OF_RESULTS: [(&str, bool); 5] = [
    ("--save-result", false),
    ("--append-result", false),
    ("--result-dir", true),
    ("--result-filename", true),
    ("--percentile-metrics", true),
];

fn without_results(words: &[String]) -> Vec<String> {
    let mut left = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let name = word.split_once('=').map_or(word.as_str(), |(name, _)| name);
        match OF_RESULTS
            .iter()
            .find(|(other, _)| *other == name.replace('_', "-"))
        {
            Some((_, true)) if name.len() == word.len() => drop(words.next()),
            Some(_) => {}
            None => left.push(word.clone()),
        }
    }
    left
}

#[cfg(test)]
mod tests;
