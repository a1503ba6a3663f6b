//! By how much two readings of a number may differ: `10%`.

use crate::Mistake;

/// Reads a share of 0 to 100 per cent, as 0–1.
///
/// # Errors
/// The text has no per cent sign, no number, or a number outside.
pub fn parse(text: &str) -> Result<f64, Mistake> {
    let trimmed = text.trim();
    let percent = trimmed
        .strip_suffix('%')
        .and_then(|n| n.trim().parse().ok());
    match percent {
        Some(percent) if (0.0..=100.0).contains(&percent) => Ok(percent / 100.0),
        Some(_) => Err(Mistake::new(format!(
            "`{trimmed}` is not between 0% and 100%"
        ))),
        None => Err(Mistake::new(format!(
            "`{trimmed}` is not a tolerance; write it in per cent, such as `10%`"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_and_all_else_is_refused() {
        for (text, share) in [("10%", 0.1), (" 2.5 % ", 0.025), ("0%", 0.0), ("100%", 1.0)] {
            assert_eq!(parse(text), Ok(share));
        }
        for (text, told) in [
            ("10", "such as `10%`"),
            ("x%", "such as `10%`"),
            ("NaN%", "not between"),
            ("101%", "not between"),
            ("-1%", "not between"),
        ] {
            let mistake = parse(text).unwrap_err().to_string();
            assert!(mistake.contains(told), "{mistake}");
        }
    }
}
