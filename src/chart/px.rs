//! Lengths in drawings.

use std::fmt;

/// How many units of a drawing are a pixel: a fifth is as fine as anybody sees, and whole numbers are short.
const FINE: f64 = 5.0;

/// A length in pixels in units of drawings.
pub(super) fn units(pixels: f64) -> i64 {
    (pixels * FINE).round() as i64
}

/// A length in pixels that is written in units of drawings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Px(pub(super) f64);

impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", units(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(1.0, "5")]
    #[case(1.04, "5")]
    #[case(1.3, "7")]
    #[case(-0.01, "0")]
    #[case(-2.25, "-11")]
    fn coordinates_are_short(#[case] value: f64, #[case] text: &str) {
        assert_eq!(Px(value).to_string(), text);
    }
}
