//! How the error of an interval is shared between its ends.

/// The share of the error that the end at the long tail has.
const AT_THE_TAIL: f64 = 0.25;

/// The side on which a number has its long tail: where a run is wrong when luck made it look calm.
///
/// A queue's bad times are rare and long. A run that met few of them gives a latency that is too low, and finds
/// little variance as well, so it is the upper end that fails: with equal shares it is missed 5 to 8 % of the time
/// near saturation and the lower one never. That end is given a quarter of the error and the other one the rest. For
/// numbers without a tail this widens the interval by 3 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// Both sides are equal.
    None,
    /// The truth may be far above: latencies.
    Above,
    /// The truth may be far below: the share of requests that are fast enough.
    Below,
}

impl Tail {
    /// The error probabilities of the lower and of the upper end.
    pub fn errors(self, error: f64) -> (f64, f64) {
        let (tail, body) = (error * AT_THE_TAIL, error * (1.0 - AT_THE_TAIL));
        match self {
            Tail::None => (0.5 * error, 0.5 * error),
            Tail::Above => (body, tail),
            Tail::Below => (tail, body),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Tail::None, (0.02, 0.02))]
    #[case(Tail::Above, (0.03, 0.01))]
    #[case(Tail::Below, (0.01, 0.03))]
    fn the_end_at_the_tail_is_wrong_less_often(#[case] tail: Tail, #[case] expected: (f64, f64)) {
        let (low, high) = tail.errors(0.04);
        assert!((low - expected.0).abs() < 1e-15 && (high - expected.1).abs() < 1e-15);
    }
}
