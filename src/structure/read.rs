//! Reads structures: of the setting, whose files are read here, and of fields in JSON.

use super::{Checker, Structure};
use goodput_grammar::structured::{Source, StructuredOutput, check_choices};
use serde_json::{Map, Value};
use std::fs;

/// Why there is no structure, in sentences.
pub(crate) type Unreadable = Vec<String>;

/// The largest file of a schema or a grammar, in bytes.
const LARGEST: u64 = 16 << 20;

impl Structure {
    /// The structure of a setting.
    ///
    /// # Errors
    /// A file cannot be read, or it has neither a schema nor tags.
    pub(crate) fn read(setting: &StructuredOutput) -> Result<Structure, Unreadable> {
        let structure = match setting {
            StructuredOutput::Json {
                schema,
                response_format,
            } => Structure::Json {
                schema: json(schema)?,
                response_format: *response_format,
            },
            StructuredOutput::Regex(pattern) => Structure::Regex(pattern.clone()),
            StructuredOutput::Choice(choices) => Structure::Choice(choices.clone()),
            StructuredOutput::Grammar(source) => Structure::Grammar(text(source)?),
            StructuredOutput::StructuralTag(source) => Structure::StructuralTag(json(source)?),
        };
        let whence = match setting {
            StructuredOutput::Json { schema: from, .. }
            | StructuredOutput::Grammar(from)
            | StructuredOutput::StructuralTag(from) => named(from),
            StructuredOutput::Regex(_) | StructuredOutput::Choice(_) => String::new(),
        };
        structure
            .checked()
            .map_err(|why| vec![format!("{whence}{why}")])
    }

    /// The structure of an object such as `{"json": {…}}`, with one of the keys of vLLM's `structured_outputs`.
    ///
    /// # Errors
    /// There is no such key, there are several, or the value is not of its kind.
    pub(crate) fn of_fields(fields: &Map<String, Value>) -> Result<Structure, String> {
        const KEYS: &str = "`json`, `regex`, `choice`, `grammar` or `structural_tag`";
        let given: Vec<(&String, &Value)> = fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .collect();
        let [(key, value)] = given[..] else {
            return Err(format!(
                "must have one key of {KEYS}, and has {}",
                given.len()
            ));
        };
        let text = || match value {
            Value::String(text) => Ok(text.clone()),
            _ => Err(format!("`{key}` is not a text")),
        };
        let read = |text: &str| {
            serde_json::from_str(text).map_err(|e| format!("`{key}` is not JSON: {e}"))
        };
        match key.as_str() {
            "json" => Ok(Structure::Json {
                schema: match value {
                    Value::String(text) => read(text)?,
                    value => value.clone(),
                },
                response_format: false,
            }),
            "regex" => Ok(Structure::Regex(text()?)),
            "choice" => {
                let items = value.as_array().filter(|items| !items.is_empty());
                let texts = items.and_then(|items| {
                    let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
                    texts.collect::<Option<Vec<String>>>()
                });
                let texts = texts.ok_or("`choice` is not an array of texts")?;
                Ok(Structure::Choice(texts))
            }
            "grammar" => Ok(Structure::Grammar(text()?)),
            "structural_tag" => Ok(Structure::StructuralTag(match value {
                Value::String(text) => read(text)?,
                value => value.clone(),
            })),
            other => Err(format!("has the unknown key `{other}`; it may have {KEYS}")),
        }
    }

    /// The structure, if it is one: the schema is a schema, the regular expression compiles.
    ///
    /// # Errors
    /// It is none, with the reason.
    pub(crate) fn checked(self) -> Result<Structure, String> {
        if let Structure::Choice(choices) = &self
            && let Some(mistake) = check_choices(choices).into_iter().next()
        {
            return Err(mistake.0);
        }
        Checker::new(&self).map(|_| self)
    }
}

fn named(source: &Source) -> String {
    match source {
        Source::File(path) => format!("`{}`: ", path.display()),
        Source::Text(_) => String::new(),
    }
}

fn text(source: &Source) -> Result<String, Unreadable> {
    let path = match source {
        Source::Text(text) => return Ok(text.clone()),
        Source::File(path) => path,
    };
    let shown = path.display();
    let large = fs::metadata(path).is_ok_and(|file| file.len() > LARGEST);
    if large {
        return Err(vec![format!("`{shown}` has more than {LARGEST} bytes")]);
    }
    let text = fs::read_to_string(path).map_err(|e| {
        vec![format!(
            "cannot read `{shown}`: {e}. Name a file that exists"
        )]
    })?;
    if text.trim().is_empty() {
        return Err(vec![format!("`{shown}` is empty")]);
    }
    Ok(text)
}

fn json(source: &Source) -> Result<Value, Unreadable> {
    let text = text(source)?;
    serde_json::from_str(&text).map_err(|e| vec![format!("{}is not JSON: {e}", named(source))])
}
