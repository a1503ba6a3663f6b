//! The requests of a run that a limit is about: `turn 1`, `turn 2+`, `round 1`.

use crate::{Mistake, call};
use std::fmt;

/// The requests of a run that a limit is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// All of them.
    #[default]
    All,
    /// `turn 1`, `turn 2+`: those that have this place in their session. A request without a session is a first turn.
    Turn(Span),
    /// `round 1`, `round 2+`: those of this round, where a bench sends its plan several times.
    Round(Span),
}

/// A number from 1 on, or all from it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first, counted from 1.
    pub first: u32,
    /// Whether those after it belong to it, too.
    pub and_later: bool,
}

impl Span {
    /// Returns whether a number, counted from 0, is inside.
    pub fn has(self, number: usize) -> bool {
        let first = self.first as usize - 1;
        number == first || self.and_later && number > first
    }
}

/// How parts look, for messages.
const EXAMPLES: &[&str] = &["turn 1", "turn 2+", "round 1", "round 2+"];

/// Reads a part.
pub(super) fn parse(text: &str) -> Result<Part, Mistake> {
    let (word, number) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let of: fn(Span) -> Part = match word {
        "turn" => Part::Turn,
        "round" => Part::Round,
        _ => return Err(Mistake::unknown("part of a run", text, EXAMPLES)),
    };
    let number = number.trim();
    let (digits, and_later) = match number.strip_suffix('+') {
        Some(digits) => (digits, true),
        None => (number, false),
    };
    let whole = call::number(digits).filter(|n| n.fract() == 0.0 && *n <= f64::from(u32::MAX));
    match whole {
        Some(first) if first >= 1.0 => Ok(of(Span {
            first: first as u32,
            and_later,
        })),
        _ => Err(Mistake::new(format!(
            "`{text}`: expected a number from 1 on, such as `{word} 1`, or `{word} 2+` for all from there on"
        ))),
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plus = if self.and_later { "+" } else { "" };
        write!(f, "{}{plus}", self.first)
    }
}

/// Empty for all requests.
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::All => Ok(()),
            Part::Turn(span) => write!(f, "turn {span}"),
            Part::Round(span) => write!(f, "round {span}"),
        }
    }
}
