//! Whether the intervals hold what they promise: how often they cover the truth.
//!
//! The truth is the average over runs of the same plan with other seeds, not the number of an
//! endless run: a run that starts with an empty server is part of what is measured.

use super::{Interval, Looks, Sample, quantile, queue::Queue, ratio, share};
use rstest::rstest;

const ERROR: f64 = 0.05;
const NUMBERS: [&str; 6] = ["mean", "p50", "p90", "p99", "goodput 90%", "goodput 99%"];

/// The numbers of a plan, from many runs.
struct Truth {
    mean: f64,
    percentiles: [f64; 3],
    good: [f64; 2],
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

fn truth(queue: &Queue, requests: usize, runs: u64) -> Truth {
    let all = sorted(
        (0..runs)
            .flat_map(|seed| queue.ttfts(requests, 1 << 40 | seed))
            .collect(),
    );
    let at = |share: f64| all[(share * all.len() as f64) as usize];
    let below = |level| all.partition_point(|v| *v <= level) as f64 / all.len() as f64;
    Truth {
        mean: all.iter().sum::<f64>() / all.len() as f64,
        percentiles: [at(0.5), at(0.9), at(0.99)],
        good: [below(at(0.9)), below(at(0.99))],
    }
}

/// One run's intervals, in the order of [`NUMBERS`], beside what they should cover.
fn intervals(queue: &Queue, requests: usize, seed: u64, truth: &Truth) -> [(Interval, f64); 6] {
    let ttfts = queue.ttfts(requests, seed);
    let trend = queue.trend();
    let pairs: Vec<(f64, f64)> = ttfts.iter().map(|value| (*value, 1.0)).collect();
    let values: Vec<Vec<f64>> = ttfts.iter().map(|value| vec![*value]).collect();
    let sorted = sorted(ttfts.clone());
    let sample = Sample {
        of_requests: &values,
        sorted: &sorted,
    };
    let percentile = |q: f64| {
        let place = q * (requests - 1) as f64;
        let (below, above) = (sorted[place as usize], sorted[place.ceil() as usize]);
        let value = below + place.fract() * (above - below);
        quantile(sample, q, value, trend).interval(ERROR)
    };
    let good = |limit: f64| {
        let good: Vec<f64> = ttfts
            .iter()
            .map(|v| f64::from(u8::from(*v <= limit)))
            .collect();
        share(&good, Some(&ttfts), trend).unwrap().interval(ERROR)
    };
    let [p50, p90, p99] = truth.percentiles;
    [
        (ratio(&pairs, trend).unwrap().interval(ERROR), truth.mean),
        (percentile(0.5), p50),
        (percentile(0.9), p90),
        (percentile(0.99), p99),
        (good(p90), truth.good[0]),
        (good(p99), truth.good[1]),
    ]
}

/// How often each number was covered, and had no upper end, per cent.
fn measured(queue: &Queue, requests: usize, runs: u64, truths: u64) -> [(f64, f64); 6] {
    let truth = truth(queue, requests, truths);
    let mut counts = [(0, 0); 6];
    for seed in 0..runs {
        let run = intervals(queue, requests, seed, &truth);
        for (count, (interval, truth)) in counts.iter_mut().zip(run) {
            count.0 += u32::from(interval.contains(truth));
            count.1 += u32::from(interval.high.is_none());
        }
    }
    let percent = |count: u32| f64::from(count) * 100.0 / runs as f64;
    counts.map(|(covered, open)| (percent(covered), percent(open)))
}

const BURSTY: Queue = Queue {
    burstiness: 0.25,
    ..Queue::steady(0.7)
};
const RISING: Queue = Queue {
    load: (0.3, 0.9),
    ..Queue::steady(0.0)
};

/// 500 runs: 93–97 % covered, widened on both sides by twice the 0.9 points that so few runs
/// scatter by. Percentiles are built to err on the wide side, so only too little is wrong there.
#[rstest]
#[case::near_saturation(Queue::steady(0.9))]
#[case::bursty(BURSTY)]
#[case::rising(RISING)]
fn intervals_hold_their_confidence(#[case] queue: Queue) {
    let [mean, p50, p90, p99, good, rarely_bad] = measured(&queue, 600, 500, 200);
    assert!((91.2..=98.8).contains(&mean.0), "mean {mean:?}");
    for (number, covered) in [p50, p90, p99, good, rarely_bad].iter().enumerate() {
        assert!(covered.0 >= 91.2, "{}: {covered:?}", NUMBERS[number + 1]);
    }
    // They are not bought with refusals: medians and means are mostly bounded.
    assert!(p50.1 < 45.0 && mean.1 < 45.0, "{mean:?} {p50:?}");
}

/// How many of a hundred runs that may grow threefold are decided although their number is at its
/// limit, where each decision is one too many.
fn decided_at_the_limit(queue: &Queue, requests: usize, runs: u64) -> f64 {
    let truth = truth(queue, requests, 400).mean;
    let looks = Looks::new(3, ERROR);
    let decided = (0..runs).filter(|seed| {
        let mut pairs = Vec::new();
        (0..3).any(|look| {
            let segment = queue.ttfts(requests, seed * 3 + look as u64);
            pairs.extend(segment.into_iter().map(|value| (value, 1.0)));
            let ratio = ratio(&pairs, queue.trend()).unwrap();
            !ratio.interval(looks.error(look)).contains(truth)
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

/// `cargo test --release --all-features --lib -- --ignored --nocapture coverage_table`
#[test]
#[ignore = "prints the table of docs/verdicts.md; a minute in a release build"]
fn coverage_table() {
    let none = Queue {
        slots: 16,
        ..Queue::steady(0.05)
    };
    let wide = Queue {
        load: (0.3, 0.7),
        ..RISING
    };
    let scenarios = [
        ("no queue", none),
        ("ρ = 0.5", Queue::steady(0.5)),
        ("ρ = 0.7", Queue::steady(0.7)),
        ("ρ = 0.8", Queue::steady(0.8)),
        ("ρ = 0.9", Queue::steady(0.9)),
        ("ρ = 0.95", Queue::steady(0.95)),
        ("bursty (0.25), ρ = 0.7", BURSTY),
        ("ramp ρ = 0.3 to 0.7", wide),
        ("ramp ρ = 0.3 to 0.9", RISING),
    ];
    println!("| load | requests | {} |", NUMBERS.join(" | "));
    println!("|---|---|{}", "---|".repeat(NUMBERS.len()));
    for (name, queue) in scenarios {
        for requests in [200, 600, 2_000, 5_000] {
            let covered = measured(&queue, requests, 2_000, 2_000);
            let cells = covered.map(|(covered, open)| format!("{covered:.1} ({open:.0})"));
            println!("| {name} | {requests} | {} |", cells.join(" | "));
        }
    }
    println!(
        "| load | requests a segment | wrongly decided at one of three looks |\n|---|---|---|"
    );
    for (name, queue) in scenarios {
        for requests in [200, 600] {
            let wrong = decided_at_the_limit(&queue, requests, 4_000);
            println!("| {name} | {requests} | {wrong:.1} |");
        }
    }
}
