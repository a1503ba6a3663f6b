//! Several metrics of the same pairs, tested together.
//!
//! All metrics of a run share its luck, so a chance of a false alarm is mostly the same chance for each metric, and
//! Bonferroni's share for each is far too little. Westfall and Young (1993) keep Holm's steps and take the joint
//! distribution instead: whatever is done to the pairs is done to all metrics at once, and a metric counts as changed
//! when it stands out more than the *most* outstanding metric does by chance.
//!
//! With enough pairs the test swaps their labels, all 2^k ways, which is exact for any noise. With fewer pairs it
//! draws metrics whose log ratios are correlated as those of the pairs are, and divides each by a scatter that is
//! drawn, too: a multivariate t whose correlations are the cosines of the log ratios. One metric has Student's t.

use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;
use std::sync::OnceLock;

use super::{MOST_PAIRS, spread, swap};

/// The number of draws that stand for all.
const DRAWS: usize = 9_999;

/// The number of draws for a t that only says how large a change would be seen.
const SOME_DRAWS: usize = 2_000;

/// Cosines closer than this differ by rounding alone.
const ROUNDING: f64 = 1e-12;

/// The log ratios of a metric.
#[derive(Debug, Clone)]
pub(super) struct Series {
    pub(super) ratios: Vec<f64>,
    /// By how many standard errors their mean differs from 0. `None` if there is no chance in it.
    pub(super) t: Option<f64>,
}

impl Series {
    /// The series with the sign of all values turned, or as it is.
    pub(super) fn signed(&self, sign: f64) -> Self {
        Series {
            ratios: self.ratios.iter().map(|ratio| sign * ratio).collect(),
            t: self.t.map(|t| sign * t),
        }
    }

    /// How far the series stands out: its t, or what would be its t if there were chance in it.
    fn t_seen(&self) -> f64 {
        let sum: f64 = self.ratios.iter().sum();
        match self.t {
            Some(t) => t,
            None if sum == 0.0 => 0.0,
            None => sum.signum() * f64::INFINITY,
        }
    }
}

/// What is done to the pairs.
pub(super) enum Ways {
    /// All swaps of this number of pairs. The last swap changes nothing.
    Swaps(usize),
    /// Draws of a mean and its scatter.
    Draws(Draws),
}

/// Normal numbers, for each pair: of each draw a row for the mean and one for each degree of freedom of its
/// scatter.
#[derive(Clone, Copy)]
pub(super) struct Draws {
    pairs: usize,
    freedom: usize,
    numbers: &'static [f64],
}

/// What draws are for: one number of degrees of freedom for each number of pairs.
#[derive(Clone, Copy)]
enum Kind {
    /// Pairs by their ratios alone.
    Paired,
    /// Pairs with their sums.
    Pooled,
    /// Stored runs and a new run.
    Runs,
}

impl Ways {
    /// Swaps if they can reach this error, else draws. `None` for a single pair.
    pub(super) fn of(pairs: usize, error: f64) -> Option<Self> {
        if swap::swaps_reach(pairs, error) {
            return Some(Ways::Swaps(pairs));
        }
        (2..=MOST_PAIRS)
            .contains(&pairs)
            .then(|| Ways::Draws(Draws::of(pairs, error)))
    }

    /// Calls `with` for each way, with how far each series stands out: for swaps the cosine to no swap, for draws a
    /// t.
    fn each(&self, series: &[&[f64]], with: impl FnMut(&[f64])) {
        match *self {
            Ways::Swaps(pairs) => each_swap(pairs, series, with),
            Ways::Draws(draws) => draws.each(series, with),
        }
    }

    fn seen(&self, series: &Series) -> f64 {
        match self {
            Ways::Swaps(_) => cosine_to_none(&series.ratios),
            Ways::Draws(_) => series.t_seen(),
        }
    }

    /// The share of this number of ways that are as extreme as what was seen. What was seen is one of the swaps, but
    /// not one of the draws.
    fn share(&self, extreme: usize) -> f64 {
        match *self {
            Ways::Swaps(pairs) => extreme as f64 / f64::from(1_u32 << pairs),
            Ways::Draws(_) => (extreme + 1) as f64 / (DRAWS + 1) as f64,
        }
    }

