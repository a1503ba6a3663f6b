//! How load slows a scripted server down: `2%`, `1.5x@64`.

use crate::{Mistake, call};
use std::fmt;

/// With `n` requests in flight every token takes `1 + (n - 1) * millionths / (10^6 * others)` times as
/// long as alone: a line that is 1 for a request alone. Its slope is kept as a fraction, so that times
/// are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slowdown {
    millionths: u64,
    others: u64,
}

/// 1000 times as long, in millionths.
const MOST_MILLIONTHS: f64 = 1e9;
const MOST_OTHERS: u64 = 1_000_000;

/// Reads a slowdown: a share for each other request, `2%`, or a factor at a concurrency, `1.5x@64`.
///
/// # Errors
/// Anything else, a factor below 1, a concurrency below 2, and numbers beyond 1000 times and a
/// concurrency of a million.
pub fn parse_slowdown(text: &str) -> Result<Slowdown, Mistake> {
    let plain = call::unquote(text.trim());
    let wrong = |why: &str| {
        Mistake::new(format!(
            "`slowdown = {}`: {why}, such as `2%` for each other request in flight, or a factor at \
             a concurrency, such as `1.5x@64`",
            text.trim()
        ))
    };
    if let Some(percent) = plain.strip_suffix('%') {
        let percent = call::number(percent.trim()).filter(|percent| *percent <= 1e5);
        let percent = percent.ok_or_else(|| wrong("expected a share from 0% to 100000%"))?;
        return Ok(Slowdown::new(percent * 1e4, 1));
    }
    let parts = plain.split_once('@');
    let (Some(factor), at) = (match parts {
        Some((factor, at)) => (factor.trim().strip_suffix('x'), at.trim()),
        None => (None, ""),
    }) else {
        return Err(wrong("expected a share"));
    };
    let factor = call::number(factor.trim())
        .filter(|factor| (1.0..=1e3).contains(factor))
        .ok_or_else(|| wrong("expected a factor from 1x to 1000x"))?;
    let others = at.replace('_', "").parse::<u64>().ok();
    let others = others
        .and_then(|at| at.checked_sub(1))
        .filter(|others| (1..=MOST_OTHERS).contains(others))
        .ok_or_else(|| wrong("expected a concurrency from 2 to 1000001"))?;
    Ok(Slowdown::new((factor - 1.0) * 1e6, others))
}

impl Slowdown {
    /// `millionths` is a number of at most 10^9 that decimal text may have left a little off.
    fn new(millionths: f64, others: u64) -> Self {
        Slowdown {
            millionths: millionths.clamp(0.0, MOST_MILLIONTHS).round() as u64,
            others,
        }
    }

    /// The factor by which a token takes longer with this number of requests in flight, itself included: a fraction,
    /// numerator first.
    pub fn factor(&self, in_flight: u64) -> (u128, u128) {
        let alone = 1_000_000 * u128::from(self.others);
        let others = u128::from(in_flight.saturating_sub(1));
        (alone + others * u128::from(self.millionths), alone)
    }
}

/// Written so that [`parse_slowdown`] reads the same one back.
impl fmt::Display for Slowdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.others {
            1 => write!(f, "{}%", decimal(self.millionths, 4)),
            others => {
                let factor = decimal(1_000_000 + self.millionths, 6);
                write!(f, "{factor}x@{}", others + 1)
            }
        }
    }
}

/// `number` with its last `places` digits behind the point, without zeros at the end.
fn decimal(number: u64, places: u32) -> String {
    let one = 10_u64.pow(places);
    let width = places as usize;
    let text = format!("{}.{:0width$}", number / one, number % one);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case::a_share("2%", 11, (1_200_000, 1_000_000))]
    #[case::a_fine_share(" 0.0001 % ", 2, (1_000_001, 1_000_000))]
    #[case::a_factor("1.5x@64", 64, (94_500_000, 63_000_000))]
    #[case::a_factor_in_quotes("'1.5x@64'", 1, (63_000_000, 63_000_000))]
    #[case::beyond_the_concurrency("1.5x @ 3", 5, (4_000_000, 2_000_000))]
    #[case::none("0%", 1_000, (1_000_000, 1_000_000))]
    fn reads(#[case] text: &str, #[case] in_flight: u64, #[case] factor: (u128, u128)) {
        let slowdown = parse_slowdown(text).unwrap();
        assert_eq!(slowdown.factor(in_flight), factor);
        assert_eq!(parse_slowdown(&slowdown.to_string()), Ok(slowdown));
    }

    #[rstest]
    #[case("2", "`slowdown = 2`: expected a share,")]
    #[case("-2%", "`slowdown = -2%`: expected a share from 0% to 100000%,")]
    #[case("1.5@64", "`slowdown = 1.5@64`: expected a share,")]
    #[case("0.5x@64", "`slowdown = 0.5x@64`: expected a factor from 1x to 1000x,")]
    #[case(
        "1.5x@1",
        "`slowdown = 1.5x@1`: expected a concurrency from 2 to 1000001,"
    )]
    #[case(
        "1.5x@many",
        "`slowdown = 1.5x@many`: expected a concurrency from 2 to 1000001,"
    )]
    fn refuses(#[case] text: &str, #[case] beginning: &str) {
        let said = parse_slowdown(text).unwrap_err().to_string();
        assert!(said.starts_with(beginning), "{said}");
        assert!(said.ends_with("such as `1.5x@64`"), "{said}");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(millionths in 0..=1_000_000_000_u64, others in 1..=1_000_000_u64) {
            // A factor is at most 1000, which is 999 more than 1.
            prop_assume!(others == 1 || millionths <= 999_000_000);
            let slowdown = Slowdown { millionths, others };
            prop_assert_eq!(parse_slowdown(&slowdown.to_string()), Ok(slowdown));
        }

        #[test]
        fn nothing_panics(text in any::<String>(), near in "[0-9.]{0,30}(%|x@[0-9]{0,30})?") {
            let _ = parse_slowdown(&text);
            let _ = parse_slowdown(&near);
        }
    }
}
