//! The object that describes conversations to be made.

use super::lengths::Lengths;
use crate::plan::{PlanError, dataset::fields::kind};
use goodput_grammar::{Mistake, bounds};
use serde_json::{Map, Value};
use std::path::Path;

/// What the object says.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::plan::dataset::conversations) struct Generator {
    /// Number of conversations.
    pub(in crate::plan::dataset::conversations) conversations: usize,
    pub(super) text_files: Vec<String>,
    pub(super) print_stats: bool,
    /// Messages of a conversation, answers included.
    pub(super) turns: Lengths,
    pub(super) common_prefix: Lengths,
    pub(super) prefix: Lengths,
    pub(super) input: Lengths,
    pub(super) output: Lengths,
}

/// Mistakes to show: all of an object that was written by hand.
const SHOWN: usize = 50;

/// The only kind of object that there is.
const FILETYPE: &str = "generate_conversations";

/// Fields by which an object is a generator, even if `filetype` is missing.
const OWN: [&str; 4] = ["filetype", "text_files", "prompt_input", "prompt_output"];

/// Fields of `prompt_input`.
const INPUT: &[&str] = &[
    "num_turns",
    "common_prefix_num_tokens",
    "prefix_num_tokens",
    "num_tokens",
];

const OUTPUT: &[&str] = &["num_tokens"];

impl Generator {
    /// Whether an object describes conversations, rather than being one.
    pub(in crate::plan::dataset::conversations) fn describes(object: &Map<String, Value>) -> bool {
        OWN.iter().any(|field| object.contains_key(*field))
    }

    /// Names and values as vLLM's script prints them.
    #[cfg(feature = "cli")]
    pub(in crate::plan::dataset::conversations) fn parameters(&self) -> Vec<(String, String)> {
        let lengths = [
            ("input_num_turns", &self.turns),
            ("input_common_prefix_num_tokens", &self.common_prefix),
            ("input_prefix_num_tokens", &self.prefix),
            ("input_num_tokens", &self.input),
            ("output_num_tokens", &self.output),
        ];
        let files = ("text_files".to_owned(), self.text_files.join(", "));
        let lengths = lengths.map(|(name, lengths)| (name.to_owned(), lengths.to_string()));
        std::iter::once(files).chain(lengths).collect()
    }

    /// Reads the object, or reports everything that is wrong with it.
    pub(in crate::plan::dataset::conversations) fn read(
        path: &Path,
        object: &Map<String, Value>,
    ) -> Result<Self, PlanError> {
        let mut mistakes = Vec::new();
        let generator = read(object, &mut mistakes);
        let file = path.display();
        let sentences = mistakes.into_iter().take(SHOWN);
        let sentences = sentences.map(|mistake| format!("dataset `{file}`: {mistake}"));
        PlanError::check(sentences.collect())?;
        generator.ok_or_else(|| PlanError::new("the object of conversations cannot be read"))
    }
}

fn read(object: &Map<String, Value>, mistakes: &mut Vec<String>) -> Option<Generator> {
    match object.get("filetype") {
        Some(Value::String(name)) if name == FILETYPE => {}
        Some(other) => mistakes.push(format!("field `filetype` is {other}; write \"{FILETYPE}\"")),
        None => mistakes.push(format!("field `filetype` is missing; write \"{FILETYPE}\"")),
    }
    let conversations = count(object.get("num_conversations"), mistakes);
    let text_files = text_files(object.get("text_files"), mistakes);
    let print_stats = match object.get("print_stats") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(print)) => *print,
        Some(other) => {
            let is = kind(other);
            mistakes.push(format!("field `print_stats` is {is}; write true or false"));
            false
        }
    };
    let input = section(object, "prompt_input", INPUT, mistakes);
    let output = section(object, "prompt_output", OUTPUT, mistakes);
    let mut lengths = |of: Option<&Map<String, Value>>, section: &str, name: &str| {
        let field = format!("{section}.{name}");
        match of?.get(name) {
            Some(value) => Lengths::read(value, &field, mistakes),
            None if name == "common_prefix_num_tokens" => Some(Lengths::Constant(0)),
            None => {
                mistakes.push(format!(
                    "field `{field}` is missing; write a distribution, such as {{\"distribution\": \"constant\", \
                     \"value\": 100}}"
                ));
                None
            }
        }
    };
    let turns = lengths(input, "prompt_input", "num_turns");
    let common_prefix = lengths(input, "prompt_input", "common_prefix_num_tokens");
    let prefix = lengths(input, "prompt_input", "prefix_num_tokens");
    let tokens = lengths(input, "prompt_input", "num_tokens");
    let answer = lengths(output, "prompt_output", "num_tokens");
    Some(Generator {
        conversations: conversations?,
        text_files: text_files?,
        print_stats,
        turns: turns?,
        common_prefix: common_prefix?,
        prefix: prefix?,
        input: tokens?,
        output: answer?,
    })
}

fn count(value: Option<&Value>, mistakes: &mut Vec<String>) -> Option<usize> {
    let most = bounds::REQUESTS;
    let whole = value
        .and_then(Value::as_u64)
        .filter(|n| (1..=most).contains(n));
    if whole.is_none() {
        let is = value.map_or("missing".to_owned(), |value| match value {
            Value::Array(_) | Value::Object(_) => kind(value).to_owned(),
            plain => plain.to_string(),
        });
        mistakes.push(format!(
            "field `num_conversations` is {is}; write a whole number from 1 to {most}"
        ));
    }
    whole.map(|whole| whole as usize)
}

fn text_files(value: Option<&Value>, mistakes: &mut Vec<String>) -> Option<Vec<String>> {
    const NEED: &str =
        "write a list with the path of at least one text file, such as [\"book.txt\"]";
    let Some(Value::Array(files)) = value else {
        let is = value.map_or("missing", kind);
        mistakes.push(format!("field `text_files` is {is}; {NEED}"));
        return None;
    };
    if files.is_empty() {
        mistakes.push(format!("field `text_files` is empty; {NEED}"));
        return None;
    }
    let mut paths = Vec::new();
    for (place, file) in files.iter().enumerate() {
        match file {
            Value::String(path) if !path.is_empty() => paths.push(path.clone()),
            other => {
                let is = kind(other);
                mistakes.push(format!(
                    "field `text_files[{place}]` is {is}; write the path of a text file"
                ));
            }
        }
    }
    Some(paths)
}

/// A section of the object. Complains about fields that it does not have.
fn section<'a>(
    object: &'a Map<String, Value>,
    name: &str,
    known: &[&str],
    mistakes: &mut Vec<String>,
) -> Option<&'a Map<String, Value>> {
    let Some(Value::Object(section)) = object.get(name) else {
        let is = object.get(name).map_or("missing", kind);
        let fields = known.join(", ");
        mistakes.push(format!(
            "field `{name}` is {is}; write an object with {fields}"
        ));
        return None;
    };
    for field in section
        .keys()
        .filter(|field| !known.contains(&field.as_str()))
    {
        let mistake = Mistake::unknown("field", field, known);
        mistakes.push(format!("`{name}`: {}", mistake.0));
    }
    Some(section)
}
