//! How all values of a run depend on each other, by their ranks.
//!
//! The ranks are put on the scale of an exponential distribution (Savage 1956), which waits in a queue have: how
//! close a value comes to the top counts, not whether it crosses one level. So a run shows how its high values
//! cluster before it has many of them, and a value without a bound (a failure) does no harm.

use super::{EffectiveSize, LongRun, Pace, Sample, calm, drift::Drift};

/// How the server's speed drifts. `None` if the values are not calm.
pub(super) fn drift(sample: Sample<'_>) -> Option<Drift> {
    if !calm::is_calm(sample.sorted) {
        return None;
    }
    let with_values = sample
        .of_requests
        .iter()
        .filter(|values| !values.is_empty());
    let means: Vec<f64> = with_values
        .map(|values| values.iter().sum::<f64>() / values.len() as f64)
        .collect();
    Drift::of(&means)
}

/// The effective number of independent values. `None` if there are too few requests to estimate it.
pub(super) fn effective_size(sample: Sample<'_>, pace: Pace<'_>) -> Option<EffectiveSize> {
    let Sample {
        of_requests,
        sorted,
    } = sample;
    let count = sorted.len() as f64;
    // Equal values share a score. A list of all scores would take as much memory as the values.
    let score = |from: usize, to: usize| -libm::log1p(-0.5 * (from + to) as f64 / count);
    let scores = || {
        let mut to = 0;
        sorted.chunk_by(|one, next| one == next).map(move |equal| {
            let from = to;
            to += equal.len();
            (score(from, to), equal.len() as f64)
        })
    };
    let mean = scores().map(|(score, times)| score * times).sum::<f64>() / count;
    let squares: f64 = scores()
        .map(|(score, times)| (score - mean) * (score - mean) * times)
        .sum();
    let from_mean = |value: &f64| {
        let from = sorted.partition_point(|other| other < value);
        let to = sorted.partition_point(|other| other <= value);
        score(from, to) - mean
    };
    let each = of_requests.count() as f64 / count;
    let influence: Vec<f64> = of_requests
        .iter()
        .map(|values| values.iter().map(from_mean).sum::<f64>() * each)
        .collect();
    let long_run = LongRun::of_steps(&influence, pace)?;
    Some(EffectiveSize::new(count, squares / count, long_run))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Groups;

    fn worth_of(values: &[f64]) -> f64 {
        let of_requests = Groups::of_one(values.to_vec());
        let sample = Sample {
            of_requests: &of_requests,
            sorted: &of_requests.sorted(),
        };
        effective_size(sample, Pace::Free).unwrap().at(0.025)
    }

    #[test]
    fn only_ranks_count() {
        let values: Vec<f64> = (0..400).map(|i| f64::from(i * 37 % 101)).collect();
        let stretched: Vec<f64> = values.iter().map(|value| value.exp()).collect();
        assert_eq!(worth_of(&values), worth_of(&stretched));
        let failed: Vec<f64> = values
            .iter()
            .map(|value| if *value > 99.0 { f64::INFINITY } else { *value })
            .collect();
        assert_eq!(worth_of(&values), worth_of(&failed));
    }

    #[test]
    fn neighbours_that_are_alike_are_worth_less() {
        let mixed: Vec<f64> = (0..400).map(|i| f64::from(i * 37 % 101)).collect();
        let wandering: Vec<f64> = (0..400).map(|i| f64::from(i % 200)).collect();
        assert!(worth_of(&mixed) > 300.0, "{}", worth_of(&mixed));
        assert!(worth_of(&wandering) < 30.0, "{}", worth_of(&wandering));
    }
}
