//! Whether an answer has its structure.

use super::{
    Structure, Validity,
    schema::{misfit, validator},
    tags::Tags,
};
use goodput_grammar::structured::check_regex;
use jsonschema::Validator;
use regex::Regex;
use serde_json::Value;

/// Characters of a reason that are kept.
const LONGEST: usize = 300;

/// Checks answers for a structure.
#[derive(Debug)]
pub(crate) enum Checker {
    Json(Box<Validator>),
    Regex(Regex),
    Choice(Vec<String>),
    Tags(Tags),
    /// A grammar has no notation that all servers share, so goodput does not check it.
    Nothing,
}

impl Checker {
    /// # Errors
    /// The schema is none, or the regular expression does not compile.
    pub(crate) fn new(structure: &Structure) -> Result<Self, String> {
        Ok(match structure {
            Structure::Json { schema, .. } => Checker::Json(Box::new(validator(schema)?)),
            Structure::Regex(pattern) => {
                check_regex(pattern).map_err(|mistake| mistake.0)?;
                // The engines of servers match the whole answer.
                let whole = Regex::new(&format!(r"\A(?:{pattern})\z"));
                Checker::Regex(
                    whole.map_err(|e| format!("the regular expression cannot be used: {e}"))?,
                )
            }
            Structure::Choice(choices) => Checker::Choice(choices.clone()),
            Structure::Grammar(_) => Checker::Nothing,
            Structure::StructuralTag(tag) => match Tags::new(tag)? {
                Some(tags) => Checker::Tags(tags),
                None => Checker::Nothing,
            },
        })
    }

    /// Returns whether answers can be checked at all.
    pub(crate) fn checks(&self) -> bool {
        !matches!(self, Checker::Nothing)
    }

    /// Whether an answer has the structure; `None` where nothing is checked.
    pub(crate) fn check(&self, text: &str) -> Option<Validity> {
        let wrong = match self {
            Checker::Json(validator) => match serde_json::from_str::<Value>(text) {
                Err(e) => Some(format!("is not JSON: {e}")),
                Ok(value) => misfit(validator, &value),
            },
            Checker::Regex(regex) => {
                (!regex.is_match(text)).then(|| "does not match the regular expression".to_owned())
            }
            Checker::Choice(choices) => {
                let one = choices.iter().any(|choice| choice == text);
                (!one).then(|| "is not one of the choices".to_owned())
            }
            Checker::Tags(tags) => tags.wrong(text),
            Checker::Nothing => return None,
        };
        Some(match wrong {
            None => Validity::Valid,
            Some(why) => Validity::Wrong(why.chars().take(LONGEST).collect()),
        })
    }
}
