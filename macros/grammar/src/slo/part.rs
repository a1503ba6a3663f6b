//! The requests of a run that a limit is about: `turn 1`, `turn 2+`, `round 1`, `chat`.

use crate::{Mistake, call, class::ClassName};
use std::fmt;

/// The requests of a run that a limit is about: those that have this place and are of this class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Part {
    /// The place in sessions or rounds.
    pub place: Place,
    /// The class.
    pub class: Class,
}

/// Where requests stand in their sessions or in the rounds of a bench.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Anywhere.
    #[default]
    All,
    /// `turn 1`, `turn 2+`: those that have this place in their session. A request without a session is a first turn.
    Turn(Span),
    /// `round 1`, `round 2+`: those of this round, where a bench sends its plan several times.
    Round(Span),
}

/// The class of requests that a limit is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// All classes together.
    #[default]
    All,
    /// `chat`: those of the class of this name.
    One(ClassName),
    /// `worst_class(…)`: each class for itself. The number is that of the class in which it is worst.
    Worst,
}

/// A number from 1 on, or all from it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first, counted from 1.
    pub first: u32,
    /// Whether those after it belong to it, too.
    pub and_later: bool,
}

impl Part {
    /// All requests.
    pub const ALL: Part = Part {
        place: Place::All,
        class: Class::All,
    };

    /// The requests at a place, of all classes.
    pub fn at(place: Place) -> Self {
        Part { place, ..Part::ALL }
    }

    /// The requests of one class.
    pub fn of_class(name: ClassName) -> Self {
        Part {
            class: Class::One(name),
            ..Part::ALL
        }
    }
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

/// Whether a word begins a place.
pub(super) fn begins_place(word: &str) -> bool {
    ["turn", "round"].contains(&word)
}

/// Reads a part: a place, a class, or both in this order.
pub(super) fn parse(texts: &[&str]) -> Result<Part, Mistake> {
    match *texts {
        [] => Ok(Part::ALL),
        [one] if is_place(one) => Ok(Part::at(place(one)?)),
        [one] => Ok(Part::of_class(class(one)?)),
        [first, second] if is_place(first) && is_place(second) => Err(Mistake::new(format!(
            "`{first}` and `{second}` are two parts of the run; keep one"
        ))),
        [first, second] => Ok(Part {
            place: place(first)?,
            class: Class::One(class(second)?),
        }),
        [_, _, third, ..] => Err(Mistake::new(format!(
            "`{third}` is one name too many; a number has a turn or round and a class at most, as in \
             `p99(ttft, turn 1, chat)`"
        ))),
    }
}

fn is_place(text: &str) -> bool {
    begins_place(text.split(char::is_whitespace).next().unwrap_or_default())
}

fn class(text: &str) -> Result<ClassName, Mistake> {
    ClassName::parse(text).map_err(|_| {
        let examples: Vec<&str> = EXAMPLES
            .iter()
            .copied()
            .chain(["the name of a class"])
            .collect();
        Mistake::unknown("part of a run", text, &examples)
    })
}

fn place(text: &str) -> Result<Place, Mistake> {
    let (word, number) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let of: fn(Span) -> Place = match word {
        "turn" => Place::Turn,
        "round" => Place::Round,
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

/// The last arguments of a number, without `worst_class`, which stands around it. Empty for all requests.
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::All => {}
            Place::Turn(span) => write!(f, "turn {span}")?,
            Place::Round(span) => write!(f, "round {span}")?,
        }
        match self.class {
            Class::One(name) if self.place == Place::All => write!(f, "{name}"),
            Class::One(name) => write!(f, ", {name}"),
            Class::All | Class::Worst => Ok(()),
        }
    }
}
