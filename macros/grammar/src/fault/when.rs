//! For which requests a fault holds: `5%`, `req:10`, `req:3..7`, `t:5s..10s`, `always`.

use crate::{Mistake, call, duration, mistake};
use std::{fmt, time::Duration};

/// For which requests a fault holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum When {
    /// `always`, or nothing: every one.
    Always,
    /// `5%`: this many of a hundred, above 0 and up to 100. Drawn for each request from the
    /// server's seed and the request's number alone, so that no request's draw depends on others.
    Percent(f64),
    /// `req:10`, `req:3..7`: those with these numbers, counted from 0 in the order in which the
    /// server sees them, ready checks and warm-ups included.
    Requests {
        /// The first.
        from: u64,
        /// The first that is not meant any more.
        until: u64,
    },
    /// `t:5s..10s`: those that arrive between these times of the server's clock.
    Window {
        /// From this time on.
        from: Duration,
        /// Up to but without this time.
        until: Duration,
    },
}

const FORMS: &str = "`5%`, `req:10`, `req:3..7`, `t:5s..10s` or `always`";

/// Reads what stands after the `@`.
pub(super) fn parse(text: &str) -> Result<When, Mistake> {
    if text == "always" {
        return Ok(When::Always);
    }
    if let Some(number) = text.strip_suffix('%') {
        return percent(text, number.trim());
    }
    match text
        .split_once(':')
        .map(|(word, rest)| (word.trim(), rest.trim()))
    {
        Some(("req", numbers)) => requests(text, numbers),
        Some(("t", times)) => window(text, times),
        other => {
            let word = other.map_or(text, |(word, _)| word);
            let near = mistake::closest(word, &["req", "t", "always"])
                .map(|near| format!("; did you mean `{near}`?"));
            Err(Mistake::new(match near {
                Some(near) => format!("`@{text}` does not say when{near} Write {FORMS}"),
                None => format!("`@{text}` does not say when; write {FORMS}"),
            }))
        }
    }
}

fn percent(text: &str, number: &str) -> Result<When, Mistake> {
    match call::number(number) {
        Some(percent) if percent > 0.0 && percent <= 100.0 => Ok(When::Percent(percent)),
        _ => Err(Mistake::new(format!(
            "`@{text}`: expected a share above 0% and up to 100%, such as `@5%`"
        ))),
    }
}

fn requests(text: &str, numbers: &str) -> Result<When, Mistake> {
    let whole = |number: &str| {
        number.trim().replace('_', "").parse::<u64>().map_err(|_| {
            Mistake::new(format!(
                "`@{text}`: `{}` is not the number of a request; write `@req:10` or `@req:3..7`, \
                 counted from 0",
                number.trim()
            ))
        })
    };
    let Some((from, until)) = numbers.split_once("..") else {
        let from = whole(numbers)?;
        // The last number there is could not be followed by another.
        let until = from.saturating_add(1);
        return nonempty(text, from < until).map(|()| When::Requests { from, until });
    };
    let (from, until) = (whole(from)?, whole(until)?);
    nonempty(text, from < until).map(|()| When::Requests { from, until })
}

fn window(text: &str, times: &str) -> Result<When, Mistake> {
    let Some((from, until)) = times.split_once("..") else {
        return Err(Mistake::new(format!(
            "`@{text}`: a window has two ends; write `@t:5s..10s`"
        )));
    };
    let time = |text_of_one: &str| {
        duration::parse(text_of_one).map_err(|why| Mistake::new(format!("`@{text}`: {why}")))
    };
    let (from, until) = (time(from)?, time(until)?);
    nonempty(text, from < until).map(|()| When::Window { from, until })
}

fn nonempty(text: &str, rises: bool) -> Result<(), Mistake> {
    if rises {
        return Ok(());
    }
    Err(Mistake::new(format!(
        "`@{text}` never comes: its end, which it does not include, must be above its start"
    )))
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            When::Always => f.write_str("always"),
            When::Percent(percent) => write!(f, "{percent}%"),
            When::Requests { from, until } if until == from.saturating_add(1) => {
                write!(f, "req:{from}")
            }
            When::Requests { from, until } => write!(f, "req:{from}..{until}"),
            When::Window { from, until } => {
                write!(
                    f,
                    "t:{}..{}",
                    duration::format(from),
                    duration::format(until)
                )
            }
        }
    }
}
