//! Maps another tool's metrics, and records which ones were mapped.

use crate::results::reading::{Imported, Remark, Wrong};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Mapping of another tool's names to vLLM's keys.
pub(super) struct Mapping<'a> {
    metrics: &'a Map<String, Value>,
    seen: BTreeSet<String>,
    values: Map<String, Value>,
    remarks: Vec<Remark>,
    left_out: Vec<Remark>,
    wrong: Wrong,
}

impl<'a> Mapping<'a> {
    /// Starts with the metrics of this level.
    pub(super) fn of(metrics: &'a Map<String, Value>) -> Self {
        Mapping {
            metrics,
            seen: BTreeSet::new(),
            values: Map::new(),
            remarks: Vec::new(),
            left_out: Vec::new(),
            wrong: Wrong::new(),
        }
    }

    /// Value at a path such as `request_latency.avg`.
    fn at(&mut self, path: &str) -> Option<&'a Value> {
        let mut names = path.split('.');
        let first = names.next()?;
        self.seen.insert(first.to_owned());
        let found = names.try_fold(self.metrics.get(first)?, |value, name| value.get(name))?;
        (!found.is_null()).then_some(found)
    }

    /// Number at a path, if there is one. Python's `nan` and `inf`, of an empty sample or without a limit,
    /// count as none.
    pub(super) fn number(&mut self, path: &str) -> Option<f64> {
        let value = self.at(path)?;
        let none = ["nan", "inf"].iter().any(|text| value == text);
        if value.as_f64().is_none() && !none {
            self.wrong
                .push(format!("`{path}` is {value}, not a number"));
        }
        value.as_f64()
    }

    /// Text at a path.
    pub(super) fn text(&mut self, path: &str) -> Option<&'a str> {
        self.at(path)?.as_str()
    }

    /// Object at a path.
    pub(super) fn table(&mut self, path: &str) -> Option<&'a Map<String, Value>> {
        self.at(path)?.as_object()
    }

    /// Number at a path that every result has.
    pub(super) fn needed(&mut self, path: &str) -> f64 {
        let before = self.wrong.len();
        self.number(path).unwrap_or_else(|| {
            if self.wrong.len() == before {
                self.wrong.push(format!("`{path}` is missing"));
            }
            0.0
        })
    }

    /// Stores a value under this key of vLLM's.
    pub(super) fn put(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        let value = value.into();
        if !value.is_null() {
            self.values.insert(key.into(), value);
        }
    }

    /// Stores a whole number under this key.
    pub(super) fn put_count(&mut self, key: &str, count: f64) {
        if count.fract() == 0.0 && (0.0..9e15).contains(&count) {
            self.put(key, count as u64)
        } else {
            self.wrong.push(format!(
                "{count} cannot be `{key}`: it is not a whole number"
            ))
        }
    }

    /// Copies the number at a path, if there is one, to a key.
    pub(super) fn copy(&mut self, key: &str, path: &str) {
        let number = self.number(path);
        self.put(key, json!(number));
    }

    pub(super) fn remark(&mut self, on: &str, text: impl Into<String>) {
        let (on, text) = (on.to_owned(), text.into());
        self.remarks.push(Remark { on, text });
    }

    /// Records a known metric that goodput leaves out, if the result has it.
    pub(super) fn leave(&mut self, name: &str, why: &str) {
        if self.at(name).is_some() {
            let (on, text) = (name.to_owned(), why.to_owned());
            self.left_out.push(Remark { on, text });
        }
    }

    /// Marks settings of the run, which are not metrics.
    pub(super) fn settings(&mut self, names: &[&str]) {
        self.seen
            .extend(names.iter().map(|name| (*name).to_owned()));
    }

    pub(super) fn wrong(&mut self, what: String) {
        self.wrong.push(what);
    }

    /// Returns the result, unless it has an error.
    pub(super) fn finish(
        self,
        tool: &str,
        version: String,
    ) -> Result<(Map<String, Value>, Imported), Wrong> {
        let names = self.metrics.iter().filter(|(_, value)| !value.is_null());
        let names = names.map(|(name, _)| name.as_str());
        let not_understood = names.filter(|name| !self.seen.contains(*name));
        let imported = Imported {
            tool: tool.to_owned(),
            version,
            remarks: self.remarks,
            left_out: self.left_out,
            not_understood: not_understood.map(str::to_owned).collect(),
        };
        if self.wrong.is_empty() {
            Ok((self.values, imported))
        } else {
            Err(self.wrong)
        }
    }
}
