//! The engine compared with queueing theory.

use super::play::{arrivals, job, play};
use crate::{
    clock::Nanos,
    sim::engine::{Engine, EngineConfig, StepCost},
};
use rand::SeedableRng;
use rand_distr::{Distribution, Exp};
use rand_pcg::Pcg64Mcg;
use rstest::rstest;

/// The time of a step, ns: 10 ms.
const STEP: u64 = 10_000_000;

/// Steps of 10 ms, whatever is in them.
fn constant(max_num_seqs: u64) -> EngineConfig {
    EngineConfig {
        max_num_seqs,
        ..EngineConfig::preset("linear").unwrap()
    }
}

/// Times of a Poisson process with `rate` arrivals a second.
fn poisson(rate: f64, count: usize, seed: u64) -> Vec<Nanos> {
    let gaps = Exp::new(rate).unwrap();
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let mut at = 0;
    (0..count)
        .map(|_| {
            at += (gaps.sample(&mut rng) * 1e9) as u64;
            Nanos(at)
        })
        .collect()
}

/// L = λ·W, without any tolerance: the time integral of the jobs in the system, taken from the
/// engine's state, is the sum of the times that the jobs spent in it, taken from their records.
#[test]
fn littles_law() {
    let config = EngineConfig {
        num_blocks: 24,
        cost: StepCost {
            tp: 20_000_000,
            td: 300_000_000,
            ..constant(1).cost
        },
        ..constant(8)
    };
    let times = poisson(20.0, 2_000, 1).into_iter();
    let jobs = times
        .zip(0..)
        .map(|(at, index)| (at, job(20 + index * 7 % 90, 1 + index * 3 % 40)));
    let played = play(&mut Engine::new(config, 0), arrivals(jobs));
    assert_eq!(played.finished.len(), 2_000);
    assert!(played.finished.values().any(|job| job.preemptions > 0));
    let spent = played.finished.values();
    let spent: u128 = spent
        .map(|job| (job.finished - job.submitted).as_nanos())
        .sum();
    assert_eq!(played.area, spent);
}

/// One slot and one token each is M/D/1: every wait follows from Lindley's recursion exactly, and their mean is `ρ·D
/// / (2·(1 − ρ))` within four standard errors, taken from the means of 50 batches because successive waits are
/// correlated.
#[rstest]
#[case::half_busy(0.5)]
#[case::busy(0.8)]
fn waits_of_a_single_server(#[case] load: f64) {
    let times = poisson(load * 100.0, 100_000, 7);
    let jobs = times.iter().map(|at| (*at, job(1, 1)));
    let played = play(&mut Engine::new(constant(1), 0), arrivals(jobs));
    let finished = played.finished.values();
    let waits: Vec<u64> = finished
        .map(|job| job.scheduled.0 - job.submitted.0)
        .collect();

    let mut wait = 0;
    for (pair, found) in times.windows(2).zip(&waits) {
        assert_eq!(wait, *found);
        wait = (wait + STEP).saturating_sub(pair[1].0 - pair[0].0);
    }

    let mean = |waits: &[f64]| waits.iter().sum::<f64>() / waits.len() as f64;
    let batches: Vec<f64> = waits
        .chunks(waits.len() / 50)
        .map(|batch| mean(&batch.iter().map(|wait| *wait as f64).collect::<Vec<_>>()))
        .collect();
    let found = mean(&batches);
    let variance = batches
        .iter()
        .map(|batch| (batch - found).powi(2))
        .sum::<f64>()
        / 49.0;
    let error = (variance / 50.0).sqrt();
    let expected = load * STEP as f64 / (2.0 * (1.0 - load));
    // A wide tolerance would prove nothing.
    assert!(
        error < 0.03 * expected,
        "standard error {error} of {expected}"
    );
    assert!(
        (found - expected).abs() < 4.0 * error,
        "{found} for {expected} ± {error}"
    );
}

/// With `c` jobs of 50 tokens at a time and steps of 10 ms, throughput is `min(c, slots) / 10 ms`.
#[rstest]
#[case(4, 4)]
#[case(8, 8)]
#[case(16, 16)]
#[case(32, 16)]
#[case(64, 16)]
fn throughput_is_flat_beyond_the_slots(#[case] clients: u64, #[case] busy: u64) {
    let mut engine = Engine::new(constant(16), 0);
    for _ in 0..clients {
        engine.submit(Nanos(0), job(10, 50)).unwrap();
    }
    let mut now = Nanos(0);
    let mut tokens = 0;
    // Ten seconds, in which a client that is done comes again.
    while now < Nanos(10_000_000_000) {
        let step = engine.step(now).unwrap();
        tokens += step
            .emissions
            .iter()
            .map(|emission| emission.tokens)
            .sum::<u64>();
        now = step.ends;
        for _ in &step.finished {
            engine.submit(now, job(10, 50)).unwrap();
        }
    }
    assert_eq!(tokens, busy * 1_000);
}

/// If a step's cost grows with its sequences, throughput grows only up to `1 / td`: slots beyond that buy latency.
#[test]
fn throughput_follows_the_step_cost() {
    let throughput = |slots: u64| {
        let cost = StepCost {
            t0: 10_000_000_000,
            tp: 0,
            td: 1_000_000_000,
            tk: 0,
        };
        let mut engine = Engine::new(
            EngineConfig {
                cost,
                ..constant(slots)
            },
            0,
        );
        for _ in 0..slots {
            engine.submit(Nanos(0), job(1, 1_001)).unwrap();
        }
        // The prefill, which is not counted, and 1,000 steps of decoding.
        let begin = engine.step(Nanos(0)).unwrap().ends;
        let mut now = begin;
        while let Some(step) = engine.step(now) {
            now = step.ends;
        }
        (slots * 1_000) as f64 / (now - begin).as_secs_f64()
    };
    for slots in [1, 10, 100] {
        let expected = slots as f64 / (0.010 + 0.001 * slots as f64);
        assert!((throughput(slots) - expected).abs() < 1e-6 * expected);
    }
}
