//! Rates that rise over the run: `linear 1..10`, `exponential 1..16`.

use crate::{Mistake, call};
use std::fmt;

/// How the rate grows from the first request to the last (by request index, as in vLLM).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RampKind {
    /// `s + (e − s)·p`
    Linear,
    /// `s·(e/s)^p`
    Exponential,
}

/// A rising rate, in requests per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ramp {
    /// The ramp's shape.
    pub kind: RampKind,
    /// Rate at the first request.
    pub start: f64,
    /// Rate at the last request.
    pub end: f64,
}

impl Ramp {
    /// How many requests a second there are on average over the whole ramp, from the first request to the last: the
    /// number of requests over the sum of their expected gaps, for many requests.
    pub fn mean_rate(&self) -> f64 {
        let Ramp { kind, start, end } = *self;
        let growth = (end / start).ln();
        if growth == 0.0 {
            return start;
        }
        match kind {
            RampKind::Linear => (end - start) / growth,
            RampKind::Exponential => growth / (1.0 / start - 1.0 / end),
        }
    }
}

impl fmt::Display for Ramp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            RampKind::Linear => "linear",
            RampKind::Exponential => "exponential",
        };
        write!(f, "{kind} {}..{}", self.start, self.end)
    }
}

/// Reads `linear 1..10`.
///
/// # Errors
/// An unknown shape, a bound that is not a number, a start of 0 and a start above the end.
pub fn parse(text: &str) -> Result<Ramp, Mistake> {
    let text = text.trim();
    let (word, range) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let kind = match word {
        "linear" => RampKind::Linear,
        "exponential" => RampKind::Exponential,
        _ => return Err(Mistake::unknown("ramp", word, &["linear", "exponential"])),
    };
    let range = range.trim();
    let Some((start, end)) = range.split_once("..") else {
        return Err(Mistake::new(format!(
            "`{text}` has no range of rates; write `{word} 1..10` (requests per second)"
        )));
    };
    let bound = |bound: &str| {
        call::number(bound.trim()).ok_or_else(|| {
            Mistake::new(format!(
                "`{range}` is not a range of rates; write two numbers, such as `1..10` (requests \
                 per second)"
            ))
        })
    };
    let (start, end) = (bound(start)?, bound(end)?);
    if start == 0.0 {
        return Err(Mistake::new(format!(
            "a ramp cannot start at 0: the wait before the first request would have no end (vLLM \
             accepts a linear start of 0 and then stops at its first request); write such as \
             `{word} 0.1..{end}`"
        )));
    }
    if start > end {
        return Err(Mistake::new(format!(
            "a ramp rises, but {start} is above {end}; write `{word} {end}..{start}`"
        )));
    }
    Ok(Ramp { kind, start, end })
}

/// Whether the rates of a ramp are such that a run may have.
///
/// # Errors
/// One of them is not.
pub fn within_bounds(ramp: &Ramp) -> Result<(), Mistake> {
    for rate in [ramp.start, ramp.end] {
        if !(1e-4..=1e6).contains(&rate) {
            return Err(Mistake::new(format!(
                "`{rate}` requests per second: a ramp's rates must be from 0.0001 to 1000000"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("linear 1..10", RampKind::Linear, 1.0, 10.0)]
    #[case("  exponential  0.5 .. 16.25 ", RampKind::Exponential, 0.5, 16.25)]
    #[case("linear 3..3", RampKind::Linear, 3.0, 3.0)]
    fn reads(#[case] text: &str, #[case] kind: RampKind, #[case] start: f64, #[case] end: f64) {
        assert_eq!(parse(text), Ok(Ramp { kind, start, end }));
    }

    #[rstest]
    #[case(
        "liner 1..10",
        "unknown ramp `liner`; did you mean `linear`? Valid: linear, exponential"
    )]
    #[case(
        "linear",
        "`linear` has no range of rates; write `linear 1..10` (requests per second)"
    )]
    #[case(
        "linear 10..1",
        "a ramp rises, but 10 is above 1; write `linear 1..10`"
    )]
    #[case(
        "linear 1..=10",
        "`1..=10` is not a range of rates; write two numbers, such as `1..10` (requests per second)"
    )]
    #[case(
        "linear -1..10",
        "`-1..10` is not a range of rates; write two numbers, such as `1..10` (requests per second)"
    )]
    #[case(
        "linear 1..inf",
        "`1..inf` is not a range of rates; write two numbers, such as `1..10` (requests per second)"
    )]
    fn refuses(#[case] text: &str, #[case] said: &str) {
        assert_eq!(parse(text).unwrap_err().to_string(), said);
    }

    #[rstest]
    #[case("linear 0..10")]
    #[case("exponential 0.0..10")]
    fn refuses_a_start_of_zero_with_the_reason(#[case] text: &str) {
        let said = parse(text).unwrap_err().to_string();
        assert!(said.starts_with("a ramp cannot start at 0"), "{said}");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(start in 1e-6..1e6_f64, more in 0.0..1e6_f64, exponential: bool) {
            let kind = if exponential { RampKind::Exponential } else { RampKind::Linear };
            let ramp = Ramp { kind, start, end: start + more };
            prop_assert_eq!(parse(&ramp.to_string()), Ok(ramp));
        }
    }
}
