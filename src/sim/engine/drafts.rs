//! Speculative decoding: how many drafts are accepted.

use super::JobId;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The number of `drafts` drafted tokens that are accepted before the first that is not, each with probability
/// `acceptance`. It depends on the seed, the job and how many tokens the job has, but not on other jobs, so that a
/// preemption or another neighbour does not change an answer's luck.
pub(super) fn accepted(seed: u64, job: JobId, generated: u64, drafts: u64, acceptance: f64) -> u64 {
    if drafts == 0 {
        return 0;
    }
    let place = [job.0.to_le_bytes(), generated.to_le_bytes()].concat();
    let mut rng = Pcg64Mcg::seed_from_u64(xxh3_64_with_seed(&place, seed));
    (0..drafts)
        .take_while(|_| rng.random::<f64>() < acceptance)
        .count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// The mean of `min(G, k)` for a geometric G is `a + a² + … + aᵏ`; its deviation is below
    /// `k / 2`, so that 40,000 draws put the mean within 4 · k / 2 / 200 of that.
    #[rstest]
    #[case(0.0, 3)]
    #[case(0.7, 3)]
    #[case(0.9, 5)]
    #[case(1.0, 4)]
    fn as_many_as_the_geometric_series_says(#[case] acceptance: f64, #[case] drafts: u64) {
        let draws = 40_000;
        let total: u64 = (0..draws)
            .map(|job| accepted(1, JobId(job), 7, drafts, acceptance))
            .sum();
        let mean = total as f64 / draws as f64;
        let expected: f64 = (1..=drafts as i32)
            .map(|power| acceptance.powi(power))
            .sum();
        assert!(
            (mean - expected).abs() <= 0.01 * drafts as f64,
            "{mean} for {expected}"
        );
    }

    #[test]
    fn jobs_places_and_seeds_draw_differently() {
        let draws = |seed, job, at| -> Vec<u64> {
            (0..64_u64)
                .map(|step| accepted(seed, JobId(job), at + step, 4, 0.7))
                .collect()
        };
        assert_eq!(draws(1, 1, 1), draws(1, 1, 1));
        assert_ne!(draws(1, 1, 1), draws(2, 1, 1));
        assert_ne!(draws(1, 1, 1), draws(1, 2, 1));
        assert_ne!(draws(1, 1, 1), draws(1, 1, 100));
    }
}
