//! Rows of files: parquet, JSON lines, and JSON arrays.

use super::files::Files;
use crate::plan::{
    PlanError,
    dataset::{complaints, fields::kind},
};
use parquet::file::reader::SerializedFileReader;
use serde_json::{Map, Value};
use std::{fs::File, iter, path::Path};

/// A row and where it stands.
#[derive(Debug)]
pub(super) struct Row {
    /// `data/train.parquet, row 3`
    pub(super) place: String,
    pub(super) fields: Map<String, Value>,
}

/// Rows one after the other; bytes are base64.
pub(super) type Rows<'a> = Box<dyn Iterator<Item = Result<Row, PlanError>> + 'a>;

/// The rows of a file, which is fetched if it is not here. Parquet is read as it goes.
pub(super) fn open(files: &Files<'_>, file: String) -> Rows<'static> {
    let opened = files.fetch(&file).and_then(|path| {
        if file.ends_with(".parquet") {
            from_parquet(&path, file)
        } else {
            from_json(&path, file)
        }
    });
    opened.unwrap_or_else(|error| Box::new(iter::once(Err(error))))
}

fn from_parquet(path: &Path, file: String) -> Result<Rows<'static>, PlanError> {
    let unreadable = |error: &dyn std::fmt::Display| {
        complaints::whole_file(path, format!("is not parquet that can be read: {error}"))
    };
    let open = File::open(path).map_err(|error| unreadable(&error))?;
    let reader = SerializedFileReader::new(open).map_err(|error| unreadable(&error))?;
    let path = path.to_owned();
    let rows = reader.into_iter().enumerate().map(move |(index, row)| {
        let place = format!("{file}, row {}", index + 1);
        match row.map(|row| row.to_json_value()) {
            Ok(Value::Object(fields)) => Ok(Row { place, fields }),
            Ok(_) => Err(complaints::whole_file(&path, "has a row without columns")),
            Err(error) => {
                let what = format!("row {} cannot be read: {error}", index + 1);
                Err(complaints::whole_file(&path, what))
            }
        }
    });
    Ok(Box::new(rows))
}

fn from_json(path: &Path, file: String) -> Result<Rows<'static>, PlanError> {
    let text = complaints::read(path)?;
    let values: Vec<(usize, Result<Value, serde_json::Error>)> =
        match serde_json::from_str::<Vec<Value>>(&text) {
            Ok(rows) => rows.into_iter().map(Ok).enumerate().collect(),
            Err(_) => text
                .lines()
                .enumerate()
                .filter(|(_, line)| !line.trim().is_empty())
                .map(|(index, line)| (index, serde_json::from_str(line)))
                .collect(),
        };
    let path = path.to_owned();
    let rows = values.into_iter().map(move |(index, value)| {
        let number = index + 1;
        match value {
            Ok(Value::Object(fields)) => Ok(Row {
                place: format!("{file}, row {number}"),
                fields,
            }),
            Ok(other) => Err(complaints::whole_file(
                &path,
                format!("{file}, row {number} is {}, not an object", kind(&other)),
            )),
            Err(error) => Err(complaints::whole_file(
                &path,
                format!(
                    "{file}, row {number}, column {}: is not JSON: {}",
                    error.column(),
                    complaints::reason(&error)
                ),
            )),
        }
    });
    Ok(Box::new(rows))
}
