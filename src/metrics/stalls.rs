//! Stalls: gaps between token events that a reader notices.

use super::{
    percentile::Summary,
    request::{gaps, millis},
};
use crate::run::Run;
use serde::{Deserialize, Serialize};

/// How many times the median a gap must be.
const TIMES: f64 = 10.0;

/// Gaps between token events that are longer than ten times the median gap, over successes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Stalls {
    /// Gaps above this length are stalls, ms.
    pub over_ms: f64,
    /// Stalls.
    pub gaps: u64,
    /// Requests with at least one.
    pub requests: u64,
}

impl Stalls {
    /// The stalls of a run, whose gaps are given; `None` without gaps, or if the median gap is 0.
    pub fn of(run: &Run, itl: &Summary) -> Option<Self> {
        let over_ms = itl.median * TIMES;
        let mut stalls = Stalls {
            over_ms,
            gaps: 0,
            requests: 0,
        };
        for record in run.steady().records.iter().filter(|record| record.ok()) {
            let found = gaps(record).filter(|gap| millis(*gap) > over_ms).count() as u64;
            stalls.gaps += found;
            stalls.requests += u64::from(found > 0);
        }
        (over_ms > 0.0).then_some(stalls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{
        measure,
        testing::{record, run_of},
    };

    #[test]
    fn a_gap_of_more_than_ten_medians_is_a_stall() {
        let even: Vec<u64> = (0..30).map(|k| 50 + k * 10).collect();
        let mut stalled = even.clone();
        stalled.extend([340 + 100, 340 + 201, 340 + 500]);
        let run = run_of(vec![record(0, &even, 30), record(0, &stalled, 33)]);
        let stalls = Stalls::of(&run, &measure(&run, &[]).latency.itl).unwrap();
        assert_eq!(
            (stalls.over_ms, stalls.gaps, stalls.requests),
            (100.0, 2, 1)
        );
        let single = run_of(vec![record(0, &[50], 1)]);
        assert_eq!(
            Stalls::of(&single, &measure(&single, &[]).latency.itl),
            None
        );
    }
}
