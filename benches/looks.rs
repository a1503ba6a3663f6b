//! What it costs to look at a run that grows: `cargo bench --bench looks`.
//!
//! A run grows to 5 and to 20 segments and is never decided, so every look is taken. The same requests in one piece are
//! judged once. What the ratio of their processor times has above 1 is the looks'.

#![allow(clippy::unwrap_used, reason = "a bench that cannot run panics")]

#[path = "support/cpu.rs"]
mod cpu;

use cpu::cpu;
use goodput::{Bench, Report};

const REQUESTS: usize = 300;

fn main() {
    // cargo test builds and runs benchmark targets too, without this argument.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("| segments of {REQUESTS} requests | round | grown CPU s | one piece CPU s | ratio |");
    println!("|---|---|---|---|---|");
    for segments in [5, 20] {
        for round in 1..=3 {
            let (grown, report) = cpu(|| run(REQUESTS, segments));
            let (whole, in_one_piece) = cpu(|| run(REQUESTS * segments, 1));
            assert_eq!(report.completed(), in_one_piece.completed());
            println!(
                "| {segments} | {round} | {grown:.2} | {whole:.2} | {:.3} |",
                grown / whole
            );
        }
    }
}

/// No SLO fails, and one is never decided: its limit is the median of the server's distribution.
fn run(requests: usize, max_extend: usize) -> Report {
    Bench::new("looks")
        .target("sim(ttft = lognormal(80ms, 30ms), itl = gamma(10ms, 5ms))")
        .dataset("random(input = 8, output = 128)")
        .rate(50)
        .requests(requests)
        .goodput("ttft:200 tpot:20")
        .slo("p50(ttft) < 74.9ms, p99(e2el) < 10s, goodput >= 90%")
        .max_extend(max_extend)
        .on_inconclusive("warn")
        .run_blocking()
        .unwrap()
}
