//! How far two clocks are apart.

use std::time::Duration;

/// How far the clock of shard 0 is ahead of one's own, with its error.
///
/// The answer to a ping was given between its sending and its coming back. If it was given in the middle, the offset is
/// exact; whatever the two ways took, it is off by half of the whole time at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Offset {
    /// The clock of shard 0 minus one's own, ns.
    ahead: i64,
    /// The largest error.
    pub(crate) bound: Duration,
}

impl Offset {
    /// The offset by one ping: when it was sent and came back by one's own clock, and when it was answered by the other,
    /// ns.
    pub(super) fn of_ping(sent: i64, answered: i64, back: i64) -> Self {
        let way = back.saturating_sub(sent).max(0);
        Offset {
            ahead: answered.saturating_sub(sent.saturating_add(way / 2)),
            // Half of an odd number is rounded up.
            bound: Duration::from_nanos(way.unsigned_abs().div_ceil(2)),
        }
    }

    /// The better of two: that of the faster ping.
    pub(super) fn or(self, other: Offset) -> Self {
        if other.bound < self.bound {
            other
        } else {
            self
        }
    }

    /// A time of shard 0 on one's own clock, ns.
    pub(super) fn here(self, there: i64) -> i64 {
        there.saturating_sub(self.ahead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever the ways took, the bound holds; and of several pings that of the fastest.
        #[test]
        fn the_truth_is_within_the_bound(
            ahead in -1_000_000_000_i64..1_000_000_000,
            pings in prop::collection::vec((0..50_000_000_i64, 0..50_000_000_i64, 0..1_000_000_i64), 1..10),
        ) {
            let mut best: Option<Offset> = None;
            let mut fastest = i64::MAX;
            let mut now = 5_000_000_000;
            for (there, back, pause) in pings {
                let answered = now + there + ahead;
                let offset = Offset::of_ping(now, answered, now + there + back);
                best = Some(best.map_or(offset, |best| best.or(offset)));
                fastest = fastest.min(there + back);
                now += there + back + pause;
            }
            let best = best.unwrap();
            let error = (best.ahead - ahead).unsigned_abs();
            prop_assert!(u128::from(error) <= best.bound.as_nanos(), "{best:?}");
            prop_assert_eq!(best.bound.as_nanos(), u128::from(fastest.unsigned_abs().div_ceil(2)));
            prop_assert_eq!(best.here(now + best.ahead), now);
        }
    }
}
