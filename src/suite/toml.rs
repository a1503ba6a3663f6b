//! A suite file as tables of keys, with the line of each.

use crate::grammar::Mistake;
use serde_json::Value;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// The table of what varies.
const SWEEP: &str = "sweep";

/// A file's tables, in its order.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) defaults: Vec<Set>,
    pub(super) benches: Vec<Table>,
    /// Engines that every bench runs on, if there are any.
    pub(super) engines: Vec<Table>,
    /// What varies in every bench.
    pub(super) sweep: Vec<Set>,
    /// What is not as it should be: the line and the sentence.
    pub(super) mistakes: Vec<(usize, String)>,
}

/// `[bench.NAME]` or `[engine.NAME]`
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) sets: Vec<Set>,
    /// What varies in this bench, `[bench.NAME.sweep]`.
    pub(super) sweep: Vec<Set>,
}

/// A key with its value, and the line that it is on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Set {
    pub(super) key: String,
    pub(super) value: Value,
    /// The value as the file has it.
    pub(super) text: String,
    /// From 1.
    pub(super) line: usize,
}

/// Reads a file; goes on behind mistakes, so that all are found.
pub(super) fn parse(text: &str) -> File {
    let (root, errors) = DeTable::parse_recoverable(text);
    let line = |at: usize| 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
    let mut file = File::default();
    for error in errors {
        let at = error.span().map_or(0, |span| span.start);
        let sentence = format!("is not TOML: {}", error.message());
        file.mistakes.push((line(at), sentence));
    }
    let sets = |table: &DeTable<'_>| -> Vec<Set> {
        let sets = table.iter().map(|(key, value)| Set {
            key: key.get_ref().to_string(),
            value: plain(value),
            text: text.get(value.span()).unwrap_or_default().to_owned(),
            line: line(key.span().start),
        });
        sets.collect()
    };
    for (key, value) in root.get_ref() {
        let at = line(key.span().start);
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("defaults", DeValue::Table(table)) => file.defaults = sets(table),
            (SWEEP, DeValue::Table(table)) => file.sweep = sets(table),
            (kind @ ("bench" | "engine"), DeValue::Table(tables)) => {
                for (name, table) in tables {
                    let line = line(name.span().start);
                    // One is written as if it were all of them.
                    let DeValue::Table(table) = table.get_ref() else {
                        file.mistakes.push((line, nameless(kind)));
                        continue;
                    };
                    let named = match kind {
                        "bench" => &mut file.benches,
                        _ => &mut file.engines,
                    };
                    let swept = match table.get(SWEEP).map(Spanned::get_ref) {
                        Some(DeValue::Table(swept)) if kind == "bench" => Some(sets(swept)),
                        _ => None,
                    };
                    let mut sets = sets(table);
                    sets.retain(|set| swept.is_none() || set.key != SWEEP);
                    named.push(Table {
                        name: name.get_ref().to_string(),
                        line,
                        sets,
                        sweep: swept.unwrap_or_default(),
                    });
                }
            }
            (kind @ ("bench" | "engine"), _) => file.mistakes.push((at, nameless(kind))),
            (kind @ ("defaults" | SWEEP), _) => {
                let sentence = format!("`{kind}` is a table; write `[{kind}]`");
                file.mistakes.push((at, sentence));
            }
            (other, _) => {
                let mistake =
                    Mistake::unknown("table", other, &["defaults", "bench", "engine", SWEEP]);
                file.mistakes.push((at, mistake.0));
            }
        }
    }
    file
}

fn nameless(kind: &str) -> String {
    let article = if kind == "engine" { "an" } else { "a" };
    format!("{article} {kind} is a table with its name; write `[{kind}.NAME]`")
}

/// The value as JSON has it. What JSON lacks becomes text: dates, and infinity as `inf`.
fn plain(value: &Spanned<DeValue<'_>>) -> Value {
    match value.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => {
            let digits = number.as_str();
            let read = i64::from_str_radix(digits, number.radix());
            read.map_or_else(|_| Value::String(digits.to_owned()), Value::from)
        }
        DeValue::Float(number) => match number.as_str().parse::<f64>() {
            Ok(finite) if finite.is_finite() => Value::from(finite),
            _ => Value::String(number.as_str().trim_start_matches('+').to_owned()),
        },
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(values) => values.iter().map(plain).collect(),
        DeValue::Table(table) => {
            let pairs = table.iter();
            let pairs = pairs.map(|(key, value)| (key.get_ref().to_string(), plain(value)));
            Value::Object(pairs.collect())
        }
    }
}
