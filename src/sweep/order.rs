//! The order of a sweep's cases, shuffled so that a server that slowly changes is not taken for an effect of a setting.

use rand::{SeedableRng, seq::SliceRandom};
use rand_pcg::Pcg64;

/// The places of `count` cases in random order; a seed always gives the same order.
pub(crate) fn shuffled(count: usize, seed: u64) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).collect();
    places.shuffle(&mut Pcg64::seed_from_u64(seed));
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_an_order() {
        let order = shuffled(20, 1);
        assert_eq!(order, shuffled(20, 1));
        assert_ne!(order, shuffled(20, 2));
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_ne!(order, sorted);
        assert_eq!(sorted, (0..20).collect::<Vec<_>>());
    }
}
