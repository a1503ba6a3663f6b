//! What a search looks for: `rate`, `rate(1..64)`, `concurrency(1..256, within = 5%)`.

use crate::{
    Mistake, Mistakes,
    call::{self, Call},
    duration,
};
use std::{fmt, time::Duration};

/// How precise an answer is, relative to itself, where nothing is said.
const WITHIN: f64 = 0.05;

/// What a search changes from trial to trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Requests per second.
    Rate,
    /// Requests in flight.
    Concurrency,
}

/// The names of what can be searched for.
pub const OVER: &[(&str, Over)] = &[("rate", Over::Rate), ("concurrency", Over::Concurrency)];

/// A search for the highest load at which the SLOs hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Search {
    /// What is changed.
    pub over: Over,
    /// The lowest and the highest load that is tried, if the search is limited.
    pub range: Option<(f64, f64)>,
    /// The search ends when half of the interval is this share of the answer.
    pub within: f64,
}

/// What a search may spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// `20000 requests`
    Requests(u64),
    /// `10m`
    Time(Duration),
}

impl Search {
    /// A search without limits, to within 5 %.
    pub const fn over(over: Over) -> Self {
        Search {
            over,
            range: None,
            within: WITHIN,
        }
    }
}

/// Reads a search.
///
/// # Errors
/// Something else than `rate` and `concurrency`, a range without a second end, an end of 0, a concurrency that is not
/// a whole number, a precision that no search has.
pub fn parse(text: &str) -> Result<Search, Mistakes> {
    let one = |mistake| vec![mistake];
    let call = Call::parse(text).map_err(one)?;
    let found = OVER.iter().find(|(name, _)| *name == call.name);
    let Some((name, over)) = found.copied() else {
        let names: Vec<&str> = OVER.iter().map(|(name, _)| *name).collect();
        return Err(one(Mistake::unknown("search", call.name, &names)));
    };
    let mut search = Search::over(over);
    let mut mistakes = Mistakes::new();
    for arg in call.args() {
        match (arg.word, arg.value) {
            ("within", Some(value)) => match within(value) {
                Ok(within) => search.within = within,
                Err(mistake) => mistakes.push(mistake),
            },
            (word, None) if search.range.is_none() => match range(name, over, word) {
                Ok(range) => search.range = Some(range),
                Err(mistake) => mistakes.push(mistake),
            },
            _ => mistakes.push(Mistake::new(format!(
                "`{text}`: a search takes a range and a precision; write `{name}(1..64, within = 5%)`"
            ))),
        }
    }
    if mistakes.is_empty() {
        Ok(search)
    } else {
        Err(mistakes)
    }
}

fn range(name: &str, over: Over, word: &str) -> Result<(f64, f64), Mistake> {
    let example = format!("write the lowest and the highest {name}, `{name}(1..64)`");
    let ends = word
        .split_once("..")
        .and_then(|(from, to)| Some((call::number(from.trim())?, call::number(to.trim())?)));
    let Some((from, to)) = ends else {
        return Err(Mistake::new(format!("`{word}`: {example}")));
    };
    if from <= 0.0 || to <= from {
        return Err(Mistake::new(format!(
            "`{word}` has nothing between its ends; {example}"
        )));
    }
    if over == Over::Concurrency && (from.fract() != 0.0 || to.fract() != 0.0) {
        return Err(Mistake::new(format!(
            "`{word}`: a concurrency is a whole number; {example}"
        )));
    }
    Ok((from, to))
}

fn within(value: &str) -> Result<f64, Mistake> {
    let percent = value
        .strip_suffix('%')
        .and_then(|digits| call::number(digits.trim()));
    match percent {
        Some(percent) if (0.1..=50.0).contains(&percent) => Ok(percent / 100.0),
        _ => Err(Mistake::new(format!(
            "`within = {value}`: write a percentage from 0.1 to 50, such as `within = 5%`"
        ))),
    }
}

