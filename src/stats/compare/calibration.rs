//! How often the rule cries wolf, and how often it sees the wolf.
//!
//! The noise: each run of a server is slower or faster as a whole by a lognormal factor (its CV is the
//! run-to-run noise), and a queue adds what differs from request to request. Both runs of a pair have
//! the same arrivals and prompts.

use super::{Conclusion, Rule, Worse, compare, conclude};
use crate::stats::{Looks, queue::Queue};
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;

/// Requests a second that one client after the other would get: the inverse of the mean latency.
fn speed(slowness: f64, seed: u64) -> f64 {
    let queue = Queue {
        slowness,
        ..Queue::steady(0.3)
    };
    let ttfts = queue.ttfts(50, seed);
    ttfts.len() as f64 / ttfts.iter().sum::<f64>()
}

/// Pairs of runs of a server and of one whose speed dropped by a share.
fn pairs(count: usize, drop: f64, cv: f64, seed: u64) -> Vec<(f64, f64)> {
    let mut random = Pcg64::seed_from_u64(seed);
    let sigma = (1.0 + cv * cv).ln().sqrt();
    let mut luck = || {
        let z: f64 = StandardNormal.sample(&mut random);
        (sigma * z).exp()
    };
    (0..count as u64)
        .map(|pair| {
            let plan = seed.wrapping_mul(1_000).wrapping_add(pair);
            (speed(luck(), plan), speed(luck() / (1.0 - drop), plan))
        })
        .collect()
}

fn concluded(pairs: &[(f64, f64)], rule: &Rule) -> Conclusion {
    let comparison = compare(pairs, Worse::Lower, rule).unwrap();
    conclude(&[(comparison, Worse::Lower)], rule)[0]
}

/// How many of a hundred experiments end in this conclusion.
fn percent(conclusion: Conclusion, experiments: u64, of: impl Fn(u64) -> Conclusion) -> f64 {
    let hits = (0..experiments).filter(|seed| of(*seed) == conclusion);
    hits.count() as f64 * 100.0 / experiments as f64
}

/// 600 experiments each: 1 % and 90 % with room for twice the scatter of so many (0.4 and 1.2
/// points).
#[test]
fn five_pairs_do_not_cry_wolf_and_see_a_drop_of_15_percent() {
    let rule = Rule::default();
    let worse = |drop| {
        percent(Conclusion::Worse, 600, |seed| {
            concluded(&pairs(5, drop, 0.04, seed), &rule)
        })
    };
    let (alarms, seen) = (worse(0.0), worse(0.15));
    assert!(alarms <= 1.8, "{alarms} % false alarms");
    assert!(seen >= 87.6, "{seen} % seen");
}

/// Looking after five pairs and again after ten, with the error shared between the looks.
fn with_early_stop(drop: f64, seed: u64) -> Conclusion {
    let looks = Looks::at(vec![5, 10], Rule::default().error);
    let all = pairs(10, drop, 0.04, seed);
    let at = |look: usize| {
        let rule = Rule {
            error: looks.error(look),
            ..Rule::default()
        };
        concluded(&all[..looks.segments()[look]], &rule)
    };
    match at(0) {
        Conclusion::Inconclusive => at(1),
        decided => decided,
    }
}

#[test]
fn stopping_early_keeps_the_error() {
    let alarms = percent(Conclusion::Worse, 400, |seed| with_early_stop(0.0, seed));
    let seen = percent(Conclusion::Worse, 400, |seed| with_early_stop(0.15, seed));
    assert!(alarms <= 2.0, "{alarms} % false alarms");
    assert!(seen >= 96.0, "{seen} % seen");
}

/// `cargo test --release --all-features --lib -- --ignored --nocapture calibration_table`
#[test]
#[ignore = "prints the table of docs/verdicts.md; a minute in a release build"]
fn calibration_table() {
    const DROPS: [f64; 6] = [0.0, 0.02, 0.05, 0.10, 0.15, 0.20];
    let rule = Rule::default();
    let header = DROPS.map(|drop| format!("{:.0} %", drop * 100.0));
    println!("| run-to-run CV | pairs | {} |", header.join(" | "));
    println!("|---|---|{}", "---|".repeat(DROPS.len()));
    for cv in [0.02, 0.04, 0.08] {
        for count in [1, 3, 5, 10] {
            let cells = DROPS.map(|drop| {
                let seen = percent(Conclusion::Worse, 4_000, |seed| {
                    concluded(&pairs(count, drop, cv, seed), &rule)
                });
                format!("{seen:.1}")
            });
            println!("| {:.0} % | {count} | {} |", cv * 100.0, cells.join(" | "));
        }
    }
    let cells = DROPS.map(|drop| {
        let seen = percent(Conclusion::Worse, 4_000, |seed| with_early_stop(drop, seed));
        format!("{seen:.1}")
    });
    println!("| 4 % | 5, then 10 | {} |", cells.join(" | "));
}
