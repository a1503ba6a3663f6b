//! Several metrics of the same pairs, tested together.
//!
//! All metrics of a run share its luck, so a chance of a false alarm is mostly the same chance for each
//! of them, and Bonferroni's share for each is far too little. Westfall and Young (1993) keep
//! Holm's steps and take the joint distribution instead: whatever is done to the pairs is done to all
//! metrics at once, and a metric counts as changed when it stands out more than the *most*
//! outstanding metric does by chance.
//!
//! What is done to the pairs: with enough of them, their labels are swapped, all 2^k ways, which is
//! exact for any noise. With fewer, they are rotated at random (Langsrud, 2005), which is exact
//! for normal noise, and for one metric is Student's t. A swap of labels is such a rotation.

use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;
use std::sync::OnceLock;

use super::MOST_PAIRS;

/// So many rotations stand for all.
const ROTATIONS: usize = 9_999;

/// Cosines closer than this differ by rounding alone.
const ROUNDING: f64 = 1e-12;

/// What is done to the pairs.
pub(super) enum Ways {
    /// All swaps of so many pairs; the last is none.
    Swaps(usize),
    /// Random directions of so many pairs, one after the other.
    Rotations(usize, &'static [f64]),
}

impl Ways {
    /// Swaps where they can reach this error, else rotations; `None` for a single pair.
    pub(super) fn of(pairs: usize, error: f64) -> Option<Self> {
        if swaps_reach(pairs, error) {
            return Some(Ways::Swaps(pairs));
        }
        (2..=MOST_PAIRS)
            .contains(&pairs)
            .then(|| Ways::Rotations(pairs, directions(pairs)))
    }

    /// Calls `with` for each way with the cosine of each series to it.
    fn each(&self, series: &[Vec<f64>], mut with: impl FnMut(&[f64])) {
        let lengths: Vec<f64> = series.iter().map(|series| length(series)).collect();
        let mut cosines = vec![0.0; series.len()];
        let mut visit = |direction: &[f64]| {
            for ((cosine, series), length) in cosines.iter_mut().zip(series).zip(&lengths) {
                *cosine = match *length > 0.0 {
                    true => dot(series, direction) / length,
                    false => 0.0,
                };
            }
            with(&cosines);
        };
        match *self {
            Ways::Swaps(pairs) => {
                let unit = 1.0 / (pairs as f64).sqrt();
                let mut direction = vec![0.0; pairs];
                for way in 0..1_u32 << pairs {
                    for (pair, end) in direction.iter_mut().enumerate() {
                        *end = if way >> pair & 1 == 1 { unit } else { -unit };
                    }
                    visit(&direction);
                }
            }
            Ways::Rotations(pairs, directions) => {
                directions.chunks_exact(pairs).for_each(visit);
            }
        }
    }

    /// Of so many ways that are as extreme as what was seen, the share. What was seen is one of
    /// the swaps, but not of the rotations.
    fn share(&self, extreme: usize) -> f64 {
        match *self {
            Ways::Swaps(pairs) => extreme as f64 / f64::from(1_u32 << pairs),
            Ways::Rotations(..) => (extreme + 1) as f64 / (ROTATIONS + 1) as f64,
        }
    }

    /// How likely each series is to lie so high by chance, adjusted so that any of them does
    /// with at most that probability.
    pub(super) fn adjusted(&self, series: &[Vec<f64>]) -> Vec<f64> {
        let seen: Vec<f64> = series.iter().map(|series| cosine_to_none(series)).collect();
        let mut order: Vec<usize> = (0..seen.len()).collect();
        order.sort_by(|a, b| seen[*b].total_cmp(&seen[*a]));
        let mut extreme = vec![0_usize; seen.len()];
        self.each(series, |cosines| {
            // The most outstanding of a series and those behind it.
            let mut most = f64::NEG_INFINITY;
            for index in order.iter().rev() {
                most = most.max(cosines[*index]);
                extreme[*index] += usize::from(most >= seen[*index] - ROUNDING);
            }
        });
        let mut adjusted = vec![1.0; seen.len()];
        let mut largest = 0.0_f64;
        for index in order {
            largest = largest.max(self.share(extreme[index]));
            adjusted[index] = largest;
        }
        adjusted
    }
}

/// The t that the most outstanding of these series exceeds by chance with this probability;
/// `None` for a single pair.
pub(super) fn critical(series: &[Vec<f64>], pairs: usize, error: f64) -> Option<f64> {
    if !(2..=MOST_PAIRS).contains(&pairs) {
        return None;
    }
    let mut most = Vec::with_capacity(ROTATIONS);
    Ways::Rotations(pairs, directions(pairs)).each(series, |cosines| {
        most.push(cosines.iter().copied().fold(f64::NEG_INFINITY, f64::max));
    });
    most.sort_by(|a, b| b.total_cmp(a));
    let cosine = most[((error * ROTATIONS as f64) as usize).min(ROTATIONS - 1)];
    Some(cosine / (1.0 - cosine * cosine).sqrt() * (pairs as f64 - 1.0).sqrt())
}

/// Whether the most extreme of all swaps is rarer than this.
pub(super) fn swaps_reach(pairs: usize, error: f64) -> bool {
    pairs <= MOST_PAIRS && libm::exp2(-(pairs as f64)) <= error
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn length(series: &[f64]) -> f64 {
    dot(series, series).sqrt()
}

/// To the direction in which no label is swapped.
fn cosine_to_none(series: &[f64]) -> f64 {
    match length(series) {
        0.0 => 0.0,
        length => series.iter().sum::<f64>() / length / (series.len() as f64).sqrt(),
    }
}

/// Random directions, the same ones always.
fn directions(pairs: usize) -> &'static [f64] {
    static DRAWN: [OnceLock<Vec<f64>>; MOST_PAIRS + 1] =
        [const { OnceLock::new() }; MOST_PAIRS + 1];
    DRAWN[pairs].get_or_init(|| {
        let mut random = Pcg64::seed_from_u64(pairs as u64);
        let mut drawn = Vec::with_capacity(ROTATIONS * pairs);
        for _ in 0..ROTATIONS {
            let direction: Vec<f64> = (0..pairs)
                .map(|_| StandardNormal.sample(&mut random))
                .collect();
            let length = length(&direction);
            drawn.extend(direction.iter().map(|end| end / length));
        }
        drawn
    })
}

#[cfg(test)]
mod tests {
    use super::{super::swap_p, *};
    use crate::stats::critical::t_above;
    use proptest::prelude::*;

