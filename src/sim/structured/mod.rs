//! Answers with the structure that a request asks for.
//!
//! A schema, a regular expression, a choice, tags and a grammar whose rules do not refer to themselves are followed. Other
//! grammars are refused, as is a schema that the writer of answers cannot fit. Each text is checked before it is sent.

mod json;
mod regex;
mod wording;

pub(super) use wording::Wording;

use super::refusal::Refusal;
use crate::structure::{Checker, Structure, Validity, expression};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde_json::Value;
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use xxhash_rust::xxh3::xxh3_128;

/// How often a text is drawn anew that does not have its structure.
const TRIES: u64 = 8;

/// Writes texts with one structure.
#[derive(Debug)]
pub(super) struct Maker {
    structure: Structure,
    checker: Checker,
}

impl Maker {
    /// # Errors
    /// vLLM's words for a structure that is none, or that is not supported.
    fn new(structure: Structure) -> Result<Self, Refusal> {
        let refused = |why: String| match &structure {
            Structure::Json { .. } => Refusal::value(&format!("Grammar error: {why}")),
            Structure::Regex(pattern) => Refusal::value(&in_guidance(pattern, &why)),
            Structure::Choice(_) => Refusal::value(&why),
            Structure::Grammar(_) => Refusal::value(
                "Invalid grammar specification: this simulation follows only grammars in GBNF or EBNF without rules that \
                 refer to themselves",
            ),
            Structure::StructuralTag(_) => Refusal::parameter(
                "structured_outputs",
                "Invalid structured_outputs structural_tag specification.",
                None,
            ),
        };
        let checker = Checker::new(&structure).map_err(refused)?;
        let checker = checker.ok_or_else(|| refused(String::new()))?;
        let maker = Maker { structure, checker };
        maker.text(0).map(|_| maker)
    }

    /// A text with the structure; the same for the same seed.
    ///
    /// # Errors
    /// None was found.
    pub(super) fn text(&self, seed: u64) -> Result<String, Refusal> {
        let right = |text: &String| self.checker.check(text) == Validity::Valid;
        let mut texts = (0..TRIES).filter_map(|attempt| {
            let mut random = Pcg64Mcg::seed_from_u64(seed.wrapping_add(attempt << 32));
            self.draw(&mut random)
        });
        texts.find(right).ok_or_else(|| {
            Refusal::value("Grammar error: this simulation found no answer that has the structure")
        })
    }

    fn draw(&self, random: &mut Pcg64Mcg) -> Option<String> {
        match &self.structure {
            Structure::Json { schema, .. } => Some(json::value(schema, random)?.to_string()),
            Structure::Regex(pattern) => regex::text(pattern, random),
            Structure::Choice(choices) => {
                Some(choices[random.random_range(..choices.len())].clone())
            }
            Structure::StructuralTag(tag) => tagged(tag, random),
            Structure::Grammar(grammar) => regex::text(&expression(grammar)?, random),
        }
    }
}

/// How llguidance, to which vLLM hands what xgrammar does not know, speaks of a regular expression.
fn in_guidance(pattern: &str, why: &str) -> String {
    let shown = Value::from(pattern);
    let error = regex_syntax::parse(pattern).map_or_else(|e| e.to_string(), |_| why.to_owned());
    format!(
        "Grammar error: at 1(8): invalid regex {shown} (in regex): {error}\n   1 | start: /{pattern}/\n              ^"
    )
}

/// One of the tags with its content.
fn tagged(tag: &Value, random: &mut Pcg64Mcg) -> Option<String> {
    let tags = tag["structures"].as_array()?;
    let tag = &tags[random.random_range(..tags.len())];
    let content = json::value(tag.get("schema").unwrap_or(&Value::Bool(true)), random)?;
    Some(format!(
        "{}{content}{}",
        tag["begin"].as_str()?,
        tag["end"].as_str()?
    ))
}

/// What a structure has led to.
type Made = Result<Arc<Maker>, Refusal>;

/// The structures that were asked for.
#[derive(Default)]
pub(super) struct Makers(Mutex<HashMap<u128, Made>>);

/// Structures that are kept. A run may have another schema for each request.
const KEPT: usize = 1024;

impl Makers {
    /// What writes texts with this structure.
    pub(super) fn of(&self, structure: Structure) -> Made {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = xxh3_128(structure.fields().to_string().as_bytes());
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.entry(key)
            .or_insert_with(|| Maker::new(structure).map(Arc::new))
            .clone()
    }
}

impl fmt::Debug for Makers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Makers")
    }
}

#[cfg(test)]
mod tests;
