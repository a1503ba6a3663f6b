//! Intervals of numbers.

use serde::{Deserialize, Serialize};

/// Where a number of the server lies, by what one run can show.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end, in the number's unit; `None` when the run cannot bound it.
    pub low: Option<f64>,
    /// Upper end, in the number's unit; `None` when the run cannot bound it.
    pub high: Option<f64>,
}

impl Interval {
    /// The interval of a number of which nothing is known.
    pub const UNKNOWN: Interval = Interval {
        low: None,
        high: None,
    };

    /// An interval between two ends. An end that is not finite is not a bound.
    pub fn new(low: f64, high: f64) -> Self {
        let bound = |end: f64| end.is_finite().then_some(end);
        Interval {
            low: bound(low),
            high: bound(high),
        }
    }

    /// Returns whether a number is inside or at an end.
    pub fn contains(&self, number: f64) -> bool {
        self.low.is_none_or(|low| low <= number) && self.high.is_none_or(|high| number <= high)
    }

    /// This interval, widened until it holds the number.
    pub fn around(self, number: f64) -> Self {
        Interval {
            low: self.low.map(|low| low.min(number)),
            high: self.high.map(|high| high.max(number)),
        }
    }

    /// The interval with both ends changed by a function that never falls.
    pub fn map(self, rising: impl Fn(f64) -> f64) -> Self {
        Interval {
            low: self.low.map(&rising),
            high: self.high.map(&rising),
        }
    }
}
