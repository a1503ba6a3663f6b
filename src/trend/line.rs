//! One number of a bench over its runs.

use super::bench::Bench;
use crate::{judge::Unit, stats::shift::Search};
use serde::Serialize;

/// Numbers that a line shows without an SLO on them, in this order after those with one.
const USUAL: [&str; 6] = [
    "throughput(output)",
    "p50(ttft)",
    "p99(ttft)",
    "p50(itl)",
    "p99(itl)",
    "goodput",
];

/// Changes below this share of the level before are not shown: they may be certain and do not matter.
const SMALLEST: f64 = 0.01;

/// Differences of exact numbers below this share are rounding.
const ROUNDING: f64 = 1e-9;

/// A number over the runs of a bench.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Line {
    /// The number, as SLOs name it.
    pub(super) name: String,
    pub(super) unit: Unit,
    /// Whether a better server has a larger value.
    pub(super) bigger_is_better: bool,
    /// The limit of the latest run.
    pub(super) limit: Option<f64>,
    /// A value for each run that has the number.
    pub(super) values: Vec<Option<f64>>,
    pub(super) shifts: Vec<Shift>,
}

/// A place from which on a number is larger or smaller.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Shift {
    /// The first run with the new level.
    pub(super) run: usize,
    /// The last run before that has the number.
    pub(super) after_run: usize,
    /// The median of the runs since the shift before.
    pub(super) before: f64,
    /// The median of the runs up to the next shift.
    pub(super) after: f64,
    /// The change as a share of the level before; `None` from a level of 0.
    pub(super) change: Option<f64>,
    /// Whether the number got worse.
    pub(super) worse: bool,
}

impl Line {
    pub(super) fn latest(&self) -> Option<f64> {
        self.values.iter().rev().find_map(|value| *value)
    }
}

/// The lines of a bench: numbers with an SLO first.
pub(super) fn lines(bench: &Bench, search: &mut Search) -> Vec<Line> {
    let Some(latest) = bench.runs.last() else {
        return Vec::new();
    };
    let place = |name: &str| USUAL.iter().position(|usual| *usual == name);
    let mut shown: Vec<_> = latest
        .numbers
        .iter()
        .filter(|number| number.limit.is_some() || place(&number.name).is_some())
        .collect();
    shown.sort_by_key(|number| (number.limit.is_none(), place(&number.name).unwrap_or(0)));
    let line = |number: &crate::history::PastNumber| {
        let value = |run: &super::bench::Run| {
            let same = run.numbers.iter().find(|other| other.name == number.name);
            same.map(|number| number.value)
                .filter(|value| value.is_finite())
        };
        let values: Vec<Option<f64>> = bench.runs.iter().map(value).collect();
        Line {
            name: number.name.clone(),
            unit: number.unit,
            bigger_is_better: number.bigger_is_better,
            limit: number.limit,
            shifts: shifts(&values, bench.exact, number.bigger_is_better, search),
            values,
        }
    };
    shown.into_iter().map(line).collect()
}

fn shifts(
    values: &[Option<f64>],
    exact: bool,
    bigger_is_better: bool,
    search: &mut Search,
) -> Vec<Shift> {
    let known: Vec<(usize, f64)> = values
        .iter()
        .enumerate()
        .filter_map(|(run, value)| Some((run, (*value)?)))
        .collect();
    let series: Vec<f64> = known.iter().map(|(_, value)| *value).collect();
    let found = if exact {
        steps(&series)
    } else {
        let found = search.shifts(&series);
        found.iter().map(|s| (s.at, s.before, s.after)).collect()
    };
    let shift = |(at, before, after): (usize, f64, f64)| {
        let change = (before != 0.0).then(|| after / before - 1.0);
        let small = change.is_some_and(|change: f64| change.abs() < SMALLEST);
        (!small).then(|| Shift {
            run: known[at].0,
            after_run: known[at - 1].0,
            before,
            after,
            change,
            worse: (after < before) == bigger_is_better,
        })
    };
    found.into_iter().filter_map(shift).collect()
}

/// The places where exact numbers differ from the run before.
fn steps(series: &[f64]) -> Vec<(usize, f64, f64)> {
    let pairs = series.windows(2).enumerate();
    let differ = |a: f64, b: f64| (a - b).abs() > ROUNDING * a.abs().max(b.abs());
    pairs
        .filter(|(_, pair)| differ(pair[0], pair[1]))
        .map(|(at, pair)| (at + 1, pair[0], pair[1]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn of(values: &[Option<f64>], exact: bool) -> Vec<(usize, usize, bool)> {
        let mut search = Search::new(0.01);
        let found = shifts(values, exact, false, &mut search);
        found
            .iter()
            .map(|s| (s.run, s.after_run, s.worse))
            .collect()
    }

    #[rstest]
    #[case::larger(2.0, &[(2, 1, true)])]
    #[case::smaller(0.5, &[(2, 1, false)])]
    #[case::hardly(1.005, &[])]
    #[case::rounding(1.0 + 1e-12, &[])]
    fn exact_numbers_change_from_run_to_run(
        #[case] now: f64,
        #[case] expected: &[(usize, usize, bool)],
    ) {
        assert_eq!(of(&[Some(1.0), Some(1.0), Some(now)], true), expected);
    }

    #[test]
    fn a_run_without_the_number_is_passed_over() {
        let wobble = |run: usize| [0.0, 0.4, 0.1, 0.5, 0.2][run % 5];
        let level = |run: usize| if run < 14 { 50.0 } else { 60.0 };
        let values: Vec<Option<f64>> = (0..28)
            .map(|run| (run != 13).then(|| level(run) + wobble(run)))
            .collect();
        assert_eq!(of(&values, false), [(14, 12, true)]);
    }
}
