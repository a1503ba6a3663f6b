//! Whether an answer has its structure.

use super::{
    Structure, Validity,
    grammar::expression,
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
    /// What says the same as the grammar.
    Grammar(Regex),
    Tags(Tags),
}

impl Checker {
    /// `None` for a structure that goodput [cannot check](Structure::is_checked).
    ///
    /// # Errors
    /// The schema is not one, the regular expression does not compile, or the tags are not xgrammar's.
    pub(crate) fn new(structure: &Structure) -> Result<Option<Self>, String> {
        Ok(Some(match structure {
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
            Structure::StructuralTag(tag) => match Tags::new(tag)? {
                Some(tags) => Checker::Tags(tags),
                None => return Ok(None),
            },
            Structure::Grammar(grammar) => {
                let said = expression(grammar);
                let whole = said.and_then(|said| Regex::new(&format!(r"\A(?:{said})\z")).ok());
                match whole {
                    Some(whole) => Checker::Grammar(whole),
                    None => return Ok(None),
                }
            }
        }))
    }

    /// Whether an answer has the structure.
    pub(crate) fn check(&self, text: &str) -> Validity {
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
            Checker::Grammar(regex) => {
                (!regex.is_match(text)).then(|| "does not follow the grammar".to_owned())
            }
            Checker::Tags(tags) => tags.wrong(text),
        };
        match wrong {
            None => Validity::Valid,
            Some(why) => Validity::Wrong(why.chars().take(LONGEST).collect()),
        }
    }
}
