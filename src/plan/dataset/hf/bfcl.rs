//! The Berkeley Function-Calling Leaderboard: chats with tools.
//!
//! A file for each category. Rows of the categories take turns, then all are shuffled by CPython's
//! `random`. Types of BFCL that JSON Schema does not have become those that it has.

use super::{files::Files, reader::Reader, rows};
use crate::plan::{
    PlanError, Prompt,
    dataset::{Sample, arrange, estimate, fields::Fields},
};
use goodput_grammar::dataset::Hf;
use serde_json::{Map, Value, json};

/// BFCL's type, and JSON Schema's.
const TYPES: [(&str, &str); 4] = [
    ("dict", "object"),
    ("float", "number"),
    ("tuple", "array"),
    ("any", "string"),
];

pub(super) fn rows<'a>(
    set: &Hf,
    files: &'a Files<'_>,
    seed: u64,
) -> Result<rows::Rows<'a>, PlanError> {
    let categories = set.categories.split(',').map(str::trim);
    let mut by_category = Vec::new();
    for category in categories.filter(|category| !category.is_empty()) {
        let file = format!("BFCL_v3_{category}.json");
        if !files.has(&file) {
            return Err(PlanError::new(format!(
                "dataset `{}`: has no file `{file}` for the category `{category}`; look at \
                 `hf(categories)`",
                set.path.display()
            )));
        }
        let rows: Result<Vec<rows::Row>, PlanError> = rows::open(files, file).collect();
        by_category.push(rows?.into_iter());
    }
    let mut all = Vec::new();
    loop {
        let turn: Vec<rows::Row> = by_category.iter_mut().filter_map(Iterator::next).collect();
        if turn.is_empty() {
            break;
        }
        all.extend(turn);
    }
    arrange(&mut all, set.keep_order, seed);
    Ok(Box::new(all.into_iter().map(Ok)))
}

impl Reader<'_> {
    /// The first turn; a row without one or without tools is left out.
    pub(super) fn tools(&self, fields: &mut Fields) -> Option<Option<Sample>> {
        let functions = match fields.take("function") {
            Some(Value::Array(functions)) if !functions.is_empty() => functions,
            Some(function @ Value::Object(_)) => vec![function],
            _ => return Some(None),
        };
        let messages = match fields.take("question") {
            Some(Value::Array(turns)) => match turns.into_iter().next() {
                Some(Value::Array(messages)) if !messages.is_empty() => messages,
                _ => return Some(None),
            },
            _ => return Some(None),
        };
        let tools: Vec<Value> = functions
            .into_iter()
            .map(|function| json!({"type": "function", "function": schema(function)}))
            .collect();
        let contents: Vec<&str> = messages
            .iter()
            .map(|message| message["content"].as_str().unwrap_or_default())
            .collect();
        // The server's template adds the tools.
        let length = self.spec.tokenizer.count(&contents.join("\n"), true);
        let input = estimate(length.tokens as usize);
        let mut sample = Sample::new(Prompt::Messages(messages), input, self.output());
        sample.overrides = Map::from_iter([
            ("tools".to_owned(), Value::Array(tools)),
            ("tool_choice".to_owned(), json!("auto")),
        ]);
        Some(Some(sample))
    }
}

/// A schema with the types of JSON Schema.
fn schema(node: Value) -> Value {
    match node {
        Value::Object(fields) => {
            let mut fields: Map<String, Value> = fields
                .into_iter()
                .map(|(key, value)| (key, schema(value)))
                .collect();
            if let Some(Value::String(kind)) = fields.get_mut("type")
                && let Some((_, known)) = TYPES.iter().find(|(theirs, _)| theirs == kind)
            {
                *kind = (*known).to_owned();
            }
            Value::Object(fields)
        }
        Value::Array(items) => items.into_iter().map(schema).collect(),
        other => other,
    }
}
