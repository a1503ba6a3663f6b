//! The tables of `docs/verdicts.md`.

use super::{decided_at_the_limit, errors_covered, measured::*};
use crate::stats::testing::Queue;

/// What one run cannot see: its own level. Covered is the level of the run, and the average over all runs.
fn levels_table() {
    println!(
        "| level | requests | mean of this run's level | mean of all runs |\n|---|---|---|---|"
    );
    let one = Queue {
        spread: 0.05,
        ..NO_QUEUE
    };
    let many = Queue { level: 0.04, ..one };
    for requests in [20, 50, 100, 200, 600] {
        let [own, all] = [one, many].map(|queue| measured(&queue, requests, 2_000, 2_000)[0]);
        println!(
            "| 4 % | {requests} | {:.1} | {:.1} |",
            own.covered, all.covered
        );
    }
}

/// `cargo test --release --all-features --lib -- --ignored --nocapture coverage_table`; with `COVERAGE_LOADS='drift;stalls'`
/// of these loads only.
#[test]
#[ignore = "prints the tables of docs/verdicts.md; half an hour in a release build"]
fn coverage_table() {
    let wide = Queue {
        load: (0.3, 0.7),
        ..RISING
    };
    let mut scenarios = vec![
        ("no queue", NO_QUEUE),
        ("drift", DRIFTING),
        ("hidden drift", HIDDEN_DRIFT),
        ("stalls", STALLING),
        ("ρ = 0.5", Queue::steady(0.5)),
        ("ρ = 0.7", Queue::steady(0.7)),
        ("ρ = 0.8", Queue::steady(0.8)),
        ("ρ = 0.9", Queue::steady(0.9)),
        ("ρ = 0.95", Queue::steady(0.95)),
        ("bursty (0.25), ρ = 0.7", BURSTY),
        ("ramp ρ = 0.3 to 0.7", wide),
        ("ramp ρ = 0.3 to 0.9", RISING),
    ];
    if let Ok(loads) = std::env::var("COVERAGE_LOADS") {
        scenarios.retain(|(name, _)| loads.split(';').any(|load| load == *name));
    }
    println!("| load | requests | {} |", NUMBERS.join(" | "));
    println!("|---|---|{}", "---|".repeat(NUMBERS.len()));
    let (mut outside, mut wide) = (Vec::new(), Vec::new());
    for &(name, queue) in &scenarios {
        let few: &[usize] = match name {
            // Few requests that queue carry nothing.
            _ if queue.slots < 16 => &[],
            "no queue" => &[20, 50, 60, 100, 120],
            _ => &[20, 50, 100],
        };
        for &requests in few.iter().chain(&[200, 600, 2_000, 5_000]) {
            let all = measured(&queue, requests, 2_000, 2_000);
            let cells = all.map(|of| {
                let carried = if of.carried >= CARRIES { "" } else { "*" };
                let wide = if of.wide().is_finite() {
                    format!(" {:.1}×", of.wide())
                } else {
                    String::new()
                };
                format!("{:.1}{carried} ({:.0}){wide}", of.covered, of.open)
            });
            println!("| {name} | {requests} | {} |", cells.join(" | "));
            for (number, of) in NUMBERS.iter().zip(all) {
                // Twice the half point that 2,000 runs scatter by.
                if !of.holds(1.0) {
                    outside.push(format!("{name}, {requests} requests, {number}: {of:.1?}"));
                }
                if of.carried >= CARRIES && of.wide() > WIDEST {
                    wide.push(format!("{name}, {requests} requests, {number}: {of:.3?}"));
                }
            }
        }
    }
    println!(
        "\n| failures | 20 requests | 50 | 100 | 200 | 600 | 2000 | 5000 |\n|---|---|---|---|---|---|---|---|"
    );
    for (name, row) in [("alone", 1.0), ("in rows", 4.0)] {
        let sizes = [20, 50, 100, 200, 600, 2_000, 5_000];
        let covered = sizes.map(|requests| errors_covered(requests, row, 2_000));
        let cells = covered.map(|of| match of.none {
            0.0 => format!("{:.1}", of.all),
            none => format!("{:.1}; {:.1} ({none:.1})", of.all, of.met),
        });
        println!("| {name} | {} |", cells.join(" | "));
    }
    println!(
        "\noutside 93 to 97 %, give or take a point:\n{}\n",
        outside.join("\n")
    );
    println!(
        "wider than {WIDEST} times the oracle's:\n{}\n",
        wide.join("\n")
    );
    levels_table();
    println!(
        "\n| load | requests a segment | wrongly decided at one of three looks |\n|---|---|---|"
    );
    for &(name, queue) in &scenarios {
        for requests in [200, 600] {
            let wrong = decided_at_the_limit(&queue, requests, 4_000);
            println!("| {name} | {requests} | {wrong:.1} |");
        }
    }
}
