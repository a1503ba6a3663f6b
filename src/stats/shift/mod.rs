//! Shifts: the places in a bench's history from which on a number is larger or smaller.
//!
//! A series of a few dozen runs is cut where its end differs most from what is before: by the largest t of a t test over
//! all places, values far from the others drawn in. If that is nothing, a part in the middle is looked for in the same
//! way, because two shifts in opposite directions hide each other. Whether a cut is more than chance shows a model of the same length without a shift, whose runs
//! depend on the runs before them as strongly as those of the series do (`Chance`): neighbouring runs of a machine are
//! alike, and a test that takes them as independent calls that a shift. All pieces are then searched in the same way.
//! `docs/trend.md` has the sources and how often this is wrong.
//!
//! ```
//! use goodput::stats::shift::Search;
//!
//! let mut search = Search::new(0.01);
//! let quiet = [50.1, 49.8, 50.3, 50.0, 49.9, 50.2, 50.1, 49.7, 50.0, 50.2];
//! assert_eq!(search.shifts(&quiet), []);
//!
//! let slower: Vec<f64> = quiet.iter().copied().chain(quiet.map(|ms| ms + 5.0)).collect();
//! let found = search.shifts(&slower);
//! assert_eq!((found.len(), found[0].at), (1, 10));
//! assert_eq!((found[0].before, found[0].after), (50.05, 55.05));
//! ```

mod chance;
mod split;

use chance::Chance;
pub use split::LEAST;
use split::{Splits, median};
use std::{collections::BTreeMap, ops::Range};

/// The share of the error that ends of a series have; parts in its middle have the rest.
const OF_ENDS: f64 = 0.75;

/// A shift of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// The first run with the new level, counted from 0.
    pub at: usize,
    /// The median since the shift before.
    pub before: f64,
    /// The median up to the next shift.
    pub after: f64,
}

impl Shift {
    /// The change as a share of the level before; infinite from a level of 0.
    pub fn change(&self) -> f64 {
        self.after / self.before - 1.0
    }
}

/// A search for shifts, which keeps what it has drawn for each length.
#[derive(Debug)]
pub struct Search {
    error: f64,
    chances: BTreeMap<usize, Chance>,
}

impl Search {
    /// A search that finds a shift in this share of the series without one, such as 0.01.
    pub fn new(error: f64) -> Self {
        Search {
            error,
            chances: BTreeMap::new(),
        }
    }

    /// The shifts of a series of finite values, in their order. A series of fewer than six has none.
    pub fn shifts(&mut self, values: &[f64]) -> Vec<Shift> {
        let mut ends = Vec::new();
        self.cut(values, 0..values.len(), &mut ends);
        ends.push(values.len());
        ends.sort_unstable();
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let levels: Vec<(usize, f64)> = starts
            .zip(&ends)
            .map(|(start, end)| (start, median(&values[start..*end])))
            .collect();
        let shift = |pair: &[(usize, f64)]| Shift {
            at: pair[1].0,
            before: pair[0].1,
            after: pair[1].1,
        };
        levels.windows(2).map(shift).collect()
    }

    /// Adds the places of shifts in a part of the series.
    fn cut(&mut self, values: &[f64], part: Range<usize>, places: &mut Vec<usize>) {
        let Some(splits) = Splits::of(&values[part.clone()]) else {
            return;
        };
        let chance = self.chances.entry(part.len());
        let chance = chance.or_insert_with(|| Chance::of(part.len()));
        let found = if chance.of_end(&splits.end) <= OF_ENDS * self.error {
            Some(splits.end)
        } else {
            let rest = (1.0 - OF_ENDS) * self.error;
            let middle = splits.middle;
            middle.filter(|split| chance.of_middle(split) <= rest)
        };
        let Some(split) = found else { return };
        let (start, end) = (part.start + split.start, part.start + split.end);
        places.push(start);
        if end < part.end {
            places.push(end);
        }
        for piece in [part.start..start, start..end, end..part.end] {
            self.cut(values, piece, places);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// Levels with a wobble of 1 that repeats every seven runs.
    fn series(levels: &[(usize, f64)]) -> Vec<f64> {
        const WOBBLE: [f64; 7] = [0.3, -1.0, 0.6, -0.2, 1.0, -0.7, 0.1];
        let levels = levels
            .iter()
            .flat_map(|(runs, level)| std::iter::repeat_n(*level, *runs));
        levels
            .enumerate()
            .map(|(run, level)| level + WOBBLE[run % 7])
            .collect()
    }

    #[rstest]
    #[case::none(&[(40, 100.0)], &[])]
    #[case::one(&[(12, 100.0), (12, 110.0)], &[12])]
    #[case::at_the_end(&[(27, 100.0), (3, 120.0)], &[27])]
    #[case::up_and_down(&[(15, 100.0), (10, 112.0), (15, 100.0)], &[15, 25])]
    #[case::stairs(&[(15, 100.0), (15, 110.0), (15, 120.0)], &[15, 30])]
    #[case::too_short(&[(2, 100.0), (3, 110.0)], &[])]
    fn shifts_are_found_where_they_are(#[case] levels: &[(usize, f64)], #[case] places: &[usize]) {
        let found = Search::new(0.01).shifts(&series(levels));
        let at: Vec<usize> = found.iter().map(|shift| shift.at).collect();
        assert_eq!(at, places, "{found:?}");
    }

    #[test]
    fn a_shift_has_the_levels_on_both_sides() {
        let found = Search::new(0.01).shifts(&series(&[(14, 100.0), (14, 125.0)]));
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].before, found[0].after), (100.1, 125.1));
        assert!((found[0].change() - 0.2498).abs() < 1e-3);
    }

    /// One run of a busy machine is not a shift, however far out it is.
    #[test]
    fn an_outlier_is_not_a_shift() {
        let mut values = series(&[(20, 100.0)]);
        values[12] = 1e6;
        assert_eq!(Search::new(0.01).shifts(&values), []);
    }

    #[rstest]
    #[case::up(1.0)]
    #[case::down(-1.0)]
    fn a_slow_wave_is_not_a_shift(#[case] sign: f64) {
        let wave = (0..24).map(|run| 100.0 + sign * libm::sin(f64::from(run) / 3.0));
        assert_eq!(Search::new(0.01).shifts(&wave.collect::<Vec<_>>()), []);
    }

    #[test]
    fn equal_values_have_no_shift_and_exact_ones_have_theirs() {
        assert_eq!(Search::new(0.01).shifts(&[7.0; 30]), []);
        let exact = [[7.0; 8], [9.0; 8]].concat();
        assert_eq!(Search::new(0.01).shifts(&exact)[0].at, 8);
    }
}
