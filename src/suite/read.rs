//! From a suite file to benches, with everything that is wrong at once.

use super::{
    Declared, OnEngine, Suite,
    toml::{File, Set, Table, parse},
};
use crate::{
    bench::{Bench, keys},
    error::Error,
    grammar::{
        Mistake,
        names::{Key, Kind, known_key},
    },
    judge::OnInconclusive,
    problem::Problem,
};
use serde_json::Value;
use std::path::Path;

impl Suite {
    /// Reads a file. Paths in its values are taken from the current folder.
    ///
    /// # Errors
    /// The file cannot be read, or [`Error::Invalid`] with all mistakes in it, each with its line.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let text = crate::files::text::read(path).map_err(|e| {
            let message = format!("cannot be read: {e}. Write one, or name another with --suite");
            Error::Invalid(vec![Problem::new(path.display().to_string(), "", message)])
        })?;
        Suite::parse(&path.display().to_string(), &text)
    }

    /// Reads the text of the file `name`.
    ///
    /// # Errors
    /// [`Error::Invalid`] with all mistakes, each with its line.
    fn parse(name: &str, text: &str) -> Result<Self, Error> {
        let file = parse(text);
        let mut complaints = Complaints::new(name);
        for (line, sentence) in &file.mistakes {
            complaints.add(*line, "", "", sentence);
        }
        if file.benches.is_empty() && file.mistakes.is_empty() {
            complaints.add(1, "", "", "has no benches. Write one as `[bench.NAME]`");
        }
        let defaults: Vec<Placed<'_>> = placed("defaults", &file.defaults);
        // By themselves too, as benches may replace all of them.
        read("defaults", &defaults, &mut complaints);
        complaints.engines(&file);
        // Without engines each bench runs once, as it is.
        let mut on: Vec<Option<&Table>> = file.engines.iter().map(Some).collect();
        if on.is_empty() {
            on.push(None);
        }
        let pairs = file
            .benches
            .iter()
            .flat_map(|table| on.iter().map(move |engine| (table, *engine)));
        let benches = pairs.map(|(table, engine)| {
            let label = format!("bench.{}", table.name);
            let common = match engine {
                Some(engine) => merged(
                    &defaults,
                    placed(&format!("engine.{}", engine.name), &engine.sets),
                ),
                None => defaults.clone(),
            };
            let sets = merged(&common, placed(&label, &table.sets));
            let name = match engine {
                Some(engine) => format!("{}@{}", table.name, engine.name),
                None => table.name.clone(),
            };
            let mut declared = read(&name, &sets, &mut complaints);
            complaints.check(&declared.bench, &sets, (table.line, &label));
            declared.engine = engine.map(|engine| OnEngine {
                bench: table.name.clone(),
                engine: engine.name.clone(),
            });
            declared
        });
        let benches = benches.collect();
        complaints.none()?;
        Ok(Suite { benches })
    }
}

/// A key as it stands in a table of the file.
#[derive(Clone)]
struct Placed<'a> {
    table: String,
    set: &'a Set,
}

fn placed<'a>(table: &str, sets: &'a [Set]) -> Vec<Placed<'a>> {
    let placed = sets.iter().map(|set| Placed {
        table: table.to_owned(),
        set,
    });
    placed.collect()
}

/// Keys of which a bench's own replaces either of the defaults.
const RIVALS: [[&str; 2]; 2] = [["rate", "ramp"], ["ramp", "rate"]];

/// The defaults that the bench leaves, and its own keys.
fn merged<'a>(defaults: &[Placed<'a>], own: Vec<Placed<'a>>) -> Vec<Placed<'a>> {
    let has = |key: &str| own.iter().any(|placed| placed.set.key == key);
    let replaced = |key: &str| {
        has(key)
            || RIVALS
                .iter()
                .any(|[mine, theirs]| *mine == key && has(theirs))
    };
    let left = defaults.iter().filter(|placed| !replaced(&placed.set.key));
    left.cloned().chain(own.clone()).collect()
}

/// Sets all keys, and complains of those that cannot be.
fn read(name: &str, sets: &[Placed<'_>], complaints: &mut Complaints<'_>) -> Declared {
    // The command has an exit code for what is undecided.
    let mut bench = Bench::new(name).on_inconclusive(OnInconclusive::Fail);
    let mut ignore = None;
    for placed in sets {
        let set = placed.set;
        let read = known_key(&set.key).and_then(|key| match key.kind {
            Kind::Reason => {
                ignore = reason(key, &set.value)?;
                Ok(bench.clone())
            }
            _ => keys::set(bench.clone(), key, &set.value),
        });
        match read {
            Ok(mut set_bench) => {
                for problem in std::mem::take(&mut set_bench.problems) {
                    complaints.of(placed, Some(&problem.value), &problem.message);
                }
                bench = set_bench;
            }
            Err(mistake) => complaints.of(placed, None, &mistake.0),
        }
    }
    Declared {
        bench,
        ignore,
        engine: None,
    }
}

/// `true`, or why a bench is ignored.
fn reason(key: &Key, value: &Value) -> Result<Option<String>, Mistake> {
    match value {
        Value::Bool(true) => Ok(Some(String::new())),
        Value::Bool(false) => Ok(None),
        Value::String(reason) => Ok(Some(reason.clone())),
        _ => Err(Mistake::new(format!(
            "expected `true` or a reason in quotes; write such as `{} = {}`",
            key.name, key.example
        ))),
    }
}

/// Everything that is wrong with a file, once each, in its order.
struct Complaints<'a> {
    file: &'a str,
    found: Vec<(usize, Problem)>,
}

impl<'a> Complaints<'a> {
    fn new(file: &'a str) -> Self {
        Complaints {
            file,
            found: Vec::new(),
        }
    }

    fn add(&mut self, line: usize, place: &str, value: &str, message: &str) {
        let place = match place {
            "" => format!("{}:{line}", self.file),
            place => format!("{}:{line}: {place}", self.file),
        };
        let complaint = (line, Problem::new(place, value, message));
        // Every bench has the defaults, and with them their mistakes.
        if !self.found.contains(&complaint) {
            self.found.push(complaint);
        }
    }

    /// Complains of engines whose names do not do, and of keys that a bench and an engine both have.
    fn engines(&mut self, file: &File) {
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
    fn of(&mut self, placed: &Placed<'_>, value: Option<&str>, message: &str) {
        let Placed { table, set } = placed;
        let place = format!("{table}.{}", set.key);
        self.add(set.line, &place, value.unwrap_or(shown(set)), message);
    }

    /// Complains of what only the whole bench gets wrong.
    fn check(&mut self, bench: &Bench, sets: &[Placed<'_>], header: (usize, &str)) {
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

    fn none(mut self) -> Result<(), Error> {
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

#[cfg(test)]
mod tests;