    fn ways(pairs: usize) -> Ways {
        Ways::of(pairs, 0.01).unwrap()
    }

    #[test]
    fn one_series_has_students_t() {
        let series = vec![0.1, 0.02, 0.15, 0.07, 0.01];
        let mean = 0.07;
        let squares: f64 = series.iter().map(|r| (r - mean) * (r - mean)).sum();
        let exact = t_above(4.0, mean / (squares / 4.0 / 5.0).sqrt());
        let found = ways(5).adjusted(&[series])[0];
        // Four standard errors of 9,999 draws.
        let scatter = 4.0 * (exact / ROTATIONS as f64).sqrt();
        assert!((found - exact).abs() < scatter, "{found}, not {exact}");
    }

    #[test]
    fn the_same_series_twice_costs_nothing_and_another_something() {
        for pairs in [5_usize, 8] {
            let one: Vec<f64> = (0..pairs).map(|i| 0.1 + 0.02 * i as f64).collect();
            let sign = |i: usize| if i.is_multiple_of(2) { 1.0 } else { -1.0 };
            let other: Vec<f64> = (0..pairs).map(sign).collect();
            let alone = ways(pairs).adjusted(std::slice::from_ref(&one))[0];
            let twice = ways(pairs).adjusted(&[one.clone(), one.clone()]);
            assert_eq!(twice, [alone, alone]);
            let both = ways(pairs).adjusted(&[other, one]);
            assert!(both[1] >= alone && both[1] <= 2.5 * alone, "{both:?}");
            assert!(both[0] > 0.3, "{both:?}");
        }
    }

    #[test]
    fn what_does_not_change_at_all_is_no_sign_of_anything() {
        assert_eq!(ways(8).adjusted(&[vec![0.0; 8], vec![0.0; 8]]), [1.0, 1.0]);
        assert_eq!(ways(5).adjusted(&[vec![0.0; 5]]), [1.0]);
        // The same by the same share, five times: as rare as it gets.
        assert_eq!(ways(5).adjusted(&[vec![0.1; 5]]), [1e-4]);
    }

    #[test]
    fn one_pair_can_be_put_one_way_only() {
        assert!(Ways::of(1, 0.01).is_none());
        assert!(critical(&[vec![0.1]], 1, 0.01).is_none());
    }

    #[test]
    fn the_critical_t_of_one_series_is_students() {
        let series = [vec![0.1, 0.02, 0.15, 0.07, 0.01]];
        let critical = critical(&series, 5, 0.01).unwrap();
        assert!((critical - 3.747).abs() < 0.25, "{critical}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// Never laxer than no correction, and the order of the series does not matter.
        #[test]
        fn a_series_among_others_is_less_of_a_surprise(
            series in prop::collection::vec(prop::collection::vec(-0.2..0.5f64, 8), 1..5),
        ) {
            let joint = ways(8).adjusted(&series);
            for (series, joint) in series.iter().zip(&joint) {
                prop_assert!(swap_p(series) <= joint + 1e-9);
            }
            let reversed: Vec<Vec<f64>> = series.iter().rev().cloned().collect();
            let mut again = ways(8).adjusted(&reversed);
            again.reverse();
            prop_assert_eq!(joint, again);
        }
    }
}
