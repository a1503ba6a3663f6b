//! Whether vLLM's `benchmark_serving_structured_output.py` (0.33) counts an answer as correct. Its checks are weaker than
//! goodput's: of JSON the schema does not matter, and a regular expression need not match to the end.

use super::Structure;
use regex::Regex;
use serde_json::Value;

/// The script's checks of one structure.
pub(crate) enum Script {
    Json,
    /// Python's `re.match`: from the start, to anywhere. `None` if the expression does not compile.
    Regex(Option<Regex>),
    Choice(Vec<String>),
    /// The script does not look at grammars and tags.
    Nothing,
}

impl Script {
    pub(crate) fn new(structure: &Structure) -> Self {
        match structure {
            Structure::Json { .. } => Script::Json,
            Structure::Regex(pattern) => {
                Script::Regex(Regex::new(&format!(r"\A(?:{pattern})")).ok())
            }
            Structure::Choice(choices) => Script::Choice(choices.clone()),
            Structure::Grammar(_) | Structure::StructuralTag(_) => Script::Nothing,
        }
    }

    /// Whether the script counts an answer; `None` where it does not look.
    pub(crate) fn correct(&self, text: &str) -> Option<bool> {
        match self {
            Script::Json => Some(has_an_object(text)),
            Script::Regex(start) => Some(start.as_ref().is_some_and(|start| start.is_match(text))),
            Script::Choice(choices) => Some(choices.iter().any(|choice| choice == text)),
            Script::Nothing => None,
        }
    }
}

/// Without spaces and line ends, from the first brace to the last, the text is JSON.
fn has_an_object(text: &str) -> bool {
    let text: String = text.chars().filter(|c| !matches!(c, ' ' | '\n')).collect();
    let (Some(first), Some(last)) = (text.find('{'), text.rfind('}')) else {
        return false;
    };
    first < last && serde_json::from_str::<Value>(&text[first..=last]).is_ok()
}
