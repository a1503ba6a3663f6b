//! Structures that answers are asked to have: JSON of a schema, a regular expression, a choice, a grammar, tags.
//!
//! A plan's request has one where it asks for one ([`Asked`]), and after the run a record says how it was answered
//! ([`Answered`]). docs/structured.md has the whole story.

mod check;
mod grammar;
mod read;
mod schema;
mod script;
mod tags;
#[cfg(test)]
mod tests;

pub(crate) use check::Checker;
pub(crate) use grammar::expression;
pub(crate) use script::Script;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// What an answer must look like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Structure {
    /// JSON that fits a schema.
    Json {
        /// The schema.
        schema: Value,
        /// Whether OpenAI's `response_format` asks for it, where the server's own way is another.
        #[serde(default)]
        response_format: bool,
    },
    /// A text that a regular expression matches as a whole; the syntax is that of Rust's crate `regex`.
    Regex(String),
    /// One of these texts.
    Choice(Vec<String>),
    /// A text of a context-free grammar, in the server's own notation.
    Grammar(String),
    /// Free text in which whatever stands in a tag has a structure: xgrammar's structural tag.
    StructuralTag(Value),
}

impl Structure {
    /// The structure's word: `json`, `regex`, `choice`, `grammar` or `structural_tag`.
    pub fn kind(&self) -> &'static str {
        match self {
            Structure::Json { .. } => "json",
            Structure::Regex(_) => "regex",
            Structure::Choice(_) => "choice",
            Structure::Grammar(_) => "grammar",
            Structure::StructuralTag(_) => "structural_tag",
        }
    }

    /// Returns whether goodput can check answers. Of grammars it can only where the notation is that of llama.cpp and
    /// xgrammar and no rule refers to itself; it cannot for tags of the form that has a `format`.
    pub fn is_checked(&self) -> bool {
        match self {
            Structure::Json { .. } | Structure::Regex(_) | Structure::Choice(_) => true,
            Structure::Grammar(_) => matches!(Checker::new(self), Ok(Some(_))),
            Structure::StructuralTag(tag) => tag.get("format").is_none(),
        }
    }

    /// The value of vLLM's `structured_outputs`: an object whose only key is the kind.
    pub fn fields(&self) -> Value {
        let value = match self {
            Structure::Json { schema, .. } => schema.clone(),
            Structure::Regex(text) | Structure::Grammar(text) => json!(text),
            Structure::Choice(choices) => json!(choices),
            // vLLM wants it as text.
            Structure::StructuralTag(tag) => json!(tag.to_string()),
        };
        json!({ self.kind(): value })
    }
}

/// The structure of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// What the answer must look like.
    #[serde(serialize_with = "written", deserialize_with = "shared")]
    pub structure: Arc<Structure>,
    /// Whether the request asks for it. vLLM's script also counts the answers of the requests that its ratio leaves out.
    pub sent: bool,
    /// The answer that the dataset has, if it has one. Answers need not be equal to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
}

impl Asked {
    /// A structure that a request asks for.
    pub(crate) fn of(structure: Arc<Structure>) -> Box<Self> {
        Box::new(Asked {
            structure,
            sent: true,
            expected: None,
        })
    }
}

fn written<S: Serializer>(structure: &Arc<Structure>, serializer: S) -> Result<S::Ok, S::Error> {
    structure.as_ref().serialize(serializer)
}

fn shared<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Structure>, D::Error> {
    Structure::deserialize(deserializer).map(Arc::new)
}

/// How a request with a structure was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The structure's word, such as `json`.
    pub kind: String,
    /// Whether the request asked for the structure.
    pub sent: bool,
    /// Whether goodput can check answers for the structure. An answer that is not checked never counts as valid.
    pub checked: bool,
    /// Whether the answer has the structure. `None` for a request that failed or did not ask, and where nothing is checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity: Option<Validity>,
    /// Whether vLLM's script counts the answer as correct, whose checks are weaker. `None` where it does not look: at a
    /// grammar and at tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correct: Option<bool>,
    /// The answer that the dataset has, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
}

/// Whether an answer has its structure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Validity {
    /// The answer has it.
    Valid,
    /// The answer does not have it, with the reason, as the end of a sentence about the answer.
    Wrong(String),
}

/// Merges fields into a body of JSON, objects into objects.
pub(crate) fn merge(into: &mut Map<String, Value>, fields: &Map<String, Value>) {
    for (key, value) in fields {
        match (into.get_mut(key), value) {
            (Some(Value::Object(there)), Value::Object(more)) => merge(there, more),
            _ => drop(into.insert(key.clone(), value.clone())),
        }
    }
}

/// Objects of bodies that hold other settings, too.
const SHARED: [&str; 5] = [
    "parameters",
    "sampling_params",
    "options",
    "text",
    "output_config",
];

/// The first place, such as `parameters.grammar`, where an object already has what these fields would set.
pub(crate) fn conflict(there: &Map<String, Value>, fields: &Map<String, Value>) -> Option<String> {
    fields
        .iter()
        .find_map(|(key, value)| match (there.get(key)?, value) {
            (Value::Object(there), Value::Object(more)) if SHARED.contains(&key.as_str()) => {
                conflict(there, more).map(|inner| format!("{key}.{inner}"))
            }
            _ => Some(key.clone()),
        })
}
