//! From a suite file to benches, with everything that is wrong at once.

use super::{
    Declared, OnEngine, Suite,
    complaints::{Complaints, Placed},
    sweep,
    toml::{Set, Table, parse},
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
    pub(super) fn parse(name: &str, text: &str) -> Result<Self, Error> {
        let file = parse(text);
        let mut complaints = Complaints::new(name);
        for (line, sentence) in &file.mistakes {
            complaints.add(*line, "", "", sentence);
        }
        if file.benches.is_empty() && file.mistakes.is_empty() {
            complaints.add(1, "", "", "has no benches. Write one as `[bench.NAME]`");
        }
        let defaults: Vec<Placed> = placed("defaults", &file.defaults);
        // By themselves too, as benches may replace all of them.
        read("defaults", &defaults, &mut complaints);
        complaints.engines(&file);
        // Without engines each bench runs once, as it is.
        let mut on: Vec<Option<&Table>> = file.engines.iter().map(Some).collect();
        if on.is_empty() {
            on.push(None);
        }
        let mut benches = Vec::new();
        for table in &file.benches {
            let label = format!("bench.{}", table.name);
            let points = sweep::points(&file, table, &mut complaints);
            for (point, engine) in points
                .iter()
                .flat_map(|p| on.iter().map(move |on| (p, *on)))
            {
                let common = match engine {
                    Some(engine) => merged(
                        &defaults,
                        placed(&format!("engine.{}", engine.name), &engine.sets),
                    ),
                    None => defaults.clone(),
                };
                let sets = merged(&common, placed(&label, &table.sets));
                let sets = merged(&sets, point.clone());
                let bench = sweep::name(&table.name, point);
                let name = match engine {
                    Some(engine) => format!("{bench}@{}", engine.name),
                    None => bench.clone(),
                };
                let mut declared = read(&name, &sets, &mut complaints);
                complaints.check(&declared.bench, &sets, (table.line, &label));
                declared.swept = sweep::swept(&table.name, engine, point);
                declared.engine = engine.map(|engine| OnEngine {
                    bench,
                    engine: engine.name.clone(),
                });
                benches.push(declared);
            }
        }
        complaints.none()?;
        Ok(Suite { benches })
    }
}

fn placed(table: &str, sets: &[Set]) -> Vec<Placed> {
    let placed = sets.iter().map(|set| Placed {
        table: table.to_owned(),
        set: set.clone(),
    });
    placed.collect()
}

/// Keys of which a bench's own replaces either of the defaults.
const RIVALS: [[&str; 2]; 2] = [["rate", "ramp"], ["ramp", "rate"]];

/// The defaults that the bench leaves, and its own keys.
fn merged(defaults: &[Placed], own: Vec<Placed>) -> Vec<Placed> {
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
fn read(name: &str, sets: &[Placed], complaints: &mut Complaints<'_>) -> Declared {
    // The command has an exit code for what is undecided.
    let mut bench = Bench::new(name).on_inconclusive(OnInconclusive::Fail);
    let mut ignore = None;
    for placed in sets {
        let set = &placed.set;
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
        swept: None,
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

#[cfg(test)]
mod tests;
