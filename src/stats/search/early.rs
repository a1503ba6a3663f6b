//! On which side of the edge a short trial is, as soon as that is clear.

use super::Side;

/// Requests of which none came nearer to its limit than by this factor are enough, if they are this number, and this share
/// of the trial.
const CLEAR: f64 = 0.5;
const ENOUGH: usize = 50;
const SHARE: f64 = 0.2;
/// A trial is above the edge once this many times as many values are beyond the limit as the whole trial may have, and at least
/// this number.
const TIMES: f64 = 3.0;
const MANY: f64 = 20.0;

/// Watches one demand during a short trial.
#[derive(Debug, Clone)]
pub struct Early {
    requests: usize,
    /// The share of values that may be beyond the limit; `None` where a mean is limited.
    allowed: Option<f64>,
    seen: usize,
    beyond: f64,
    values: f64,
    nearest: f64,
}

impl Early {
    /// A demand on a trial of this number of requests.
    pub fn new(requests: usize, allowed: Option<f64>) -> Self {
        Early {
            requests,
            allowed,
            seen: 0,
            beyond: 0.0,
            values: 0.0,
            nearest: 0.0,
        }
    }

    /// Notes the next request in the order of the plan: how many of its values are beyond the limit, of how many, and its
    /// largest value as a multiple of the limit.
    pub fn sees(&mut self, beyond: f64, values: f64, limit_ratio: f64) {
        self.seen += 1;
        self.beyond += beyond;
        self.values += values;
        self.nearest = self.nearest.max(limit_ratio);
    }

    /// The side, if it is clear.
    pub fn side(&self) -> Option<Side> {
        // Before the first request, none is beyond and none is near.
        if self.seen == 0 {
            return None;
        }
        let each = self.values / self.seen as f64;
        let planned = self.requests as f64;
        if let Some(allowed) = self.allowed
            && self.beyond >= (TIMES * allowed * planned * each).max(MANY * each)
        {
            return Some(Side::Above);
        }
        let enough = self.seen >= ENOUGH && self.seen as f64 >= SHARE * planned;
        (enough && self.nearest <= CLEAR).then_some(Side::Below)
    }
}
