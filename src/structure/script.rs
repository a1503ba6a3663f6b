//! Whether vLLM's `benchmark_serving_structured_output.py` (0.33) counts an answer as correct. Its checks are weaker than
//! goodput's: of JSON the schema does not matter, and a regular expression need not match to the end.

use super::Structure;
use regex::Regex;
use serde_json::Value;

/// Whether the script counts an answer; `None` where it does not look.
pub(crate) fn correct(structure: &Structure, text: &str) -> Option<bool> {
    match structure {
        Structure::Json { .. } => Some(has_an_object(text)),
        // Python's `re.match`: from the start, to anywhere.
        Structure::Regex(pattern) => {
            let start = Regex::new(&format!(r"\A(?:{pattern})"));
            Some(start.is_ok_and(|start| start.is_match(text)))
        }
        Structure::Choice(choices) => Some(choices.iter().any(|choice| choice == text)),
        Structure::Grammar(_) | Structure::StructuralTag(_) => None,
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
