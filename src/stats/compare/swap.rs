//! The exact test. If both sides of a pair are equivalent, their labels can be swapped, and every one of the 2^k ways
//! is as likely as what was seen.

use crate::stats::{Interval, halving::halved};

/// The largest number of pairs. More pairs have too many ways to go through.
pub const MOST_PAIRS: usize = 16;

/// The share of label swaps whose sum of log ratios is at least the observed one: the one-sided
/// p-value, exact and without chance in it. 1 for more than [`MOST_PAIRS`] pairs.
pub fn swap_p(ratios: &[f64]) -> f64 {
    Ways::of(ratios).map_or(1.0, |ways| ways.p(0.0))
}

/// The log ratios that the test does not reject on either side at this error: those of which
/// neither the pairs less that ratio nor their negatives are too extreme.
pub fn swap_interval(ratios: &[f64], error: f64) -> Interval {
    let mirrored: Vec<f64> = ratios.iter().map(|ratio| -ratio).collect();
    match (lowest(ratios, error), lowest(&mirrored, error)) {
        (Some(low), Some(high)) => Interval::new(low, -high),
        _ => Interval::UNKNOWN,
    }
}

/// All label swaps of some pairs.
struct Ways {
    /// Sum of the log ratios, and of the signs that a swap gives them. The last is the observed one.
    sums: Vec<(f64, f64)>,
    /// Sums closer than this differ by rounding alone.
    rounding: f64,
}

impl Ways {
    fn of(ratios: &[f64]) -> Option<Self> {
        if ratios.len() > MOST_PAIRS {
            return None;
        }
        let mut sums = vec![(0.0, 0.0)];
        for ratio in ratios {
            let with = |sign: f64| {
                sums.iter()
                    .map(move |(sum, signs)| (sum + sign * ratio, signs + sign))
            };
            sums = with(-1.0).chain(with(1.0)).collect();
        }
        let size: f64 = ratios.iter().map(|ratio| ratio.abs()).sum();
        Some(Ways {
            sums,
            rounding: 1e-12 * size,
        })
    }

    /// The p-value of the log ratios less a shift.
    fn p(&self, shift: f64) -> f64 {
        let shifted = |(sum, signs): &(f64, f64)| sum - shift * signs;
        let observed = self.sums.last().map_or(0.0, shifted);
        let least = observed - self.rounding;
        let extreme = self.sums.iter().filter(|way| shifted(way) >= least).count();
        extreme as f64 / self.sums.len() as f64
    }
}

/// The point from which on the test does not reject, from below, found by halving.
fn lowest(ratios: &[f64], error: f64) -> Option<f64> {
    let ways = Ways::of(ratios)?;
    let rejected = |shift: f64| ways.p(shift) <= error;
    let smallest = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let size: f64 = ratios.iter().map(|ratio| ratio.abs()).sum();
    // Just below all of them every pair agrees: nothing is more extreme.
    let low = smallest - 1e-9 * size.max(1e-3);
    if !rejected(low) {
        return None;
    }
    let high = ratios.iter().sum::<f64>() / ratios.len() as f64;
    let (low, _) = halved((low, high), 40, rejected);
    Some(low)
}

/// Returns whether the most extreme of all swaps is rarer than this.
pub(super) fn swaps_reach(pairs: usize, error: f64) -> bool {
    pairs <= MOST_PAIRS && libm::exp2(-(pairs as f64)) <= error
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn all_ways_of_three_pairs() {
        // Sums: 6 4 2 0 0 −2 −4 −6.
        assert_eq!(swap_p(&[1.0, 2.0, 3.0]), 1.0 / 8.0);
        assert_eq!(swap_p(&[-1.0, 2.0, 3.0]), 2.0 / 8.0);
        assert_eq!(swap_p(&[0.0, 0.0, 0.0]), 1.0);
    }

    #[test]
    fn too_few_pairs_have_no_interval() {
        assert_eq!(swap_interval(&[0.1, 0.2, 0.3], 0.01), Interval::UNKNOWN);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_interval_holds_what_is_not_rejected(
            ratios in prop::collection::vec(-0.5..0.5f64, 7..9), shift in -1.0..1.0f64,
        ) {
            let interval = swap_interval(&ratios, 0.01);
            let up: Vec<f64> = ratios.iter().map(|ratio| ratio - shift).collect();
            let down: Vec<f64> = up.iter().map(|ratio| -ratio).collect();
            let rejected = swap_p(&up) <= 0.01 || swap_p(&down) <= 0.01;
            let near = |end: Option<f64>| end.is_some_and(|end| (end - shift).abs() < 1e-6);
            prop_assert!(
                near(interval.low) || near(interval.high) || interval.contains(shift) != rejected
            );
        }
    }
}
