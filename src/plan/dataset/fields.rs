//! Rows of JSON: reads their fields and reports everything that is wrong with them.

use super::{
    complaints::{self, Complaints},
    table::whole_float,
};
use crate::plan::PlanError;
use goodput_grammar::bounds;
use serde_json::{Map, Value};
use std::path::Path;

/// The client that a row is from: its field `client`, a string or a number, which fairness is measured by.
pub(super) fn client(value: Option<Value>) -> Result<Option<Box<str>>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(name)) => Ok(Some(name.into())),
        Some(Value::Number(number)) => Ok(Some(number.to_string().into())),
        Some(other) => Err(format!("field `client` is {}, not a string", kind(&other))),
    }
}

/// A value's type, with its article.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// The fields of a row, and what is wrong with those that were read.
pub(super) struct Fields {
    place: String,
    row: Map<String, Value>,
    mistakes: Vec<String>,
}

impl Fields {
    /// `place` is a line or a row, such as `line 3`.
    pub(super) fn new(place: &str, row: Map<String, Value>) -> Self {
        Fields {
            place: place.to_owned(),
            row,
            mistakes: Vec::new(),
        }
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// What was read, if nothing was wrong.
    pub(super) fn done<T>(self, read: Option<T>) -> Result<T, Vec<String>> {
        match read {
            Some(read) if self.mistakes.is_empty() => Ok(read),
            _ => Err(self.mistakes),
        }
    }

    pub(super) fn complain(&mut self, mistake: impl Into<String>) {
        self.mistakes.push(mistake.into());
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.row.get(name).is_some_and(|value| !value.is_null())
    }

    pub(super) fn names(&self) -> String {
        let names: Vec<String> = self.row.keys().map(|name| format!("`{name}`")).collect();
        names.join(", ")
    }

    /// A field of any type.
    #[cfg(feature = "hf")]
    pub(super) fn value(&mut self, name: &str) -> Option<Value> {
        self.required(name)
    }

    /// A field if it is a string.
    #[cfg(feature = "hf")]
    pub(super) fn string(&self, name: &str) -> Option<String> {
        Some(self.row.get(name)?.as_str()?.to_owned())
    }

    /// Takes a field out of the row.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.row.remove(name).filter(|value| !value.is_null())
    }

    fn required(&mut self, name: &str) -> Option<Value> {
        let value = self.row.get(name).cloned();
        if value.is_none() {
            let names = self.names();
            self.complain(format!("field `{name}` is missing; the row has {names}"));
        }
        value
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        match self.required(name)? {
            Value::String(text) => Some(text),
            other => {
                self.complain(format!("field `{name}` is {}, not a string", kind(&other)));
                None
            }
        }
    }

    pub(super) fn number(&mut self, name: &str) -> Option<f64> {
        let value = self.required(name)?;
        let number = value.as_f64();
        if number.is_none() {
            self.complain(format!("field `{name}` is {}, not a number", kind(&value)));
        }
        number
    }

    /// A whole number of at least `least`.
    pub(super) fn whole(&mut self, name: &str, least: u64) -> Option<u64> {
        let value = self.required(name)?;
        let float = || value.as_f64().and_then(whole_float);
        let number = value.as_u64().or_else(float);
        let number = number.filter(|number| *number >= least);
        if number.is_some_and(|number| number > bounds::WHOLE) {
            self.complain(format!(
                "field `{name}` is {value}; the most is {}",
                bounds::WHOLE
            ));
            return None;
        }
        if number.is_none() {
            let value = match value {
                Value::Array(_) | Value::Object(_) => kind(&value).to_owned(),
                plain => plain.to_string(),
            };
            self.complain(format!(
                "field `{name}` is {value}, not a whole number of {least} at least"
            ));
        }
        number
    }

    pub(super) fn array(&mut self, name: &str) -> Option<Vec<Value>> {
        match self.required(name)? {
            Value::Array(items) => Some(items),
            other => {
                self.complain(format!("field `{name}` is {}, not an array", kind(&other)));
                None
            }
        }
    }

    /// A text inside of the row: `path` goes through objects by name and arrays by number.
    pub(super) fn text_at(&mut self, path: &[&str]) -> Option<String> {
        let (first, rest) = path.split_first()?;
        let mut value = &self.required(first)?;
        let mut place = (*first).to_owned();
        for step in rest {
            let (inner, name) = match (value, step.parse::<usize>()) {
                (Value::Array(items), Ok(index)) => (items.get(index), format!("[{step}]")),
                (Value::Object(fields), Err(_)) => (fields.get(*step), format!(".{step}")),
                (other, asked) => {
                    let expected = if asked.is_ok() {
                        "an array"
                    } else {
                        "an object"
                    };
                    let kind = kind(other);
                    self.complain(format!("field `{place}` is {kind}, not {expected}"));
                    return None;
                }
            };
            place.push_str(&name);
            match inner {
                Some(inner) => value = inner,
                None => {
                    self.complain(format!("field `{place}` is missing"));
                    return None;
                }
            }
        }
        match value {
            Value::String(text) => Some(text.clone()),
            other => {
                let kind = kind(other);
                self.complain(format!("field `{place}` is {kind}, not a string"));
                None
            }
        }
    }

    /// The output length of a row: what was asked for, or its own `output_tokens`.
    pub(super) fn output(&mut self, asked: Option<usize>) -> Option<u64> {
        match asked {
            Some(tokens) => Some(tokens as u64),
            None if self.row.contains_key("output_tokens") => self.whole("output_tokens", 1),
            None => {
                self.complain(
                    "field `output_tokens` is missing; add it, or give all rows one by `custom(output)`",
                );
                None
            }
        }
    }
}

/// The largest row, in bytes. A row with a picture in it may be long; anything longer is not a row.
pub(super) const LONGEST_ROW: usize = 64 << 20;

/// What `read` makes of every line of a `.jsonl` file, in its order, or everything that is wrong.
///
/// `None` leaves a row out. `need` says what a line should be.
pub(super) fn lines<T>(
    path: &Path,
    need: &str,
    mut read: impl FnMut(Fields) -> Result<Option<T>, Vec<String>>,
) -> Result<Vec<T>, PlanError> {
    let text = complaints::read(path)?;
    let mut complaints = Complaints::about(path);
    let mut rows = Vec::new();
    let mut found = 0;
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        found += 1;
        let place = format!("line {}", index + 1);
        if line.len() > LONGEST_ROW {
            let long = line.len();
            complaints.add(
                &place,
                &format!("has {long} bytes; a row may have {LONGEST_ROW}"),
            );
            continue;
        }
        match serde_json::from_str::<Value>(line) {
            Ok(Value::Object(row)) => match read(Fields::new(&place, row)) {
                Ok(row) => rows.extend(row),
                Err(mistakes) => {
                    for mistake in mistakes {
                        complaints.add(&place, &mistake);
                    }
                }
            },
            Ok(other) => complaints.add(
                &place,
                &format!("is {}, not a JSON object with {need}", kind(&other)),
            ),
            Err(error) => complaints.add(
                &format!("{place}, column {}", error.column()),
                &format!("is not JSON: {}", complaints::reason(&error)),
            ),
        }
    }
    complaints.check()?;
    if found == 0 {
        return Err(complaints::whole_file(
            path,
            format!("is empty; it needs a JSON object with {need} on every line"),
        ));
    }
    if rows.is_empty() {
        return Err(complaints::whole_file(
            path,
            format!("none of its {found} rows can be used"),
        ));
    }
    Ok(rows)
}
