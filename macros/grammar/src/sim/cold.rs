//! How slow a simulated server is at first: `3x@20s`.

use crate::{Mistake, call, duration};
use std::{fmt, time::Duration};

/// A server that is slow at first: everything takes `factor` times as long when it starts, and less and less until it
/// is warm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cold {
    /// How many times as long everything takes at the start, 1 to 1000.
    pub factor: f64,
    /// When the server is warm, counted from its start.
    pub lasts: Duration,
}

/// Reads a factor and the time until the server is warm: `3x@20s`.
///
/// # Errors
/// Anything else, a factor below 1 or above 1000, and a time of 0.
pub fn parse_cold(text: &str) -> Result<Cold, Mistake> {
    let plain = call::unquote(text.trim());
    let read = || {
        let (factor, lasts) = plain.split_once('@')?;
        let factor = call::number(factor.trim().strip_suffix('x')?.trim())?;
        let lasts = duration::parse(lasts).ok().filter(|span| !span.is_zero())?;
        (1.0..=1e3)
            .contains(&factor)
            .then_some(Cold { factor, lasts })
    };
    read().ok_or_else(|| {
        Mistake::new(format!(
            "`cold = {}`: expected a factor from 1x to 1000x and the time until the server is warm, such as `3x@20s`",
            text.trim()
        ))
    })
}

/// Written so that [`parse_cold`] reads the same one back.
impl fmt::Display for Cold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x@{}", self.factor, duration::format(self.lasts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("3x@20s")]
    #[case("1.5x@250ms")]
    fn what_is_written_is_read_back(#[case] text: &str) {
        assert_eq!(parse_cold(text).unwrap().to_string(), text);
    }

    #[rstest]
    #[case("3x")]
    #[case("3@20s")]
    #[case("0.5x@20s")]
    #[case("3x@0s")]
    #[case("3x@20")]
    fn what_is_no_cold_start(#[case] text: &str) {
        let said = parse_cold(text).unwrap_err().to_string();
        assert!(
            said.starts_with(&format!("`cold = {text}`: expected")),
            "{said}"
        );
    }
}
