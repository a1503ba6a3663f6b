//! The faults that hold for a request or a connection.

use super::server::SimServer;
use crate::clock::Nanos;
use goodput_grammar::fault::{Fault, Kind, When};
use std::{sync::atomic::Ordering, time::Duration};
use xxhash_rust::xxh3::xxh3_64_with_seed;

impl SimServer {
    /// The faults of the request with this number, in the order in which they were written.
    pub(super) fn faults(&self, ordinal: u64, arrival: Nanos) -> Vec<Kind> {
        self.holding(ordinal, arrival)
            .filter(|kind| **kind != Kind::Refuse)
            .cloned()
            .collect()
    }

    /// Counts a connection, and says whether it must be closed before it is used.
    pub(super) fn refuses(&self, at: Nanos) -> bool {
        let ordinal = self.connections.fetch_add(1, Ordering::Relaxed);
        self.holding(ordinal, at).any(|kind| *kind == Kind::Refuse)
    }

    fn holding(&self, ordinal: u64, at: Nanos) -> impl Iterator<Item = &Kind> {
        let seed = self.script.seed;
        let faults = self.script.faults.iter().zip(0_u64..);
        faults
            .filter(move |(fault, index)| holds(fault, *index, seed, ordinal, at))
            .map(|(fault, _)| &fault.kind)
    }
}

/// Returns whether the `index`th fault holds for the request with this number, which arrived at `at`.
fn holds(fault: &Fault, index: u64, seed: u64, ordinal: u64, at: Nanos) -> bool {
    match fault.when {
        When::Always => true,
        When::Percent(percent) => draw(index, seed, ordinal) * 100.0 < percent,
        When::Requests { from, until } => (from..until).contains(&ordinal),
        When::Window { from, until } => (from..until).contains(&Duration::from_nanos(at.0)),
    }
}

/// A number in [0, 1) that depends on these three alone: requests may come in any order, and a fault that is added
/// behind others leaves their draws alone.
fn draw(index: u64, seed: u64, ordinal: u64) -> f64 {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&ordinal.to_le_bytes());
    bytes[8..].copy_from_slice(&index.to_le_bytes());
    // The 53 bits that a number below 1 can hold.
    (xxh3_64_with_seed(&bytes, seed) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use goodput_grammar::{fault, sim::Script};
    use rstest::rstest;

    fn server(faults: &str, seed: u64) -> SimServer {
        SimServer::new(Script {
            faults: fault::parse(faults).unwrap(),
            seed,
            ..Script::default()
        })
    }

    fn hit(faults: &str, seed: u64, requests: u64) -> Vec<u64> {
        let server = server(faults, seed);
        (0..requests)
            .filter(|&ordinal| {
                !server
                    .faults(ordinal, Nanos(ordinal * 1_000_000))
                    .is_empty()
            })
            .collect()
    }

    #[rstest]
    #[case::always("crlf", &[0, 1, 2, 3, 4, 5, 6, 7])]
    #[case::one("crlf@req:3", &[3])]
    #[case::some("crlf@req:3..6", &[3, 4, 5])]
    #[case::window("crlf@t:2ms..4ms", &[2, 3])]
    #[case::all_by_chance("crlf@100%", &[0, 1, 2, 3, 4, 5, 6, 7])]
    #[case::refusals_are_of_connections("refuse", &[])]
    fn hits(#[case] faults: &str, #[case] expected: &[u64]) {
        assert_eq!(hit(faults, 0, 8), expected);
    }

    #[test]
    fn shares_are_kept_and_seeds_matter() {
        // 20,000 draws put a share of 5 % within 4 standard errors, which is 0.6 points.
        let drawn = hit("crlf@5%", 1, 20_000);
        assert!((880..=1_120).contains(&drawn.len()), "{}", drawn.len());
        assert_eq!(drawn, hit("crlf@5%", 1, 20_000));
        assert_ne!(drawn, hit("crlf@5%", 2, 20_000));
    }

    #[test]
    fn faults_are_drawn_apart() {
        let server = server("crlf@50%, no_done@50%", 0);
        let both = (0..20_000)
            .filter(|&ordinal| server.faults(ordinal, Nanos(0)).len() == 2)
            .count();
        assert!((4_750..=5_250).contains(&both), "{both}");
    }

    #[test]
    fn refusals_count_connections() {
        let server = server("refuse@req:1..3", 0);
        let refused: Vec<_> = (0..4).map(|_| server.refuses(Nanos(0))).collect();
        assert_eq!(refused, [false, true, true, false]);
    }
}
