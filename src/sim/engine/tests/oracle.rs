//! The same workload in another simulator.
//!
//! `fixtures/engine/inference-lab-*.txt` has, for each of 200 jobs, when inference-lab 1.0.0 emitted
//! its first and its last token, in nanoseconds. That crate schedules as vLLM does, independently of
//! ours, and prices a step by the same linear formula. `docs/simulation.md` says how the files came
//! about.

use super::play::{arrivals, hashes, play};
use crate::{
    clock::Nanos,
    sim::engine::{Engine, EngineConfig, Finished, Job, StepCost},
};
use rstest::rstest;

/// 5 ms a step, 20 µs a prefilled token, 100 µs a sequence, 30 ns a KV token.
fn config() -> EngineConfig {
    EngineConfig {
        cost: StepCost {
            t0: 5_000_000_000,
            tp: 20_000_000,
            td: 100_000_000,
            tk: 30_000,
        },
        max_num_seqs: 16,
        max_num_batched_tokens: 512,
        num_blocks: 4_000,
        ..EngineConfig::preset("linear").unwrap()
    }
}

/// 200 jobs of up to 700 and 60 tokens, 20 ms apart on average; four texts that prompts start with.
fn workload(cached: bool) -> Vec<(Nanos, Job)> {
    let mut state = 1_u64;
    let mut draw = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut at = 0;
    (0..200)
        .map(|_| {
            at += draw(40_000_000);
            let (prompt_tokens, max_output) = (1 + draw(700), 1 + draw(60));
            let text = draw(4);
            let blocks = if cached { prompt_tokens / 16 } else { 0 };
            let job = Job {
                prompt_tokens,
                max_output,
                block_hashes: hashes(text, blocks),
                ..Job::default()
            };
            (Nanos(at), job)
        })
        .collect()
}

fn ours(config: EngineConfig, cached: bool) -> Vec<Finished> {
    let mut engine = Engine::new(config, 0);
    let played = play(&mut engine, arrivals(workload(cached)));
    played.finished.into_values().collect()
}

fn theirs(text: &str) -> Vec<(u64, u64)> {
    let number = |text: &str| text.parse().unwrap();
    let pairs = text.lines().map(|line| line.split_once(' ').unwrap());
    pairs
        .map(|(first, last)| (number(first), number(last)))
        .collect()
}

/// Times agree to 200 ns: we round each of up to a few hundred steps to a nanosecond.
#[rstest]
#[case::narrow(config(), false, include_str!("../../../../fixtures/engine/inference-lab-roomy.txt"))]
#[case::wide(
    EngineConfig { max_num_batched_tokens: 1_024, ..config() },
    false,
    include_str!("../../../../fixtures/engine/inference-lab-wide.txt")
)]
#[case::prefix(config(), true, include_str!("../../../../fixtures/engine/inference-lab-prefix.txt"))]
fn every_token_at_the_same_time(
    #[case] config: EngineConfig,
    #[case] cached: bool,
    #[case] theirs_text: &str,
) {
    let (ours, theirs) = (ours(config, cached), theirs(theirs_text));
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(theirs) {
        let found = (ours.first_token.0, ours.finished.0);
        let apart = found.0.abs_diff(theirs.0).max(found.1.abs_diff(theirs.1));
        assert!(apart <= 200, "job {}: {found:?} for {theirs:?}", ours.job.0);
    }
}