    /// How likely each series is to lie this high by chance, adjusted so that any of them does with at most that
    /// probability.
    pub(super) fn adjusted(&self, series: &[Series]) -> Vec<f64> {
        let seen: Vec<f64> = series.iter().map(|series| self.seen(series)).collect();
        let mut order: Vec<usize> = (0..seen.len()).collect();
        order.sort_by(|a, b| seen[*b].total_cmp(&seen[*a]));
        let mut extreme = vec![0_usize; seen.len()];
        let ratios: Vec<&[f64]> = series.iter().map(|one| one.ratios.as_slice()).collect();
        self.each(&ratios, |ways| {
            // The most outstanding of a series and those behind it.
            let mut most = f64::NEG_INFINITY;
            for index in order.iter().rev() {
                most = most.max(ways[*index]);
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
    let known = (2..=MOST_PAIRS).contains(&pairs);
    known.then(|| exceeded(Draws::of(pairs, error), series, error))
}

/// The t that the most outstanding of these series exceeds with this probability in some of the draws.
pub(super) fn exceeded(draws: Draws, series: &[Vec<f64>], error: f64) -> f64 {
    let series: Vec<&[f64]> = series.iter().map(Vec::as_slice).collect();
    let mut most = Vec::with_capacity(SOME_DRAWS);
    draws.first(SOME_DRAWS).each(&series, |ts| {
        most.push(ts.iter().copied().fold(f64::NEG_INFINITY, f64::max));
    });
    most.sort_by(|a, b| b.total_cmp(a));
    most[((error * SOME_DRAWS as f64) as usize).min(SOME_DRAWS - 1)]
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn length(series: &[f64]) -> f64 {
    dot(series, series).sqrt()
}

/// The cosine to the direction in which no label is swapped.
fn cosine_to_none(series: &[f64]) -> f64 {
    match length(series) {
        0.0 => 0.0,
        length => series.iter().sum::<f64>() / length / (series.len() as f64).sqrt(),
    }
}

fn each_swap(pairs: usize, series: &[&[f64]], mut with: impl FnMut(&[f64])) {
    let lengths: Vec<f64> = series.iter().map(|series| length(series)).collect();
    let unit = 1.0 / (pairs as f64).sqrt();
    let mut direction = vec![0.0; pairs];
    let mut cosines = vec![0.0; series.len()];
    for way in 0..1_u32 << pairs {
        for (pair, end) in direction.iter_mut().enumerate() {
            *end = if way >> pair & 1 == 1 { unit } else { -unit };
        }
        for ((cosine, series), length) in cosines.iter_mut().zip(series).zip(&lengths) {
            *cosine = if *length > 0.0 {
                dot(series, &direction) / length
            } else {
                0.0
            };
        }
        with(&cosines);
    }
}

impl Draws {
    /// Ways for this number of pairs, tested at this error.
    fn of(pairs: usize, error: f64) -> Self {
        let kind = if spread::are_pooled(pairs, error) {
            Kind::Pooled
        } else {
            Kind::Paired
        };
        Draws::drawn(kind, pairs, spread::freedom(pairs, error) as usize)
    }

    /// Draws for this number of runs. Their number decides the degrees of freedom.
    pub(super) fn of_runs(runs: usize, freedom: usize) -> Self {
        Draws::drawn(Kind::Runs, runs, freedom)
    }

    /// The draws, always the same ones.
    fn drawn(kind: Kind, pairs: usize, freedom: usize) -> Self {
        static DRAWN: [[OnceLock<Vec<f64>>; 3]; MOST_PAIRS + 1] =
            [const { [const { OnceLock::new() }; 3] }; MOST_PAIRS + 1];
        let numbers = DRAWN[pairs][kind as usize].get_or_init(|| {
            let mut random = Pcg64::seed_from_u64(pairs as u64);
            let numbers = 0..DRAWS * (freedom + 1) * pairs;
            numbers
                .map(|_| StandardNormal.sample(&mut random))
                .collect()
        });
        Draws {
            pairs,
            freedom,
            numbers,
        }
    }

    /// The first draws, up to this number.
    fn first(self, draws: usize) -> Self {
        let numbers = draws * (self.freedom + 1) * self.pairs;
        Draws {
            numbers: &self.numbers[..numbers],
            ..self
        }
    }

    fn each(&self, series: &[&[f64]], mut with: impl FnMut(&[f64])) {
        let unit = |series: &&[f64]| -> Vec<f64> {
            let length = length(series);
            let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
            series.iter().map(|ratio| scale * ratio).collect()
        };
        let units: Vec<Vec<f64>> = series.iter().map(unit).collect();
        let mut ts = vec![0.0; series.len()];
        for draw in self.numbers.chunks_exact((self.freedom + 1) * self.pairs) {
            let (of_mean, of_scatter) = draw.split_at(self.pairs);
            for (t, unit) in ts.iter_mut().zip(&units) {
                let rows = of_scatter.chunks_exact(self.pairs);
                let squares: f64 = rows.map(|row| dot(row, unit).powi(2)).sum();
                *t = if squares > 0.0 {
                    dot(of_mean, unit) / (squares / self.freedom as f64).sqrt()
                } else {
                    0.0
                };
            }
            with(&ts);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            spread::{Logs, Spread, Squares},
            swap_p,
        },
        *,
    };
    use crate::stats::critical::t_above;
    use proptest::prelude::*;
    use rstest::rstest;

    fn ways(pairs: usize) -> Ways {
        Ways::of(pairs, 0.01).unwrap()
    }

    /// A metric by its log ratios alone.
    fn series(ratios: Vec<f64>) -> Series {
        let squares = Squares::of(&Logs {
            sums: Vec::new(),
            ratios: ratios.clone(),
        });
        let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
        let t = Spread::of(squares, 0.01).t(mean);
        Series { ratios, t }
    }

    #[rstest]
    #[case::of_ratios(3, 2.0)]
    #[case::of_ratios_and_sums(5, 6.0)]
    fn one_series_has_students_t(#[case] pairs: usize, #[case] freedom: f64) {
        for t in [0.5, 1.5, 3.0] {
            let ratios: Vec<f64> = (0..pairs).map(|i| 0.1 + 0.02 * i as f64).collect();
            let exact = t_above(freedom, t);
            let found = ways(pairs).adjusted(&[Series { ratios, t: Some(t) }])[0];
            // Four standard errors of this number of draws.
            let scatter = 4.0 * (exact / DRAWS as f64).sqrt();
            assert!((found - exact).abs() < scatter, "{found}, not {exact}");
        }
    }

    #[test]
    fn the_same_series_twice_costs_nothing_and_another_something() {
        for pairs in [5_usize, 8] {
            let one = series((0..pairs).map(|i| 0.1 + 0.02 * i as f64).collect());
            let sign = |i: usize| if i.is_multiple_of(2) { 1.0 } else { -1.0 };
            let other = series((0..pairs).map(sign).collect());
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
        let flat = |pairs, ratio| series(vec![ratio; pairs]);
        assert_eq!(ways(8).adjusted(&[flat(8, 0.0), flat(8, 0.0)]), [1.0, 1.0]);
        assert!(ways(5).adjusted(&[flat(5, 0.0)])[0] >= 0.5);
        // The same by the same share, five times: as rare as it gets.
        assert_eq!(ways(5).adjusted(&[flat(5, 0.125)]), [1e-4]);
    }

    #[test]
    fn one_pair_can_be_put_one_way_only() {
        assert!(Ways::of(1, 0.01).is_none());
        assert!(critical(&[vec![0.1]], 1, 0.01).is_none());
    }

    /// R's `qt(0.99, c(2, 6, 9))`.
    #[rstest]
    #[case::of_ratios(3, 6.965)]
    #[case::of_ratios_and_sums(5, 3.143)]
    #[case::where_labels_are_swapped(10, 2.821)]
    fn the_critical_t_of_one_series_is_students(#[case] pairs: usize, #[case] t: f64) {
        let ratios = [(0..pairs).map(|i| 0.1 + 0.02 * i as f64).collect()];
        let critical = critical(&ratios, pairs, 0.01).unwrap();
        assert!((critical / t - 1.0).abs() < 0.15, "{critical}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// Never laxer than no correction, and the order of the series does not matter.
        #[test]
        fn a_series_among_others_is_less_of_a_surprise(
            all in prop::collection::vec(prop::collection::vec(-0.2..0.5f64, 8), 1..5),
        ) {
            let all: Vec<Series> = all.into_iter().map(series).collect();
            let joint = ways(8).adjusted(&all);
            for (series, joint) in all.iter().zip(&joint) {
                prop_assert!(swap_p(&series.ratios) <= joint + 1e-9);
            }
            let reversed: Vec<Series> = all.iter().rev().cloned().collect();
            let mut again = ways(8).adjusted(&reversed);
            again.reverse();
            prop_assert_eq!(joint, again);
        }
    }
}
