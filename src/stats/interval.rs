//! Where a number lies.

use serde::{Deserialize, Serialize};

/// Where a number of the server lies, as far as one run can tell.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end, in the number's unit; `None` when the run cannot bound it.
    pub low: Option<f64>,
    /// Upper end, in the number's unit; `None` when the run cannot bound it.
    pub high: Option<f64>,
}

impl Interval {
    /// Nothing is known.
    pub const UNKNOWN: Interval = Interval {
        low: None,
        high: None,
    };

    /// Between two ends; one that is not finite is no bound.
    pub fn new(low: f64, high: f64) -> Self {
        let bound = |end: f64| end.is_finite().then_some(end);
        Interval {
            low: bound(low),
            high: bound(high),
        }
    }

    /// Whether a number is inside or at an end.
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

    /// Both ends changed by a function that never falls.
    pub fn map(self, rising: impl Fn(f64) -> f64) -> Self {
        Interval {
            low: self.low.map(&rising),
            high: self.high.map(&rising),
        }
    }
}
