//! How often the rule gives a false alarm, and how often it finds a real change, with all its metrics together.
//!
//! The noise: each run of a server is slower or faster as a whole by a lognormal factor (its CV is the run-to-run
//! noise), and a queue adds what differs from request to request. Both runs of a pair have the same arrivals and
//! prompts. This queue is fast enough for thousands of experiments. The simulator makes the table of
//! `docs/verdicts.md`, in `src/bench/calibration.rs`.

use crate::stats::{
    Looks,
    compare::{Conclusion, Paired, Rule, Worse, detectable_by, together},
    testing::Queue,
};
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;
use rstest::rstest;

/// Mean, median, 90th percentile and the share above a limit (turned round) of a run's TTFTs.
fn numbers(slowness: f64, seed: u64) -> [f64; 4] {
    let queue = Queue {
        slowness,
        ..Queue::steady(0.3)
    };
    let mut ttfts = queue.ttfts(50, seed);
    ttfts.sort_by(f64::total_cmp);
    let bad = ttfts.iter().filter(|ttft| **ttft > 0.3).count();
    let mean = ttfts.iter().sum::<f64>() / ttfts.len() as f64;
    [mean, ttfts[25], ttfts[45], (bad as f64 + 0.5) / 51.0]
}

/// Pairs of runs of a server and of one whose speed dropped by a share.
fn pairs(count: usize, drop: f64, cv: f64, seed: u64) -> Vec<([f64; 4], [f64; 4])> {
    let mut random = Pcg64::seed_from_u64(seed);
    let sigma = (1.0 + cv * cv).ln().sqrt();
    let mut luck = || {
        let z: f64 = StandardNormal.sample(&mut random);
        (sigma * z).exp()
    };
    (0..count as u64)
        .map(|pair| {
            let plan = seed.wrapping_mul(1_000).wrapping_add(pair);
            (numbers(luck(), plan), numbers(luck() / (1.0 - drop), plan))
        })
        .collect()
}

/// Returns whether one of the metrics is worse.
fn is_worse<const N: usize>(pairs: &[([f64; N], [f64; N])], rule: &Rule) -> bool {
    let metric = |which: usize| Paired {
        pairs: pairs.iter().map(|(a, b)| (a[which], b[which])).collect(),
        worse: Worse::Higher,
    };
    let found = together(&std::array::from_fn::<_, N, _>(metric), rule, None);
    found
        .into_iter()
        .flatten()
        .any(|(_, conclusion)| conclusion == Conclusion::Worse)
}

/// The percentage of experiments in which the server is called worse.
fn percent(experiments: u64, worse: impl Fn(u64) -> bool) -> f64 {
    (0..experiments).filter(|seed| worse(*seed)).count() as f64 * 100.0 / experiments as f64
}

/// 1 % and 90 %, with room for twice the scatter of 600 and of 200 experiments (0.4 and 2.1 points).
#[rstest]
#[case::rotations(5, 0.04, 85.8)]
#[case::swaps(8, 0.05, 85.8)]
fn pairs_do_not_cry_wolf_and_see_a_drop_of_15_percent(
    #[case] count: usize,
    #[case] cv: f64,
    #[case] least: f64,
) {
    let rule = Rule::default();
    let worse = |drop, seed| is_worse(&pairs(count, drop, cv, seed), &rule);
    let alarms = percent(600, |seed| worse(0.0, seed));
    let seen = percent(200, |seed| worse(0.15, seed));
    assert!(alarms <= 1.8, "{alarms} % false alarms");
    assert!(seen >= least, "{seen} % seen");
}

/// Requests of a run of a server that drifts.
const REQUESTS: usize = 200;

/// A server of which every run has a level and every request a speed of its own, both of 4 %; the speed is an
/// autoregression of 0.97 from request to request and acts on prefill and gaps.
struct Drifting {
    random: Pcg64,
    level: f64,
}

impl Drifting {
    fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.random)
    }

    /// Mean, median and 90th percentile of TTFT, means of TPOT and E2EL of a run of this plan (output tokens).
    fn numbers(&mut self, slowness: f64, plan: &[f64]) -> [f64; 5] {
        let level = slowness * (self.level * self.normal()).exp();
        let mut drift = self.normal();
        let (mut ttfts, mut tpots, mut e2els) = (Vec::new(), 0.0, 0.0);
        for tokens in plan {
            let speed = level * (0.04 * drift).exp();
            let ttft = 50.0 * speed * (0.1 * self.normal()).exp();
            let tpot = 10.0 * speed * (0.02 * self.normal()).exp();
            ttfts.push(ttft);
            tpots += tpot;
            e2els += ttft + tpot * (tokens - 1.0);
            drift = 0.97 * drift + (1.0_f64 - 0.97 * 0.97).sqrt() * self.normal();
        }
        ttfts.sort_by(f64::total_cmp);
        let count = plan.len() as f64;
        let mean = ttfts.iter().sum::<f64>() / count;
        let at = |share: usize| ttfts[plan.len() * share / 100];
        [mean, at(50), at(90), tpots / count, e2els / count]
    }

    /// Returns whether this number of pairs, of the server and of one that is slower by this factor, is called worse.
    fn is_worse(seed: u64, pairs: usize, slower: f64, level: f64, rule: &Rule) -> bool {
        let mut server = Drifting {
            random: Pcg64::seed_from_u64(seed),
            level,
        };
        let pairs: Vec<_> = (0..pairs)
            .map(|_| {
                let tokens = |_| server.random.random_range(10..100).into();
                let plan: Vec<f64> = (0..REQUESTS).map(tokens).collect();
                (server.numbers(1.0, &plan), server.numbers(slower, &plan))
            })
            .collect();
        is_worse(&pairs, rule)
    }
}

