//! What is wrong with a suite file.

use super::toml::{File, Set, Table};
use crate::{bench::Bench, error::Error, grammar::names::known_key, problem::Problem};
use serde_json::Value;

/// A key as it stands in a table of the file.
#[derive(Clone)]
pub(super) struct Placed {
    pub(super) table: String,
    pub(super) set: Set,
}

/// Everything that is wrong with a file, once each, in its order.
pub(super) struct Complaints<'a> {
    file: &'a str,
    found: Vec<(usize, Problem)>,
}

impl<'a> Complaints<'a> {
    pub(super) fn new(file: &'a str) -> Self {
        Complaints {
            file,
            found: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, line: usize, place: &str, value: &str, message: &str) {
        let place = match place {
            "" => format!("{}:{line}", self.file),
            place => format!("{}:{line}: {place}", self.file),
        };
        let complaint = (line, Problem::new(place, value, message));
        // Every bench has the defaults and the sweep, and with them their mistakes.
        if !self.found.contains(&complaint) {
            self.found.push(complaint);
        }
    }

    /// Complains of engines whose names do not do, and of keys that a bench and an engine both have.
    pub(super) fn engines(&mut self, file: &File) {
        for engine in &file.engines {
            let named = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            if engine.name.is_empty() || !engine.name.chars().all(named) {
                let message = "has other characters than letters, digits, `-`, `_` and `.`. Take another name";
                self.add(engine.line, "", &format!("engine.{}", engine.name), message);
            }
        }
        for bench in &file.benches {
            for set in &bench.sets {
                let has = |engine: &&Table| engine.sets.iter().any(|other| other.key == set.key);
                if let Some(engine) = file.engines.iter().find(has) {
                    let place = format!("bench.{}.{}", bench.name, set.key);
                    let message = format!("is also set by `[engine.{}]`. Keep one", engine.name);
                    self.add(set.line, &place, shown(set), &message);
                }
            }
        }
    }

    /// Complains of a key. Its value is shown as the parser or the file has it, unless it may be a
    /// secret.
    pub(super) fn of(&mut self, placed: &Placed, value: Option<&str>, message: &str) {
        let Placed { table, set } = placed;
        let place = format!("{table}.{}", set.key);
        self.add(set.line, &place, value.unwrap_or(shown(set)), message);
    }

    /// Complains of what only the whole bench gets wrong.
    pub(super) fn check(&mut self, bench: &Bench, sets: &[Placed], header: (usize, &str)) {
        let problems = match bench.check() {
            Err(Error::Invalid(problems)) => problems,
            Err(e) => vec![Problem::new("", "", e.to_string())],
            Ok(()) => return,
        };
        for Problem {
            field,
            value,
            message,
        } in problems
        {
            match sets.iter().find(|placed| placed.set.key == field) {
                Some(placed) => self.of(placed, Some(&value), &message),
                None => {
                    let place = format!("{}.{field}", header.1);
                    self.add(header.0, &place, &value, &message);
                }
            }
        }
    }

    pub(super) fn none(mut self) -> Result<(), Error> {
        self.found.sort_by_key(|(line, _)| *line);
        let problems: Vec<_> = self.found.into_iter().map(|(_, problem)| problem).collect();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(problems))
        }
    }
}

/// The part of a file's value that may be shown. An unknown key may be a misspelt one, and its value
/// an API key; so may the values of an unexpected table.
fn shown(set: &Set) -> &str {
    const SECRET: [&str; 3] = ["headers", "api_key", "extra_body"];
    match &set.value {
        _ if SECRET.contains(&set.key.as_str()) => "***",
        Value::String(_) | Value::Array(_) if known_key(&set.key).is_ok() => &set.text,
        Value::Number(_) | Value::Bool(_) => &set.text,
        _ => "",
    }
}
