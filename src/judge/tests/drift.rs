//! How often the interval of a drift holds the truth, on servers that slow down and on servers that do not.
//!
//! A run is a queue's, whose times to first token are multiplied by a factor that grows along the run. So the drift of
//! every statistic is known: it is the factor's, relative to its mean.

use crate::{judge::drift::line, stats::testing::Queue};
use goodput_grammar::{proof::in_block, slo::Stat};

/// Seconds in an hour, in which drifts are counted. A run here lasts one hour, whatever its number of requests.
const HOUR: f64 = 3600.0;

/// One run in this number shows how wide intervals are.
const EACH: u64 = 10;

/// Loads of the table: name, queue.
fn loads() -> Vec<(&'static str, Queue)> {
    let still = Queue {
        slots: 16,
        ..Queue::steady(0.05)
    };
    let queue = Queue::steady;
    vec![
        ("no queue", still),
        (
            "drift",
            Queue {
                spread: 0.02,
                drift: 0.04,
                ..still
            },
        ),
        (
            "stalls",
            Queue {
                spread: 0.05,
                stalls: 0.02,
                ..still
            },
        ),
        ("ρ = 0.5", queue(0.5)),
        ("ρ = 0.7", queue(0.7)),
        ("ρ = 0.8", queue(0.8)),
        ("ρ = 0.9", queue(0.9)),
    ]
}

/// What was found in runs of a server whose times grow by `growth` of their mean in a run.
struct Found {
    /// Share of intervals that hold the truth.
    covered: f64,
    /// Share of runs that say that the server becomes slower.
    growing: f64,
    /// Mean half width of the intervals, as a share of the mean.
    half: f64,
}

fn found(queue: Queue, requests: usize, stat: Stat, growth: f64, runs: u64) -> Found {
    let least = usize::try_from(in_block(stat)).unwrap();
    // A queue starts empty, so the first fifth is left out.
    let lead = requests / 4;
    let (mut covered, mut growing, mut half) = (0, 0, 0.0);
    for seed in 0..runs {
        let (gaps, ttfts) = queue.run(requests + lead, seed);
        let mut now = 0.0;
        let times: Vec<f64> = gaps
            .iter()
            .map(|gap| {
                now += gap;
                now
            })
            .collect();
        let (from, to) = (times[lead], times[requests + lead - 1]);
        let measured: Vec<_> = (lead..requests + lead)
            .map(|index| {
                let place = (times[index] - from) / (to - from);
                (
                    place * HOUR,
                    vec![ttfts[index] * (1.0 + growth * (place - 0.5))],
                )
            })
            .collect();
        let slope = line(&measured, least, stat).unwrap();
        covered += u64::from((0.025..=0.975).contains(&slope.share_below(growth)));
        growing += u64::from(slope.share_below(0.0) < 0.025);
        // Ends are dear, and their mean needs few.
        if seed % EACH == 0 {
            let interval = slope.interval(0.05);
            half += 0.5 * (interval.high.unwrap() - interval.low.unwrap());
        }
    }
    let share = |count: u64| count as f64 / runs as f64;
    Found {
        covered: share(covered),
        growing: share(growing),
        half: half / runs.div_ceil(EACH) as f64,
    }
}

/// `cargo test --release --all-features --lib -- --ignored --nocapture drift_gate_table`
#[test]
#[ignore = "prints a table of docs/verdicts.md; minutes in a release build"]
fn drift_gate_table() {
    println!(
        "| load | requests | statistic | no growth | growth of 20 % | half width | finds 20 % |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (name, queue) in loads() {
        for requests in [400, 2_000] {
            for stat in [Stat::Mean, Stat::Percentile(50.0), Stat::Percentile(99.0)] {
                if requests / 8 < usize::try_from(in_block(stat)).unwrap() {
                    continue;
                }
                let runs = 400;
                let still = found(queue, requests, stat, 0.0, runs);
                let grows = found(queue, requests, stat, 0.2, runs);
                println!(
                    "| {name} | {requests} | {stat} | {:.1} | {:.1} | ±{:.1} % | {:.0} |",
                    still.covered * 100.0,
                    grows.covered * 100.0,
                    still.half * 100.0,
                    grows.growing * 100.0
                );
            }
        }
    }
}

/// 95 %, with room for three times the scatter of 200 runs (1.5 points) and for what the table of the documentation shows.
#[test]
fn intervals_of_drifts_hold_the_truth() {
    let p50 = Stat::Percentile(50.0);
    for (load, stat, growth) in [
        (loads()[0].1, Stat::Mean, 0.0),
        (loads()[1].1, p50, 0.2),
        (loads()[4].1, p50, 0.0),
        (loads()[5].1, p50, 0.2),
    ] {
        let found = found(load, 2_000, stat, growth, 200);
        assert!(
            found.covered >= 0.905,
            "{load:?} {growth}: {}",
            found.covered
        );
        assert!(found.covered < 1.0, "{load:?} {growth}: too wide");
    }
}

/// A leak that is worth a gate is found, and a server without one is accused no more often than the interval says.
#[test]
fn a_leak_is_found_and_its_absence_is_not() {
    let p50 = Stat::Percentile(50.0);
    let leaking = found(loads()[3].1, 2_000, p50, 0.5, 100);
    assert!(leaking.growing >= 0.9, "{}", leaking.growing);
    let still = found(loads()[3].1, 2_000, p50, 0.0, 200);
    assert!(still.growing <= 0.06, "{}", still.growing);
}
