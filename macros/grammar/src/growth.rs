//! How fast a number grows, as a share of itself an hour: `5%/h`, `0.1%/min`.

use crate::{Mistake, call};

/// Units of time, each with how often it fits into an hour.
const UNITS: &[(&str, f64)] = &[
    ("s", 3600.0),
    ("min", 60.0),
    ("h", 1.0),
    ("day", 1.0 / 24.0),
];

/// Reads a share for each unit of time, `s`, `min`, `h` or `day`, as a ratio an hour: `5%/h` is 0.05.
///
/// # Errors
/// No `%`, no unit of time or an unknown one, or a number that is negative or not plain.
pub fn parse(text: &str) -> Result<f64, Mistake> {
    let plain = call::unquote(text.trim());
    let wrong = || {
        Mistake::new(format!(
            "`{}`: expected a share for each unit of time, such as `5%/h` or `0.1%/min`",
            text.trim()
        ))
    };
    let (share, unit) = plain.split_once('/').ok_or_else(wrong)?;
    let percent = share
        .trim()
        .strip_suffix('%')
        .and_then(|percent| call::number(percent.trim()));
    let percent = percent.ok_or_else(wrong)?;
    let unit = unit.trim();
    let Some((_, an_hour)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        let names: Vec<&str> = UNITS.iter().map(|(name, _)| *name).collect();
        return Err(Mistake::unknown("unit of time", unit, &names));
    };
    Ok(percent / 100.0 * an_hour)
}

/// Writes a ratio an hour so that [`parse`] reads it back: `5%/h`.
pub fn format(an_hour: f64) -> String {
    // Rounded, because a share of 0.07 is not 7 per cent to the last digit.
    format!("{}%/h", (an_hour * 1e12).round() / 1e10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("5%/h", 0.05)]
    #[case(" 0.1 % / min ", 0.06)]
    #[case("24%/day", 0.01)]
    #[case("1%/s", 36.0)]
    #[case("0%/h", 0.0)]
    fn shares_of_time(#[case] text: &str, #[case] an_hour: f64) {
        assert!((parse(text).unwrap() - an_hour).abs() < 1e-12);
    }

    #[rstest]
    #[case(
        "5%",
        "`5%`: expected a share for each unit of time, such as `5%/h` or `0.1%/min`"
    )]
    #[case(
        "5/h",
        "`5/h`: expected a share for each unit of time, such as `5%/h` or `0.1%/min`"
    )]
    #[case(
        "-5%/h",
        "`-5%/h`: expected a share for each unit of time, such as `5%/h` or `0.1%/min`"
    )]
    #[case("5%/hour", "unknown unit of time `hour`. Valid: s, min, h, day")]
    fn what_is_no_share_of_time(#[case] text: &str, #[case] said: &str) {
        assert_eq!(parse(text).unwrap_err().to_string(), said);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(millionths in 0..100_000_000_u32) {
            let an_hour = parse(&format!("{}%/h", f64::from(millionths) / 1e4)).unwrap();
            prop_assert_eq!(parse(&format(an_hour)), Ok(an_hour));
        }
    }
}
