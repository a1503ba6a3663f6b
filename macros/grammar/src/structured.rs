//! What answers must look like: `json(schema.json)`, `regex("\d{4}")`, `choice(yes, no)`, `grammar(sql.ebnf)`,
//! `structural_tag(tags.json)`.

use crate::{
    Mistake, Mistakes,
    call::{self, quote, unquote},
    schema,
};
use std::{fmt, path::PathBuf};

/// The structure that answers are asked to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StructuredOutput {
    /// `json(schema.json)`: JSON that fits a schema.
    Json {
        /// The schema.
        schema: Source,
        /// Ask as OpenAI does, by `response_format`, where the server's own way is another.
        response_format: bool,
    },
    /// `regex("\d{4}")`: a text that a regular expression matches as a whole.
    Regex(String),
    /// `choice(yes, no)`: one of these texts.
    Choice(Vec<String>),
    /// `grammar(sql.ebnf)`: a text of a context-free grammar.
    Grammar(Source),
    /// `structural_tag(tags.json)`: free text, in which whatever stands in a tag has a structure.
    StructuralTag(Source),
}

/// A text, or the file that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The file.
    File(PathBuf),
    /// The text itself.
    Text(String),
}

/// The words for structures, in the order of the documentation.
pub const KINDS: &[&str] = &["json", "regex", "choice", "grammar", "structural_tag"];

const RESPONSE_FORMAT: &str = "response_format";

/// Reads a structure.
///
/// # Errors
/// The kind is unknown, nothing is in its parentheses, a choice is empty or given twice, or a regular expression
/// does not compile.
pub fn parse(text: &str) -> Result<StructuredOutput, Mistakes> {
    let text = text.trim();
    let (kind, inside) = match text.split_once('(') {
        Some((kind, inside)) => (kind.trim(), inside.trim_end().strip_suffix(')')),
        None => (text, Some("")),
    };
    let one = |mistake| Err(vec![mistake]);
    if !KINDS.contains(&kind) {
        return one(Mistake::unknown("structure", kind, KINDS));
    }
    let Some(inside) = inside.map(str::trim) else {
        return one(Mistake::new(format!("`{text}` lacks its closing `)`")));
    };
    if inside.is_empty() {
        let example = example(kind);
        return one(Mistake::new(format!(
            "`{kind}` needs a value in its parentheses; write such as `{example}`"
        )));
    }
    match kind {
        "regex" => regex(inside).or_else(one),
        "choice" => choice(inside),
        "json" => json(inside).or_else(one),
        _ => source_alone(kind, inside).or_else(one),
    }
}

fn example(kind: &str) -> &'static str {
    match kind {
        "json" => "json(schema.json)",
        "regex" => r#"regex("\d{4}")"#,
        "choice" => "choice(yes, no)",
        "grammar" => "grammar(sql.ebnf)",
        _ => "structural_tag(tags.json)",
    }
}

fn regex(inside: &str) -> Result<StructuredOutput, Mistake> {
    let pattern = unquote(inside);
    check_regex(&pattern)?;
    Ok(StructuredOutput::Regex(pattern))
}

/// Checks that a regular expression compiles. The syntax is that of Rust's crate `regex`, which has no look-around and
/// no back-references: the servers' engines need regular languages.
///
/// # Errors
/// It does not compile, with the reason and the place.
pub fn check_regex(pattern: &str) -> Result<(), Mistake> {
    let (why, place) = match regex_syntax::parse(pattern) {
        Ok(_) => return Ok(()),
        Err(regex_syntax::Error::Parse(e)) => (e.kind().to_string(), e.span().start.offset),
        Err(regex_syntax::Error::Translate(e)) => (e.kind().to_string(), e.span().start.offset),
        Err(other) => (other.to_string(), 0),
    };
    let place = pattern[..place].chars().count() + 1;
    Err(Mistake::new(format!(
        "the regular expression `{pattern}` does not compile: {why}, at character {place}"
    )))
}

fn choice(inside: &str) -> Result<StructuredOutput, Mistakes> {
    let pieces = call::split(inside, ',').map_err(|mistake| vec![mistake])?;
    let choices: Vec<String> = pieces.into_iter().map(unquote).collect();
    let mistakes = check_choices(&choices);
    if mistakes.is_empty() {
        Ok(StructuredOutput::Choice(choices))
    } else {
        Err(mistakes)
    }
}

