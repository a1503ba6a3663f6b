//! Several metrics of a new run and of stored runs, tested together.
//!
//! As with pairs, all metrics of a run share its luck, and Bonferroni's share for each is far too little. If nothing
//! has changed, the new run is one of them all, so how metrics are correlated is seen from how all runs differ from
//! their mean.

use super::{
    Comparison, Conclusion, MOST_PAIRS, Rule, Worse, concluded,
    joint::{self, Draws, Series, Ways},
};
use crate::stats::critical;

/// Metrics of the same runs.
#[derive(Debug)]
pub struct OfRuns {
    /// For each metric, the logarithms of all runs less their mean, positive for what is worse.
    deviations: Vec<Vec<f64>>,
    freedom: usize,
}

impl OfRuns {
    /// Takes the values of all runs, the new one included. `freedom` is that of the tests. `None` if the metrics have
    /// different numbers of runs, or too many, or one metric is not above 0.
    pub fn of(metrics: &[(Vec<f64>, Worse)], freedom: f64) -> Option<Self> {
        let runs = metrics.first()?.0.len();
        let alike = metrics.iter().all(|(values, _)| values.len() == runs);
        let mut values = metrics.iter().flat_map(|(values, _)| values);
        let positive = values.all(|value| *value > 0.0 && value.is_finite());
        (alike && positive && (2..=MOST_PAIRS).contains(&runs)).then(|| OfRuns {
            deviations: metrics.iter().map(deviations).collect(),
            freedom: freedom as usize,
        })
    }

    fn draws(&self) -> Draws {
        let runs = self.deviations.first().map_or(0, Vec::len);
        Draws::of_runs(runs, self.freedom)
    }

    /// The number of unrelated metrics that these are equivalent to, by Bonferroni's bound.
    pub fn effective_count(&self, error: f64) -> f64 {
        let t = joint::exceeded(self.draws(), &self.deviations, error);
        (error / critical::t_above(self.freedom as f64, t)).clamp(1.0, self.deviations.len() as f64)
    }

    /// Says what each metric's comparison means. All of them together keep to the rule's error.
    pub fn conclude(&self, comparisons: &[(Comparison, Worse)], rule: &Rule) -> Vec<Conclusion> {
        let ways = Ways::Draws(self.draws());
        let adjusted = |sign: f64, own: fn(&Comparison) -> f64| {
            let both = self.deviations.iter().zip(comparisons);
            let series: Vec<Series> = both
                .map(|(deviations, (comparison, _))| Series {
                    ratios: deviations.iter().map(|one| sign * one).collect(),
                    t: Some(self.t(own(comparison))),
                })
                .collect();
            ways.adjusted(&series)
        };
        let p_values = adjusted(1.0, |c| c.p_worse)
            .into_iter()
            .zip(adjusted(-1.0, |c| c.p_better));
        comparisons
            .iter()
            .zip(p_values)
            .map(|((comparison, worse), (p_worse, p_better))| {
                let p = (
                    p_worse.max(comparison.p_worse),
                    p_better.max(comparison.p_better),
                );
                concluded(comparison, *worse, p, rule)
            })
            .collect()
    }

    /// The t that is exceeded with this probability.
    fn t(&self, p: f64) -> f64 {
        let freedom = self.freedom as f64;
        match p {
            p if p <= 0.0 => f64::INFINITY,
            p if p >= 1.0 => f64::NEG_INFINITY,
            p if p <= 0.5 => critical::t(freedom, p),
            p => -critical::t(freedom, 1.0 - p),
        }
    }
}

fn deviations((values, worse): &(Vec<f64>, Worse)) -> Vec<f64> {
    let logs: Vec<f64> = values.iter().map(|value| libm::log(*value)).collect();
    let mean = logs.iter().sum::<f64>() / logs.len() as f64;
    logs.iter().map(|log| worse.sign() * (log - mean)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(metrics: &[Vec<f64>]) -> OfRuns {
        let metrics: Vec<_> = metrics.iter().map(|m| (m.clone(), Worse::Higher)).collect();
        OfRuns::of(&metrics, 6.0).unwrap()
    }

    const LUCK: [f64; 6] = [100.0, 104.0, 97.0, 101.0, 95.0, 118.0];

    #[test]
    fn metrics_that_move_together_are_worth_one_and_others_more() {
        let same = of(&[LUCK.to_vec(), LUCK.to_vec(), LUCK.map(|x| 2.0 * x).to_vec()]);
        assert!(
            (0.75..1.25).contains(&same.effective_count(0.01)),
            "{}",
            same.effective_count(0.01)
        );
        let other = vec![100.0, 90.0, 105.0, 102.0, 99.0, 101.0];
        let third = vec![99.0, 101.0, 107.0, 93.0, 100.0, 101.0];
        let three = of(&[LUCK.to_vec(), other, third]).effective_count(0.01);
        assert!((1.8..=3.0).contains(&three), "{three}");
    }

    #[test]
    fn as_many_runs_of_each_and_not_too_many() {
        let metric = |runs: usize| (vec![1.0; runs], Worse::Higher);
        assert!(OfRuns::of(&[], 6.0).is_none());
        assert!(OfRuns::of(&[metric(6), metric(5)], 6.0).is_none());
        assert!(OfRuns::of(&[metric(MOST_PAIRS + 1)], 6.0).is_none());
        assert!(OfRuns::of(&[metric(6), metric(6)], 6.0).is_some());
    }
}
