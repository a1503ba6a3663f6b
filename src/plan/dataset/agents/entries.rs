//! The entries of a recording: JSON objects of a file, or of all files of a folder.

use super::super::{
    complaints::{self, Complaints, reason},
    fields::{Fields, LONGEST_ROW, kind},
};
use crate::plan::PlanError;
use serde_json::{Value, value::RawValue};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The text of a file, with its name if the dataset is a folder.
pub(super) struct Text {
    name: Option<String>,
    text: String,
}

/// An object of a file.
pub(super) struct Entry<'a> {
    /// File and line on which it begins.
    pub(super) place: String,
    text: &'a str,
}

/// The texts of a file, or of the `.json` and `.jsonl` files of a folder by their names.
pub(super) fn texts(path: &Path) -> Result<Vec<Text>, PlanError> {
    if !path.is_dir() {
        let text = complaints::read(path)?;
        return Ok(vec![Text { name: None, text }]);
    }
    let unread = |error| complaints::whole_file(path, format!("cannot be read: {error}"));
    let mut files: Vec<PathBuf> = Vec::new();
    for file in fs::read_dir(path).map_err(unread)? {
        let file = file.map_err(unread)?.path();
        let ending = file.extension().and_then(|ending| ending.to_str());
        if matches!(ending, Some("json" | "jsonl")) {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(complaints::whole_file(
            path,
            "has no file that ends with `.json` or `.jsonl`",
        ));
    }
    let named = |file: PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        Ok(Text {
            name: Some(name.into_owned()),
            text: complaints::read(&file)?,
        })
    };
    files.into_iter().map(named).collect()
}

impl Text {
    /// The entries: those of an array, one on each line, or one after the other.
    pub(super) fn entries(&self, complaints: &mut Complaints) -> Vec<Entry<'_>> {
        let text = self.text.as_str();
        let first = text.lines().find(|line| !line.trim().is_empty());
        if first.is_some_and(|line| serde_json::from_str::<&RawValue>(line).is_ok_and(is_object)) {
            let lines = text.lines().enumerate();
            let lines = lines.filter(|(_, line)| !line.trim().is_empty());
            return lines
                .map(|(index, text)| self.entry(index + 1, text))
                .collect();
        }
        let raw: Result<Vec<&RawValue>, _> = if text.trim_start().starts_with('[') {
            serde_json::from_str(text)
        } else {
            serde_json::Deserializer::from_str(text)
                .into_iter()
                .collect()
        };
        let raw = raw.unwrap_or_else(|error| {
            let place = self.place(error.line());
            complaints.add(&place, &format!("is not JSON: {}", reason(&error)));
            Vec::new()
        });
        let (mut line, mut from) = (1, 0);
        let placed = |raw: &'_ RawValue| {
            let at = raw.get().as_ptr() as usize - text.as_ptr() as usize;
            line += text[from..at].matches('\n').count();
            from = at;
            line
        };
        let lines: Vec<usize> = raw.iter().copied().map(placed).collect();
        let entries = lines.into_iter().zip(raw);
        entries
            .map(|(line, raw)| self.entry(line, raw.get()))
            .collect()
    }

    fn entry<'a>(&self, line: usize, text: &'a str) -> Entry<'a> {
        let place = self.place(line);
        Entry { place, text }
    }

    fn place(&self, line: usize) -> String {
        match &self.name {
            Some(name) => format!("`{name}`, line {line}"),
            None => format!("line {line}"),
        }
    }
}

fn is_object(raw: &RawValue) -> bool {
    raw.get().starts_with('{')
}

impl Entry<'_> {
    /// The fields, unless the entry is something else.
    pub(super) fn fields(&self, complaints: &mut Complaints) -> Option<Fields> {
        if self.text.len() > LONGEST_ROW {
            let long = self.text.len();
            let what = format!("has {long} bytes; an entry may have {LONGEST_ROW}");
            complaints.add(&self.place, &what);
            return None;
        }
        match serde_json::from_str::<Value>(self.text) {
            Ok(Value::Object(row)) => return Some(Fields::new(&self.place, row)),
            Ok(other) => complaints.add(
                &self.place,
                &format!("is {}, not a JSON object", kind(&other)),
            ),
            Err(error) => {
                complaints.add(&self.place, &format!("is not JSON: {}", reason(&error)));
            }
        }
        None
    }
}
