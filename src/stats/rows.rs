//! Failures that come in rows: how long a row is, estimated from the rows that a run met.
//!
//! A row is a sequence of neighbours that all failed. The model of its length is geometric. The mean length is
//! unknown: each one counts by how likely it makes the rows seen. Before that, failures come [alone](ALONE) half of
//! the time, and else in rows of a mean length up to 32, even on the logarithmic scale. A run that met one failure
//! has met one row, which does not show how long the next one will be.

use super::{critical, halving::halved};

/// How likely it is beforehand that failures come alone.
const ALONE: f64 = 0.5;
/// Mean lengths of rows that are considered: the powers of a fourth root of two, up to 32.
const LENGTHS: usize = 20;
const STEP: f64 = 0.25;

/// The rows of a series of indicators (1 or 0), of which some are 0 and some are 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rows {
    requests: f64,
    events: f64,
    rows: f64,
}

impl Rows {
    pub(super) fn of(indicators: &[f64]) -> Option<Self> {
        let events: f64 = indicators.iter().sum();
        let starts = |place: &usize| {
            indicators[*place] > 0.0 && (*place == 0 || indicators[*place - 1] <= 0.0)
        };
        let rows = (0..indicators.len()).filter(starts).count() as f64;
        let requests = indicators.len() as f64;
        (events > 0.0 && events < requests).then_some(Rows {
            requests,
            events,
            rows,
        })
    }

    /// The share that events exceed with this probability, after `times` as many requests that look like these.
    pub(super) fn exceeded(&self, probability: f64, times: f64) -> f64 {
        // By chance neighbours both fail, too.
        let alone = 1.0 / (1.0 - self.events / self.requests);
        let lengths = (1..=LENGTHS).map(|step| {
            (
                libm::exp2(STEP * step as f64),
                (1.0 - ALONE) / LENGTHS as f64,
            )
        });
        // Mean lengths with the logarithm of how likely they are.
        let mut parts: Vec<(f64, f64)> = std::iter::once((alone, ALONE))
            .chain(lengths)
            .map(|(length, before)| {
                let again = 1.0 - 1.0 / length;
                let likely = self.rows * libm::log(1.0 - again)
                    + (self.events - self.rows) * libm::log(again);
                (length, libm::log(before) + times * likely)
            })
            .collect();
        let best = parts
            .iter()
            .fold(f64::NEG_INFINITY, |best, part| best.max(part.1));
        parts
            .iter_mut()
            .for_each(|part| part.1 = libm::exp(part.1 - best));
        let total: f64 = parts.iter().map(|(_, weight)| weight).sum();
        let above = |share: f64| {
            let of = |(length, weight): &(f64, f64)| {
                let chances = (self.requests / length).max(self.rows + 0.5);
                let (met, not) = (times * self.rows, times * (chances - self.rows));
                weight * (1.0 - critical::beta_at_most(met + 0.5, not + 0.5, share))
            };
            parts.iter().map(of).sum::<f64>() / total
        };
        let (low, high) = halved((0.0, 1.0), 40, |share| above(share) > probability);
        0.5 * (low + high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// Fifty failures: alone, and in rows of five.
    fn failures(row: usize) -> Vec<f64> {
        let failed = |place: usize| place / row % 20 == 7;
        (0..1_000)
            .map(|place| f64::from(u8::from(failed(place))))
            .collect()
    }

    #[test]
    fn failures_in_rows_tell_less() {
        let high = |row| Rows::of(&failures(row)).unwrap().exceeded(0.025, 1.0);
        assert!((0.06..0.08).contains(&high(1)), "{}", high(1));
        assert!((0.09..0.14).contains(&high(5)), "{}", high(5));
    }

    #[rstest]
    #[case::none(&[0.0; 9])]
    #[case::all(&[1.0; 9])]
    fn without_both_kinds_there_are_no_rows(#[case] indicators: &[f64]) {
        assert_eq!(Rows::of(indicators), None);
    }

    #[test]
    fn one_failure_may_be_the_first_of_a_row() {
        let mut failed = vec![0.0; 200];
        failed[40] = 1.0;
        let high = Rows::of(&failed).unwrap().exceeded(0.025, 1.0);
        // Alone it would leave 2.3 %.
        assert!((0.03..0.08).contains(&high), "{high}");
    }
}
