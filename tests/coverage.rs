//! Whether the intervals of whole runs hold their confidence: bench, plan, client, simulated engine on
//! virtual time, metrics, judgement.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use goodput::{Bench, Report};

/// Two slots near saturation: requests of 2 to 6 steps of 10 ms at 85 % of what they can do.
fn bench(seed: u64) -> Bench {
    Bench::new("coverage")
        .target("sim(engine = 'linear', max_num_seqs = 2)")
        .dataset("random(input = 4, output = 4, output_range_ratio = 0.5)")
        .tokenizer("none")
        .rate(RATE)
        .requests(300)
        .seed(seed)
        .goodput("ttft:60")
        .slo("mean(ttft) < 1s, p50(ttft) < 1s, p90(ttft) < 1s, goodput >= 10%")
        .on_inconclusive("pass")
}

const RATE: f64 = 38.0;
const NUMBERS: usize = 4;

/// How many of the runs with these seeds have intervals that hold the average of all runs.
fn covered(seeds: std::ops::Range<u64>) -> [f64; NUMBERS] {
    let reports: Vec<Report> = seeds
        .map(|seed| bench(seed).run_blocking().unwrap())
        .collect();
    let runs = reports.len() as f64;
    std::array::from_fn(|number| {
        let slos = || {
            reports
                .iter()
                .map(|report| &report.judgement().slos[number])
        };
        let truth = slos().map(|slo| slo.value.unwrap()).sum::<f64>() / runs;
        let holds = slos().filter(|slo| slo.interval.unwrap().contains(truth));
        holds.count() as f64 * 100.0 / runs
    })
}

/// 95 % less three times the 2.8 points that 60 runs scatter by.
#[test]
fn intervals_of_whole_runs_hold_their_confidence() {
    let covered = covered(0..60);
    assert!(
        covered.iter().all(|percent| *percent >= 86.6),
        "{covered:?}"
    );
}

/// `cargo test --release --all-features --test coverage -- --ignored --nocapture`
#[test]
#[ignore = "a thousand runs"]
fn a_thousand_runs_hold_their_confidence() {
    let covered = covered(1_000..2_000);
    println!("mean, p50, p90, goodput: {covered:?} %");
    // 93 to 97 %, and twice the 0.7 that a thousand runs scatter by.
    assert!(
        covered
            .iter()
            .all(|percent| (91.6..=98.4).contains(percent)),
        "{covered:?}"
    );
}
