//! Benches that compare, in one run of several: they share the chance of a false alarm.
//!
//! As with Holm's steps, each has an equal share of the chance, and one that is found worse leaves its share to the
//! others. Benches end one after the other and their results are known at once, so only those that follow inherit;
//! with the order fixed beforehand this keeps to the chance for any dependence between benches (Bretz, Maurer,
//! Brannath and Posch 2009: a graph whose edges lead to later hypotheses). Something is found exactly where Holm
//! finds anything; which benches follow the first may differ.

use super::{Bench, parts::Demands};
use crate::stats::compare::Conclusion;

/// The part of the chance that is left for the benches that are still to run.
#[derive(Debug, Clone)]
pub(crate) struct Family {
    left: f64,
    benches: usize,
}

impl Family {
    /// A family of this number of benches that compare.
    pub(crate) fn of(benches: usize) -> Self {
        Family { left: 1.0, benches }
    }

    /// The next bench's part of its `false_alarms`.
    pub(crate) fn share(&self) -> f64 {
        self.left / self.benches.max(1) as f64
    }

    /// Takes the conclusion of the next bench; `None` if nothing was compared.
    pub(crate) fn ended(&mut self, conclusion: Option<Conclusion>) {
        let share = self.share();
        if !matches!(conclusion, None | Some(Conclusion::Worse)) {
            self.left -= share;
        }
        self.benches = self.benches.saturating_sub(1);
    }
}

impl Bench {
    /// This bench as one of several that share the chance of a false alarm. It has this part of the chance.
    pub(crate) fn sharing(mut self, share: f64) -> Self {
        self.demands.share = share;
        self
    }
}

impl Demands {
    /// How often the bench's comparison may call an unchanged server worse.
    pub(crate) fn error(&self) -> f64 {
        self.false_alarms * self.share
    }

    /// A note for the comparison, if the chance is shared.
    pub(crate) fn sharing_note(&self) -> Option<String> {
        let percent = |chance: f64| crate::judge::number(chance * 100.0);
        (self.share < 1.0).then(|| {
            format!(
                "several benches of this run compare and share its {} % of false alarms; this one \
                 has {} %",
                percent(self.false_alarms),
                percent(self.error()),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;

    /// How benches end that are worse or not, by their p-values.
    fn found(p: &[f64]) -> Vec<bool> {
        let mut family = Family::of(p.len());
        let test = |p: &f64| {
            let worse = *p <= 0.05 * family.share();
            family.ended(Some(if worse {
                Conclusion::Worse
            } else {
                Conclusion::Inconclusive
            }));
            worse
        };
        p.iter().map(test).collect()
    }

    proptest! {
        /// Something is found exactly where Bonferroni, and with it Holm, finds anything.
        #[test]
        fn nothing_is_found_where_holm_finds_nothing(p in prop::collection::vec(0.0..0.1_f64, 1..8)) {
            let ours = found(&p);
            let bonferroni = p.iter().any(|one| *one <= 0.05 / p.len() as f64);
            prop_assert_eq!(ours.contains(&true), bonferroni);
        }
    }

    #[test]
    fn a_regression_leaves_its_share_to_those_after_it() {
        assert_eq!(found(&[0.02, 0.02, 0.02]), [false; 3]);
        assert_eq!(found(&[0.01, 0.02, 0.03]), [true; 3]);
        assert_eq!(found(&[0.02, 0.01, 0.03]), [false, true, true]);
    }

    #[test]
    fn what_is_not_compared_costs_nothing() {
        let mut family = Family::of(2);
        family.ended(None);
        assert_eq!(family.share(), 1.0);
    }

    /// How often any of six benches is called worse, if two others of the eight are worse.
    #[test]
    fn false_alarms_of_the_whole_family_keep_to_the_chance() {
        let mut draw = Pcg64Mcg::seed_from_u64(7);
        let runs = 20_000;
        let alarms = (0..runs).filter(|_| {
            let p: Vec<f64> = (0..8)
                .map(|bench| {
                    if bench % 4 == 0 {
                        1e-9
                    } else {
                        draw.random::<f64>()
                    }
                })
                .collect();
            let found = found(&p);
            (0..8).any(|bench| bench % 4 != 0 && found[bench])
        });
        let share = alarms.count() as f64 / f64::from(runs);
        assert!((0.03..0.055).contains(&share), "{share}");
    }
}
