//! The numbers that are taken, wherever they are written: in the attribute, by the builder, in a flag, a suite file, an
//! expression, or a row of a dataset.
//!
//! What lies beyond them would fill the memory, outlast everybody, or overflow before a byte is sent, so
//! it is refused as the setting that it is. `docs/suites.md` shows the same table.
//!
//! | what | from | to |
//! |---|---|---|
//! | `requests`, also times `max_extend`, `rounds` or twice the `pairs` | 1 | 5,000,000 |
//! | `duration` | above 0 | 365 days |
//! | `max_concurrency` | 1 | 5,000,000 |
//! | `workers` | 1 | 256 |
//! | `warmups` | 0 | 10,000 |
//! | `rate`, either end of a `ramp` | 0.0001 a second | 1,000,000 a second, or `"inf"` for `rate` |
//! | `burstiness` | 0.001 | 1,000,000, or `"inf"` |
//! | `probe_rate` | 0.0001 a second, or 0 for none | 1,000 a second |
//! | `confidence` | above 0.5 | 0.999999 |
//! | `structured_output_ratio` | 0 | 1 |
//! | any span of time | 0 | 365 days |
//! | `server_metrics_interval` | 10 ms | 365 days |
//! | from the first request to the last, also of a trace | 0 | 365 days |
//! | any whole number in an expression or a row, such as tokens | 0 or 1 | 10,000,000 |
//! | tokens of all prompts of a run that are made up, and of a trace's | | 1,000,000,000 |
//! | a bucket of `random-mm` | 1 × 1 × 1 | 65,535 × 65,535, 10,000 frames, 268,435,456 pixels in all |
//! | pixels of all pictures of a run | | 4,294,967,296 |

use crate::Mistake;
use std::time::Duration;

/// Requests of a run.
pub const REQUESTS: u64 = 5_000_000;
/// Any whole number in an expression or in a row of a dataset: tokens, blocks, documents.
pub const WHOLE: u64 = 10_000_000;
/// Tokens of all prompts of a run together.
pub const TOKENS: f64 = 1e9;
/// Any span of time, and the time from the first request of a plan to its last.
pub const SPAN: Duration = Duration::from_secs(365 * 24 * 3600);
/// A side of a picture, which JPEG cannot have larger.
pub const SIDE: usize = 65_535;
/// Frames of a video.
pub const FRAMES: usize = 10_000;
/// Pixels of a picture or a video.
pub const PIXELS: u64 = 1 << 28;
/// Pixels of all pictures and videos of a run together.
pub const ALL_PIXELS: f64 = 4_294_967_296.0;

/// A setting that is a number: its name, the least, the most, and whether it may be infinite.
const NUMBERS: &[(&str, f64, f64, bool)] = &[
    ("requests", 1.0, REQUESTS as f64, false),
    ("max_concurrency", 1.0, REQUESTS as f64, false),
    ("workers", 1.0, 256.0, false),
    ("warmups", 0.0, 10_000.0, false),
    ("rate", 1e-4, 1e6, true),
    ("burstiness", 1e-3, 1e6, true),
    ("probe_rate", 0.0, 1e3, false),
    ("max_extend", 1.0, 100.0, false),
    ("rounds", 1.0, 100.0, false),
    ("warmup_rounds", 0.0, 100.0, false),
    ("pairs", 1.0, 16.0, false),
    ("confidence", 0.5, 0.999_999, false),
    ("structured_output_ratio", 0.0, 1.0, false),
];

/// Whether a setting may have this value; settings without bounds may have any.
///
/// # Errors
/// It is beyond its bounds.
pub fn number(name: &str, value: f64) -> Result<(), Mistake> {
    let Some((_, least, most, infinite)) = NUMBERS.iter().find(|bound| bound.0 == name) else {
        return Ok(());
    };
    if (*least..=*most).contains(&value) || (*infinite && value == f64::INFINITY) {
        Ok(())
    } else {
        Err(Mistake::new(format!(
            "must be from {least} to {most}{}",
            if *infinite { ", or `\"inf\"`" } else { "" }
        )))
    }
}

/// Whether a setting may be this long.
///
/// # Errors
/// It is too long, or, for the interval of a sampler, too short.
pub fn span(name: &str, span: Duration) -> Result<(), Mistake> {
    if span > SPAN {
        return Err(Mistake::new("must be at most 365 days"));
    }
    if name == "duration" && span.is_zero() {
        return Err(Mistake::new(
            "must be above 0, or nothing is sent. Write such as `10m`",
        ));
    }
    if name == "server_metrics_interval" && span < Duration::from_millis(10) {
        return Err(Mistake::new("must be at least `10ms`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duration;
    use rstest::rstest;

    #[rstest]
    #[case("requests", 1e11, "must be from 1 to 5000000")]
    #[case("workers", 1e5, "must be from 1 to 256")]
    #[case("rate", 1e300, "must be from 0.0001 to 1000000, or `\"inf\"`")]
    #[case("rate", f64::NAN, "must be from 0.0001 to 1000000, or `\"inf\"`")]
    #[case("confidence", f64::INFINITY, "must be from 0.5 to 0.999999")]
    fn beyond(#[case] name: &str, #[case] value: f64, #[case] said: &str) {
        assert_eq!(number(name, value).unwrap_err().0, said);
    }

    #[rstest]
    #[case("requests", 5e6)]
    #[case("rate", f64::INFINITY)]
    #[case("seed", 1e19)]
    fn within(#[case] name: &str, #[case] value: f64) {
        assert_eq!(number(name, value), Ok(()));
    }

    #[test]
    fn no_span_is_longer_than_a_year() {
        assert!(duration::parse("8760h").is_ok());
        assert!(duration::parse("8761h").is_err());
        assert!(span("total_timeout", Duration::MAX).is_err());
        assert!(span("server_metrics_interval", Duration::from_nanos(1)).is_err());
        assert!(span("duration", Duration::ZERO).is_err());
    }
}
