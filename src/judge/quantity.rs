//! Numbers with their units, as sentences need them.

use crate::stats::Interval;
use goodput_grammar::{
    search::Over,
    slo::{Subject, Throughput},
};
use serde::{Deserialize, Serialize};

/// The unit of a limited number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// ms.
    #[serde(rename = "ms")]
    Milliseconds,
    /// A share 0–1, written in percent.
    #[serde(rename = "ratio")]
    Ratio,
    /// A share 0–1 an hour, written in percent.
    #[serde(rename = "ratio/h")]
    RatioPerHour,
    /// Requests a second.
    #[serde(rename = "req/s")]
    RequestsPerSecond,
    /// Tokens a second.
    #[serde(rename = "tok/s")]
    TokensPerSecond,
    /// Requests in flight.
    #[serde(rename = "req")]
    Requests,
    /// An index from 0 to 1, written as it is.
    #[serde(rename = "index")]
    Index,
}

impl Unit {
    pub(crate) fn of(subject: &Subject) -> Self {
        match subject {
            Subject::Latency(..) => Unit::Milliseconds,
            Subject::Goodput
            | Subject::Errors
            | Subject::Cached
            | Subject::Valid
            | Subject::QueueGrowth
            | Subject::Warm(_) => Unit::Ratio,
            Subject::Drift(_) => Unit::RatioPerHour,
            Subject::Max(Over::Concurrency) => Unit::Requests,
            Subject::Max(Over::Rate) | Subject::Throughput(Throughput::Requests) => {
                Unit::RequestsPerSecond
            }
            Subject::Throughput(_) => Unit::TokensPerSecond,
            Subject::Jain => Unit::Index,
        }
    }

    /// The unit of an axis with values as they are stored: shares are 0–1.
    #[cfg(feature = "cli")]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Unit::Ratio => "share",
            Unit::RatioPerHour => "share an hour",
            Unit::Index => "index",
            unit => unit.symbol(),
        }
    }

    fn symbol(self) -> &'static str {
        match self {
            Unit::Milliseconds => "ms",
            Unit::Ratio => "%",
            Unit::RatioPerHour => "%/h",
            Unit::RequestsPerSecond => "req/s",
            Unit::TokensPerSecond => "tok/s",
            Unit::Requests => "at a time",
            Unit::Index => "",
        }
    }

    fn with_symbol(self, number: &str) -> String {
        format!("{number} {}", self.symbol()).trim_end().to_owned()
    }

    fn scaled(self, value: f64) -> f64 {
        if matches!(self, Unit::Ratio | Unit::RatioPerHour) {
            value * 100.0
        } else {
            value
        }
    }

    /// Formats a measured value, rounded to what is worth reading.
    pub(crate) fn measured(self, value: f64) -> String {
        self.with_symbol(&number(self.scaled(value)))
    }

    /// Formats the ends of an interval in brackets, without the unit. Empty if neither end is known.
    pub(crate) fn interval(self, interval: &Interval) -> String {
        let end = |end: f64| number(self.scaled(end));
        match (interval.low, interval.high) {
            (Some(low), Some(high)) => format!(" [{}, {}]", end(low), end(high)),
            (Some(low), None) => format!(" [at least {}]", end(low)),
            (None, Some(high)) => format!(" [at most {}]", end(high)),
            (None, None) => String::new(),
        }
    }

    /// Formats a limit as it was written: only what multiplying by 100 has added is rounded away.
    pub(crate) fn exact(self, limit: f64) -> String {
        let limit = (self.scaled(limit) * 1e10).round() / 1e10;
        self.with_symbol(&limit.to_string())
    }

    /// Formats a difference of two values.
    pub(crate) fn difference(self, difference: f64) -> String {
        if self == Unit::Ratio {
            return format!("{} points", number(self.scaled(difference)));
        }
        if self == Unit::RatioPerHour {
            return format!("{} points an hour", number(self.scaled(difference)));
        }
        self.measured(difference)
    }
}

/// Formats a number with about three digits; a dash stands for a missing value.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if value.is_nan() {
        "-".to_owned()
    } else if value == 0.0 {
        "0".to_owned()
    } else if size >= 100.0 {
        format!("{value:.1}")
    } else if size >= 1.0 {
        format!("{value:.2}")
    } else if size >= 1e-3 {
        format!("{value:.3}")
    } else {
        format!("{value:.1e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(f64::NAN, "-")]
    #[case(0.0, "0")]
    #[case(412.34, "412.3")]
    #[case(12.345, "12.35")]
    #[case(0.0411, "0.041")]
    #[case(0.000_041, "4.1e-5")]
    fn numbers_keep_what_is_worth_reading(#[case] value: f64, #[case] text: &str) {
        assert_eq!(number(value), text);
    }

    #[rstest]
    #[case(Interval::new(10.0, 12.5), " [10.00, 12.50]")]
    #[case(Interval::new(10.0, f64::INFINITY), " [at least 10.00]")]
    #[case(Interval::new(f64::NEG_INFINITY, 12.5), " [at most 12.50]")]
    #[case(Interval::UNKNOWN, "")]
    fn an_end_that_is_not_known_is_not_written(#[case] interval: Interval, #[case] text: &str) {
        assert_eq!(Unit::Milliseconds.interval(&interval), text);
    }

    #[test]
    fn limits_are_written_as_they_were_given() {
        assert_eq!(Unit::Ratio.exact(0.07), "7 %");
        assert_eq!(Unit::Ratio.exact(0.999), "99.9 %");
        assert_eq!(Unit::Milliseconds.exact(300.0), "300 ms");
        assert_eq!(Unit::Milliseconds.exact(0.25), "0.25 ms");
    }
}