/// 1 % and 90 %, with room for twice the scatter of 400 and of 150 experiments (0.5 and 2.4 points).
#[test]
fn five_pairs_see_a_drop_of_15_percent_on_servers_that_drift() {
    let rule = Rule::default();
    let worse = |slower, seed| Drifting::is_worse(seed, 5, slower, 0.04, &rule);
    let alarms = percent(400, |seed| worse(1.0, seed));
    let seen = percent(150, |seed| worse(1.0 / 0.85, seed));
    assert!(alarms <= 2.0, "{alarms} % false alarms");
    assert!(seen >= 85.1, "{seen} % seen");
}

/// `cargo test --release --all-features --lib -- --ignored --nocapture drift_table`
#[test]
#[ignore = "prints a table of docs/verdicts.md; a few minutes in a release build"]
fn drift_table() {
    const SLOWER: [f64; 6] = [1.0, 1.05, 1.1, 1.15, 1.0 / 0.85, 1.25];
    println!(
        "| level | pairs | error |{}",
        SLOWER
            .map(|s| format!(" {:.1} % |", s * 100.0 - 100.0))
            .concat()
    );
    println!("|---|---|---|{}", "---|".repeat(SLOWER.len()));
    for level in [0.04, 0.08] {
        for (pairs, error) in [
            (3, 0.01),
            (4, 0.01),
            (5, 0.01),
            (5, 0.0025),
            (6, 0.01),
            (8, 0.01),
            (10, 0.0075),
        ] {
            let rule = Rule {
                error,
                ..Rule::default()
            };
            let cells = SLOWER.map(|slower| {
                let experiments = if slower == 1.0 { 10_000 } else { 2_000 };
                let seen = percent(experiments, |seed| {
                    Drifting::is_worse(seed, pairs, slower, level, &rule)
                });
                format!(" {seen:.1} |")
            });
            println!(
                "| {:.0} % | {pairs} | {} % |{}",
                level * 100.0,
                error * 100.0,
                cells.concat()
            );
        }
    }
}

/// Compares as a bench does by default.
fn with_looks(drop: f64, seed: u64) -> bool {
    let looks = Looks::at_pairs(10, Rule::default().error);
    let all = pairs(10, drop, 0.04, seed);
    looks.segments().iter().enumerate().any(|(look, count)| {
        let rule = Rule {
            error: looks.error(look),
            ..Rule::default()
        };
        is_worse(&all[..*count], &rule)
    })
}

#[test]
fn stopping_early_keeps_the_error() {
    let alarms = percent(400, |seed| with_looks(0.0, seed));
    let seen = percent(100, |seed| with_looks(0.15, seed));
    assert!(alarms <= 2.0, "{alarms} % false alarms");
    assert!(seen >= 98.0, "{seen} % seen");
}

/// A change that is called detectable is detected nine times out of ten, whichever way the pairs are tested.
#[rstest]
#[case(5)]
#[case(8)]
#[case(10)]
fn what_is_detectable_is_detected(#[case] count: usize) {
    let rule = Rule {
        noise_threshold: 0.0,
        ..Rule::default()
    };
    let detectable = detectable_by(0.04, 0.04, count, &rule).unwrap();
    let sigma = (1.0_f64 + 0.04 * 0.04).ln().sqrt();
    let seen = percent(1_000, |seed| {
        let mut random = Pcg64::seed_from_u64(seed);
        let mut luck = || {
            let z: f64 = StandardNormal.sample(&mut random);
            (sigma * z).exp()
        };
        let pairs = (0..count).map(|_| (luck(), luck() * (1.0 + detectable)));
        let metric = Paired {
            pairs: pairs.collect(),
            worse: Worse::Higher,
        };
        let found = together(&[metric], &rule, None)[0];
        found.is_some_and(|(_, conclusion)| conclusion == Conclusion::Worse)
    });
    assert!((84.0..=99.5).contains(&seen), "{seen} % of {detectable}");
}