/// Everything that is wrong with choices: there is none, one is empty, or one is given twice.
pub fn check_choices(choices: &[String]) -> Mistakes {
    let mut mistakes = Mistakes::new();
    if choices.is_empty() {
        mistakes.push(Mistake::new(
            "there are no choices; write such as `choice(yes, no)`",
        ));
    }
    if choices.iter().any(String::is_empty) {
        mistakes.push(Mistake::new("a choice is an empty text; remove it"));
    }
    for (index, choice) in choices.iter().enumerate() {
        let first = choices.iter().position(|other| other == choice);
        if first != Some(index) && !choice.is_empty() {
            let sentence = format!("the choice `{choice}` is given twice; keep one");
            mistakes.push(Mistake::new(sentence));
        }
    }
    mistakes
}

fn json(inside: &str) -> Result<StructuredOutput, Mistake> {
    // A schema that is written out has commas of its own.
    let (schema, rest) = match inside.rfind('}') {
        Some(end) if inside.starts_with('{') => (&inside[..=end], &inside[end + 1..]),
        _ => match call::split(inside, ',')?.first() {
            Some(first) => (*first, &inside[first.len()..]),
            None => ("", ""),
        },
    };
    let rest = rest.trim_start_matches([',', ' ']).trim();
    let response_format = match rest.trim_end_matches([',', ' ']) {
        "" => false,
        RESPONSE_FORMAT => true,
        other => {
            return Err(Mistake::unknown(
                "setting of `json`",
                other,
                &[RESPONSE_FORMAT],
            ));
        }
    };
    let inline = |text: &str| text.trim_start().starts_with('{');
    let source = source("json", &unquote(schema), inline)?;
    if let Source::Text(text) = &source {
        schema::check(text)?;
    }
    Ok(StructuredOutput::Json {
        schema: source,
        response_format,
    })
}

fn source_alone(kind: &str, inside: &str) -> Result<StructuredOutput, Mistake> {
    let text = unquote(inside);
    Ok(match kind {
        "grammar" => {
            // Every rule of a grammar has one of these.
            let inline = |text: &str| text.contains("::=") || text.contains('\n');
            StructuredOutput::Grammar(source(kind, &text, inline)?)
        }
        _ => {
            let inline = |text: &str| text.trim_start().starts_with('{');
            StructuredOutput::StructuralTag(source(kind, &text, inline)?)
        }
    })
}

fn source(kind: &str, text: &str, inline: impl Fn(&str) -> bool) -> Result<Source, Mistake> {
    if text.trim().is_empty() {
        let example = example(kind);
        return Err(Mistake::new(format!(
            "`{kind}` needs the path of its file; write such as `{example}`"
        )));
    }
    Ok(if inline(text) {
        Source::Text(text.to_owned())
    } else {
        Source::File(PathBuf::from(text))
    })
}

impl StructuredOutput {
    /// The structure's word.
    pub fn kind(&self) -> &'static str {
        match self {
            StructuredOutput::Json { .. } => "json",
            StructuredOutput::Regex(_) => "regex",
            StructuredOutput::Choice(_) => "choice",
            StructuredOutput::Grammar(_) => "grammar",
            StructuredOutput::StructuralTag(_) => "structural_tag",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::File(path) => f.write_str(&quote(&path.to_string_lossy())),
            Source::Text(text) => f.write_str(&quote(text)),
        }
    }
}

/// Written so that [`parse`] reads the same structure back.
impl fmt::Display for StructuredOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.kind())?;
        match self {
            StructuredOutput::Json {
                schema,
                response_format,
            } => {
                let format = if *response_format {
                    ", response_format"
                } else {
                    ""
                };
                write!(f, "{schema}{format}")?;
            }
            StructuredOutput::Regex(pattern) => f.write_str(&quote(pattern))?,
            StructuredOutput::Choice(choices) => {
                let quoted: Vec<String> = choices.iter().map(|choice| quote(choice)).collect();
                f.write_str(&quoted.join(", "))?;
            }
            StructuredOutput::Grammar(source) | StructuredOutput::StructuralTag(source) => {
                write!(f, "{source}")?;
            }
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests;
