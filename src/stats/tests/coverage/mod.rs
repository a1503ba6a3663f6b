//! Whether the intervals hold what they promise: how often they cover the truth.
//!
//! The truth is the average over runs of the same plan with other seeds, not the number of an
//! endless run: a run that starts with an empty server is part of what is measured.

mod measured;
mod tables;

use crate::stats::{Looks, Pace, share, testing::Queue};
use measured::*;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use rstest::rstest;

/// 500 runs: 93 to 97 %, give or take twice the 0.97 points that so few scatter by; and not wider than this number of times
/// the oracle's: 1.5 where nothing queues, with room for the scatter of both widths. A queue costs more, as its
/// correlation has to be found out, and most on a ramp, where it has to be told from the slope.
#[rstest]
#[case::no_queue(NO_QUEUE, 600, 1.65)]
#[case::no_queue_p99(NO_QUEUE, 2_000, 1.65)]
#[case::drifting(DRIFTING, 600, 1.65)]
#[case::drifting_unseen(HIDDEN_DRIFT, 600, 2.1)]
#[case::stalling(STALLING, 600, 2.0)]
#[case::queueing_now_and_then(Queue::steady(0.5), 200, 2.1)]
#[case::queueing(Queue::steady(0.7), 600, 1.9)]
#[case::near_saturation(Queue::steady(0.9), 600, 1.9)]
#[case::bursty(BURSTY, 600, 2.4)]
#[case::rising(RISING, 600, 3.3)]
#[case::rising_for_long(RISING, 2_000, 3.3)]
fn intervals_hold_their_confidence(
    #[case] queue: Queue,
    #[case] requests: usize,
    #[case] widest: f64,
) {
    let all = measured(&queue, requests, 500, 200);
    for (name, coverage) in NUMBERS.iter().zip(&all) {
        assert!(coverage.holds(1.95), "{name} {coverage:?}");
    }
    // They are not bought with refusals: what a run carries is mostly bounded.
    for (name, coverage) in NUMBERS.iter().zip(&all) {
        let carried = coverage.carried >= 2.0 * CARRIES;
        assert!(!carried || coverage.open <= 20.0, "{name} {coverage:?}");
        assert!(!carried || coverage.wide() <= widest, "{name} {coverage:?}");
    }
}

/// 400 runs of few requests: 93 %, less twice the 1.3 points that 400 runs scatter by, and not wider than the oracle's times this
/// factor where both ends are known. Where little or nothing drifts a short run cannot know that.
#[rstest]
#[case::drift(DRIFTING, 50, 1.2)]
#[case::drift(DRIFTING, 200, 1.2)]
#[case::hidden_drift(HIDDEN_DRIFT, 50, 1.3)]
#[case::hidden_drift(HIDDEN_DRIFT, 200, 1.3)]
#[case::stalls(STALLING, 50, 4.0)]
#[case::stalls(STALLING, 200, 2.0)]
fn short_runs_without_a_queue_hold_their_confidence(
    #[case] queue: Queue,
    #[case] requests: usize,
    #[case] widest: f64,
) {
    let all = measured(&queue, requests, 400, 400);
    for (name, coverage) in NUMBERS.iter().zip(&all) {
        assert!(
            coverage.covered >= BAND.start() - 2.6,
            "{name} {coverage:?}"
        );
    }
    for (name, coverage) in NUMBERS.iter().zip(&all).take(2) {
        let open = coverage.open == 100.0;
        assert!(open || coverage.wide() <= widest, "{name} {coverage:?}");
    }
    // A mean of few has no upper end, a median has.
    assert_eq!(all[0].open == 100.0, requests < 149);
    assert_eq!(all[1].open, 0.0);
}

/// One in twenty requests fails, in rows of this mean length.
fn failures(requests: usize, row: f64, seed: u64) -> Vec<f64> {
    const RATE: f64 = 0.05;
    let mut random = Pcg64::seed_from_u64(seed);
    let mut failing = random.random_bool(RATE);
    (0..requests)
        .map(|_| {
            let changes = if failing {
                1.0 / row
            } else {
                RATE / (1.0 - RATE) / row
            };
            let failed = f64::from(u8::from(failing));
            failing ^= random.random_bool(changes);
            failed
        })
        .collect()
}

/// What became of the intervals of errors, per cent of runs.
#[derive(Debug)]
struct ErrorsCovered {
    /// Of all runs they held the rate.
    all: f64,
    /// Of those that met a failure.
    met: f64,
    /// Runs that met none.
    none: f64,
}

fn errors_covered(requests: usize, row: f64, runs: u64) -> ErrorsCovered {
    let (mut covered, mut met, mut covered_of_met) = (0, 0, 0);
    for seed in 0..runs {
        let failed = failures(requests, row, seed);
        let share = share(&failed, None, Pace::Free).unwrap();
        let holds = u32::from(share.interval(ERROR).contains(0.05));
        let meets = u32::from(share.value > 0.0);
        covered += holds;
        met += meets;
        covered_of_met += holds * meets;
    }
    let percent = |count: u32, of: f64| f64::from(count) * 100.0 / of;
    ErrorsCovered {
        all: percent(covered, runs as f64),
        met: percent(covered_of_met, f64::from(met)),
        none: 100.0 - percent(met, runs as f64),
    }
}

/// 1,000 runs that met a failure: 93 to 97 %, give or take twice the 0.69 points that so few scatter by. What is rare
/// may be covered more often.
#[rstest]
#[case::alone(600, 1.0, 98.4)]
#[case::many_alone(2_000, 1.0, 98.4)]
#[case::few_alone(100, 1.0, 99.9)]
#[case::in_rows(2_000, 4.0, 98.4)]
#[case::in_some_rows(200, 4.0, 99.9)]
#[case::in_few_rows(100, 4.0, 99.9)]
fn errors_hold_their_confidence(#[case] requests: usize, #[case] row: f64, #[case] most: f64) {
    let covered = errors_covered(requests, row, 1_000);
    assert!((91.6..=most).contains(&covered.met), "{covered:?}");
}

/// How many of a hundred runs that may grow threefold are decided although their number is at its
/// limit, where each decision is one too many.
fn decided_at_the_limit(queue: &Queue, requests: usize, runs: u64) -> f64 {
    let truth = truth(queue, requests, 400).mean;
    let looks = Looks::new(3, ERROR);
    let decided = (0..runs).filter(|seed| {
        let mut all = Drawn {
            gaps: Vec::new(),
            ttfts: Vec::new(),
            sorted: Vec::new(),
        };
        (0..3).any(|look| {
            let (gaps, ttfts) = queue.run(requests, seed * 3 + look as u64);
            all.gaps.extend(gaps);
            all.ttfts.extend(ttfts);
            let interval = all.mean_interval(queue, looks.error(look));
            !interval.contains(truth)
        })
    });
    decided.count() as f64 * 100.0 / runs as f64
}

/// 500 runs: 5 % and twice the point that so few scatter by.
#[test]
fn looking_repeatedly_keeps_the_error() {
    let wrong = decided_at_the_limit(&Queue::steady(0.7), 600, 500);
    assert!(wrong <= 7.0, "{wrong} %");
}
