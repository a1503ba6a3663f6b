//! The sets of vLLM's script for structured output.

use super::settings::{Write, settings};
use crate::{
    Mistake, Mistakes,
    call::{Arg, unquote},
};
use std::{fmt, path::PathBuf};

/// A set of vLLM's `benchmark_serving_structured_output.py`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Set {
    /// A profile of a user as JSON, by one schema.
    #[default]
    Json,
    /// The same with another schema for each request, so that a server cannot reuse what it has compiled.
    JsonUnique,
    /// A query in a small grammar of SQL.
    Grammar,
    /// An address of electronic mail.
    Regex,
    /// `Positive` or `Negative`.
    Choice,
    /// Rows of the hub's set NousResearch/json-mode-eval, each with its schema.
    XgrammarBench,
}

impl Set {
    const NAMED: &[(&str, Set)] = &[
        ("json", Set::Json),
        ("json-unique", Set::JsonUnique),
        ("grammar", Set::Grammar),
        ("regex", Set::Regex),
        ("choice", Set::Choice),
        ("xgrammar_bench", Set::XgrammarBench),
    ];

    /// The names of all sets, as in vLLM.
    pub const NAMES: [&str; 6] = {
        let mut names = [""; 6];
        let mut index = 0;
        while index < names.len() {
            names[index] = Set::NAMED[index].0;
            index += 1;
        }
        names
    };

    /// The set's name, as in vLLM.
    pub fn name(self) -> &'static str {
        let found = Self::NAMED.iter().find(|(_, set)| *set == self);
        found.map_or("", |(name, _)| name)
    }

    /// Reads a set's name.
    ///
    /// # Errors
    /// It is the name of no set.
    pub fn parse(name: &str) -> Result<Self, Mistake> {
        let found = Self::NAMED.iter().find(|(other, _)| *other == name);
        let unknown = || Mistake::unknown("set", name, &Self::NAMES);
        found.map(|(_, set)| *set).ok_or_else(unknown)
    }
}

impl Write for Set {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " = {}", self.name())
    }
}

fn file(arg: &Arg<'_>) -> Result<Option<PathBuf>, Mistake> {
    arg.text().map(|path| Some(PathBuf::from(unquote(path))))
}

settings! {
    /// `structured(set = json, output = 128)`: the fixed sets of vLLM's `benchmark_serving_structured_output.py`.
    "structured" => Structured {
        /// The set: `json`, `json-unique`, `grammar`, `regex`, `choice` or `xgrammar_bench`. Default `json`.
        set: Set = Set::Json, |arg: &Arg<'_>| Set::parse(arg.text()?), shown;
        /// File of the schema of `json` and `json-unique`. Default: a user's profile.
        schema: Option<PathBuf> = None, file;
        /// File of the rows of `xgrammar_bench`: a JSON object with `prompt`, `completion` and `schema` a line.
        rows: Option<PathBuf> = None, file;
        /// Output tokens asked for. Default 128.
        output: usize = 128, |arg: &Arg<'_>| arg.whole(1), shown;
    }
}

impl Structured {
    /// Files that the set lacks, or does not use.
    pub fn mistakes(&self) -> Mistakes {
        let mut mistakes = Mistakes::new();
        let name = self.set.name();
        let of_a_schema = matches!(self.set, Set::Json | Set::JsonUnique);
        if self.schema.is_some() && !of_a_schema {
            let sentence = format!(
                "`structured(schema)` is for the sets `json` and `json-unique`, not for `{name}`. Leave it out"
            );
            mistakes.push(Mistake::new(sentence));
        }
        match (self.set, &self.rows) {
            (Set::XgrammarBench, None) => mistakes.push(Mistake::new(
                "the set `xgrammar_bench` needs its rows: name a file with `structured(rows)`, a JSON object with `prompt`, \
                 `completion` and `schema` a line, as the hub's NousResearch/json-mode-eval has them",
            )),
            (Set::XgrammarBench, Some(_)) | (_, None) => {}
            (_, Some(_)) => mistakes.push(Mistake::new(format!(
                "`structured(rows)` is for the set `xgrammar_bench`, not for `{name}`. Leave it out"
            ))),
        }
        mistakes
    }
}