/// Reads what a search may spend: `20000 requests` or `10m`.
///
/// # Errors
/// Anything else, and nothing to spend.
pub fn parse_budget(text: &str) -> Result<Budget, Mistake> {
    let text = text.trim();
    let wrong = || {
        Mistake::new(format!(
            "`{text}`: expected a number of requests, `20000 requests`, or a time, `10m`"
        ))
    };
    let budget = match text.strip_suffix("requests") {
        Some(number) => {
            let number = call::number(number.trim()).filter(|number| number.fract() == 0.0);
            Budget::Requests(number.ok_or_else(wrong)? as u64)
        }
        None => Budget::Time(duration::parse(text).map_err(|_| wrong())?),
    };
    match budget {
        Budget::Requests(0) | Budget::Time(Duration::ZERO) => Err(Mistake::new(format!(
            "`{text}` lets nothing be sent; write such as `20000 requests`"
        ))),
        budget => Ok(budget),
    }
}

impl Over {
    /// The name in settings and SLOs.
    pub fn name(self) -> &'static str {
        match self {
            Over::Rate => "rate",
            Over::Concurrency => "concurrency",
        }
    }
}

/// Written so that [`parse`] reads the same one back.
impl fmt::Display for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.over.name())?;
        let range = self.range.map(|(from, to)| format!("{from}..{to}"));
        // Rounded, because a share of 0.07 is not 7 per cent to the last digit.
        let percent = (self.within * 1e10).round() / 1e8;
        let within = (self.within != WITHIN).then(|| format!("within = {percent}%"));
        let args: Vec<String> = range.into_iter().chain(within).collect();
        if args.is_empty() {
            return Ok(());
        }
        write!(f, "({})", args.join(", "))
    }
}

/// Written so that [`parse_budget`] reads the same one back.
impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Budget::Requests(requests) => write!(f, "{requests} requests"),
            Budget::Time(span) => f.write_str(&duration::format(*span)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("rate", Over::Rate, None, 0.05)]
    #[case("rate(1..64)", Over::Rate, Some((1.0, 64.0)), 0.05)]
    #[case("rate(0.5..2.5)", Over::Rate, Some((0.5, 2.5)), 0.05)]
    #[case("concurrency(1..256, within = 7%)", Over::Concurrency, Some((1.0, 256.0)), 0.07)]
    #[case("concurrency(within = 10%)", Over::Concurrency, None, 0.1)]
    fn what_is_written_is_read_back(
        #[case] text: &str,
        #[case] over: Over,
        #[case] range: Option<(f64, f64)>,
        #[case] within: f64,
    ) {
        let search = parse(text).unwrap();
        assert_eq!(
            search,
            Search {
                over,
                range,
                within
            }
        );
        assert_eq!(search.to_string(), text);
    }

    #[rstest]
    #[case("rates", "unknown search `rates`; did you mean `rate`?")]
    #[case(
        "rate(10)",
        "`10`: write the lowest and the highest rate, `rate(1..64)`"
    )]
    #[case("rate(5..2)", "`5..2` has nothing between its ends")]
    #[case("rate(0..2)", "`0..2` has nothing between its ends")]
    #[case("concurrency(1.5..8)", "`1.5..8`: a concurrency is a whole number")]
    #[case("rate(within = 0%)", "write a percentage from 0.1 to 50")]
    #[case("rate(within = 5)", "write a percentage from 0.1 to 50")]
    #[case("rate(1..2, 3..4)", "a search takes a range and a precision")]
    #[case("rate(step = 2)", "a search takes a range and a precision")]
    fn what_is_no_search(#[case] text: &str, #[case] said: &str) {
        let mistakes = parse(text).unwrap_err();
        assert!(mistakes[0].0.contains(said), "{mistakes:?}");
    }

    #[rstest]
    #[case("20000 requests", Budget::Requests(20_000))]
    #[case("10m", Budget::Time(Duration::from_secs(600)))]
    fn budgets_are_read_back(#[case] text: &str, #[case] budget: Budget) {
        assert_eq!(parse_budget(text), Ok(budget));
        assert_eq!(parse_budget(&budget.to_string()), Ok(budget));
    }

    #[rstest]
    #[case("0 requests", "lets nothing be sent")]
    #[case("0s", "lets nothing be sent")]
    #[case(
        "2000",
        "`2000`: expected a number of requests, `20000 requests`, or a time, `10m`"
    )]
    #[case("1.5 requests", "expected a number of requests")]
    fn what_is_no_budget(#[case] text: &str, #[case] said: &str) {
        let mistake = parse_budget(text).unwrap_err();
        assert!(mistake.0.contains(said), "{mistake:?}");
    }
}
