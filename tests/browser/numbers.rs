//! Numbers of a page, and those of the JSON that it was made of.

use serde_json::Value;
use std::{fs, path::Path};

/// A column of a table; the caption is given by its begin. What has no number is `None`.
pub(crate) fn column(view: &Value, caption: &str, column: &str) -> Vec<Option<f64>> {
    let tables = view["tables"].as_array().unwrap();
    let captions = || {
        tables
            .iter()
            .map(|table| table["caption"].as_str().unwrap())
    };
    let table = captions()
        .position(|found| found.starts_with(caption))
        .unwrap_or_else(|| panic!("{caption} in {:?}", captions().collect::<Vec<_>>()));
    let head = tables[table]["head"].as_array().unwrap();
    let at = head
        .iter()
        .position(|name| name == column)
        .unwrap_or_else(|| panic!("{column} in {head:?}"));
    let rows = tables[table]["rows"].as_array().unwrap().iter();
    rows.map(|row| row[at]["value"].as_f64()).collect()
}

/// Numbers of JSON files of a folder, in order: `FILE /key/*/key`. `*` stands for every element, and `{a,b}` for either.
pub(crate) fn stored(folder: &Path, wanted: &str) -> Vec<Option<f64>> {
    let (files, path) = wanted.split_once(' ').unwrap();
    let read = |file: String| -> Value {
        serde_json::from_str(&fs::read_to_string(folder.join(file)).unwrap()).unwrap()
    };
    let mut found: Vec<Value> = spelled(files).into_iter().map(read).collect();
    for key in path.split('/').skip(1) {
        found = found.iter().flat_map(|value| step(value, key)).collect();
    }
    assert!(!found.is_empty(), "{wanted}");
    found.iter().map(Value::as_f64).collect()
}

fn step(value: &Value, key: &str) -> Vec<Value> {
    match (key, value) {
        ("*", Value::Array(values)) => values.clone(),
        ("*", Value::Object(values)) => values.values().cloned().collect(),
        (_, Value::Array(values)) => vec![values[key.parse::<usize>().unwrap()].clone()],
        _ => spelled(key)
            .iter()
            .map(|key| {
                let found = value.get(key);
                found.unwrap_or_else(|| panic!("{key}")).clone()
            })
            .collect(),
    }
}

/// `{a,b}c` is `ac` and `bc`.
fn spelled(text: &str) -> Vec<String> {
    let Some((before, rest)) = text.split_once('{') else {
        return vec![text.to_owned()];
    };
    let (choices, after) = rest.split_once('}').unwrap();
    choices
        .split(',')
        .map(|one| format!("{before}{one}{after}"))
        .collect()
}
