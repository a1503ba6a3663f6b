//! Spans of time as people write them: `200ms`, `1.5s`, `250us`, `2m`.

use crate::{Mistake, bounds};
use std::time::Duration;

/// Units, each with its nanoseconds.
const UNITS: &[(&str, u128)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Reads a span of time with a unit (`ns`, `us`/`µs`, `ms`, `s`, `m`, `h`).
///
/// # Errors
/// A missing or unknown unit, a negative number, or text that is not a plain decimal number.
pub fn parse(text: &str) -> Result<Duration, Mistake> {
    read(text.trim(), None)
}

/// Reads a span of time; a bare number is milliseconds, as in vLLM's `--goodput`.
///
/// # Errors
/// As [`parse`], a missing unit excepted.
pub fn parse_or_ms(text: &str) -> Result<Duration, Mistake> {
    read(text.trim(), Some("ms"))
}

/// Writes a span of time in the largest of `s`, `ms`, `us`, `ns` that keeps it whole, so that
/// [`parse`] reads the same value back.
pub fn format(span: Duration) -> String {
    let nanos = span.as_nanos();
    match nanos {
        0 => "0ms".to_owned(),
        _ if nanos.is_multiple_of(1_000_000_000) => format!("{}s", nanos / 1_000_000_000),
        _ if nanos.is_multiple_of(1_000_000) => format!("{}ms", nanos / 1_000_000),
        _ if nanos.is_multiple_of(1_000) => format!("{}us", nanos / 1_000),
        _ => format!("{nanos}ns"),
    }
}

fn read(text: &str, bare: Option<&str>) -> Result<Duration, Mistake> {
    let example = if bare.is_some() {
        "200` or `200ms"
    } else {
        "200ms"
    };
    if text.is_empty() {
        return Err(Mistake::new(format!(
            "a time is missing; write `{example}`"
        )));
    }
    if text.starts_with('-') {
        return Err(Mistake::new(format!(
            "`{text}` is negative; write a span of time of at least 0"
        )));
    }
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = (&text[..end], text[end..].trim());
    let not_a_time = || {
        Mistake::new(format!(
            "`{text}` is not a span of time; write it like `{example}` or `1.5s`"
        ))
    };
    if number.is_empty() {
        return Err(not_a_time());
    }
    let unit = match (unit, bare) {
        ("", Some(bare)) => bare,
        ("", None) => {
            return Err(Mistake::new(format!(
                "`{text}` has no unit; write `{text}ms`, `{text}us` or `{text}s`"
            )));
        }
        (unit, _) => unit,
    };
    let Some(&(_, scale)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        let names: Vec<&str> = UNITS.iter().map(|(name, _)| *name).collect();
        return Err(Mistake::unknown("unit of time", unit, &names));
    };
    let nanos = nanos(number, scale).ok_or_else(not_a_time)?;
    match u64::try_from(nanos).map(Duration::from_nanos) {
        Ok(span) if span <= bounds::SPAN => Ok(span),
        _ => Err(Mistake::new(format!(
            "`{text}` is longer than 365 days, which is the most"
        ))),
    }
}

/// `number · scale`, rounded to the nearest nanosecond. Decimal arithmetic rather than `f64`, so
/// that `0.1s` and `100ms` are the same value for every unit and size.
fn nanos(number: &str, scale: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    // A nanosecond of an hour is its 13th decimal; later digits cannot be seen.
    let fraction = &fraction[..fraction.len().min(18)];
    let digits = |text: &str| match text {
        "" => Some(0),
        _ => text.parse::<u128>().ok(),
    };
    if number == "." || fraction.contains('.') {
        return None;
    }
    let one = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let parts = (digits(fraction)? * scale + one / 2) / one;
    digits(whole)?.saturating_mul(scale).checked_add(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("200ms", 200_000_000)]
    #[case("1.5s", 1_500_000_000)]
    #[case("250us", 250_000)]
    #[case("250µs", 250_000)]
    #[case("2m", 120_000_000_000)]
    #[case("1h", 3_600_000_000_000)]
    #[case(" 7 ns ", 7)]
    #[case("0.1s", 100_000_000)]
    #[case(".5ms", 500_000)]
    #[case("0ms", 0)]
    #[case("1.0000000005s", 1_000_000_001)]
    fn reads(#[case] text: &str, #[case] nanos: u64) {
        assert_eq!(parse(text), Ok(Duration::from_nanos(nanos)));
    }

    #[rstest]
    #[case("", "a time is missing; write `200ms`")]
    #[case("-5ms", "`-5ms` is negative; write a span of time of at least 0")]
    #[case("200", "`200` has no unit; write `200ms`, `200us` or `200s`")]
    #[case("NaN", "`NaN` is not a span of time; write it like `200ms` or `1.5s`")]
    #[case("inf", "`inf` is not a span of time; write it like `200ms` or `1.5s`")]
    #[case(
        "1.2.3s",
        "`1.2.3s` is not a span of time; write it like `200ms` or `1.5s`"
    )]
    #[case(".s", "`.s` is not a span of time; write it like `200ms` or `1.5s`")]
    #[case(
        "200msec",
        "unknown unit of time `msec`. Valid: ns, us, µs, ms, s, m, h"
    )]
    #[case(
        "200mS",
        "unknown unit of time `mS`; did you mean `ms`? Valid: ns, us, µs, ms, s, m, h"
    )]
    #[case(
        "99999999999h",
        "`99999999999h` is longer than 365 days, which is the most"
    )]
    fn refuses(#[case] text: &str, #[case] said: &str) {
        assert_eq!(parse(text).unwrap_err().to_string(), said);
    }

    #[test]
    fn bare_numbers_are_milliseconds_only_where_asked() {
        assert_eq!(parse_or_ms("200"), Ok(Duration::from_millis(200)));
        assert_eq!(parse_or_ms("0.5"), Ok(Duration::from_micros(500)));
        assert_eq!(parse_or_ms("2s"), Ok(Duration::from_secs(2)));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(nanos in 0..31_536_000_000_000_000_u64) {
            let span = Duration::from_nanos(nanos);
            prop_assert_eq!(parse(&format(span)), Ok(span));
        }

        #[test]
        fn nothing_panics(text in any::<String>(), digits in "[0-9.]{0,60}(ms|s|h)?") {
            let _ = parse(&text);
            let _ = parse_or_ms(&digits);
        }
    }
}
