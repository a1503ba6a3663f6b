//! What it does to a verdict if 256 shards do not start together, or do not agree on the time.

use super::folder::Folder;
use goodput::{Bench, Report, Verdict};
use rand::SeedableRng;
use rand_distr::{Distribution, Normal};
use rand_pcg::Pcg64Mcg;
use std::fs;

const ALL_SHARDS: usize = 256;
const ALL_REQUESTS: usize = 4_096;
const RUNS: u64 = 10;

/// The latest start that is still valid: `max_lateness`.
const LIMIT_MS: f64 = 25.0;

/// A server of eight places that queues now and then, with a limit that it holds by little.
fn bench() -> Bench {
    Bench::new("skew")
        .target("sim(engine = linear, max_num_seqs = 8)")
        .backend("openai")
        .rate(60)
        .requests(ALL_REQUESTS)
        .dataset("random(input = 8, output = 8)")
        .slo("p99(ttft) < 60ms")
}

/// One run whose shards start too early or too late by a normal distribution, ms.
fn run(seed: u64, sigma_ms: f64) -> Report {
    let plan = bench().seed(seed).plan().unwrap();
    let offsets = offsets(seed, sigma_ms);
    let mut times: Vec<f64> = plan
        .requests
        .iter()
        .enumerate()
        .map(|(index, request)| {
            let planned = request.at.0 as f64 / 1e9;
            (planned + offsets[index % ALL_SHARDS] / 1e3).max(0.0)
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let folder = Folder::new("skew");
    let lines = times.iter().map(|at| {
        format!("{{\"timestamp\": {at:.9}, \"input_length\": 8, \"output_length\": 8}}\n")
    });
    let trace = folder.join("trace.jsonl");
    fs::write(&trace, lines.collect::<String>()).unwrap();
    let dataset = format!(
        "timed_trace({:?}, sec_multiplier = 1)",
        trace.display().to_string()
    );
    let bench = bench()
        .rate(f64::INFINITY)
        .dataset(dataset.as_str())
        .seed(seed);
    let report = bench.run_blocking().unwrap();
    assert_eq!(report.completed(), ALL_REQUESTS as u64);
    report
}

fn offsets(seed: u64, sigma_ms: f64) -> Vec<f64> {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let normal = Normal::new(0.0, sigma_ms).unwrap();
    (0..ALL_SHARDS)
        .map(|_| normal.sample(&mut random))
        .collect()
}

/// The largest number of requests in flight if the clocks of shards are wrong by this much.
fn peak(report: &Report, offsets: &[f64]) -> i64 {
    let mut changes: Vec<(f64, i64)> = Vec::new();
    for record in &report.run().records {
        let offset = offsets[record.index % ALL_SHARDS];
        let at = |time: goodput::clock::Nanos| time.0 as f64 / 1e6 + offset;
        changes.extend([(at(record.sent), 1), (at(record.end), -1)]);
    }
    changes.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut now = 0;
    changes
        .iter()
        .map(|(_, change)| {
            now += change;
            now
        })
        .max()
        .unwrap()
}

/// Runs of all seeds.
fn runs(sigma_ms: f64) -> Vec<Report> {
    (0..RUNS).map(|seed| run(seed, sigma_ms)).collect()
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    values.sum::<f64>() / RUNS as f64
}

fn ttft(runs: &[Report], percentile: f64) -> f64 {
    mean(runs.iter().map(|run| run.ttft().percentile(percentile)))
}

/// `cargo test --release --all-features --test cluster skew_table -- --ignored --nocapture`.
#[test]
#[ignore = "prints a table of docs/scale.md"]
fn skew_table() {
    let exact = runs(0.0);
    println!(
        "| starts apart by (σ) | p50(ttft) | p99(ttft) | verdicts that differ | peak in flight, if only clocks are wrong | shards beyond 25 ms |"
    );
    println!("|---|---|---|---|---|---|");
    for sigma in [0.1, 1.0, 5.0, 10.0, 25.0, 100.0, 1_000.0, 5_000.0] {
        let apart = runs(sigma);
        let change = |here: f64, there: f64| format!("{:+.1} %", (here / there - 1.0) * 100.0);
        let pairs = apart.iter().zip(&exact);
        let differ = pairs
            .filter(|(here, there)| here.verdict() != there.verdict())
            .count();
        let wrong = exact.iter().zip(0..).map(|(report, seed)| {
            let wrong = peak(report, &offsets(seed, sigma)) as f64;
            wrong / peak(report, &[0.0; ALL_SHARDS]) as f64
        });
        let late = (0..RUNS).flat_map(|seed| offsets(seed, sigma));
        let late = late.filter(|offset| offset.abs() > LIMIT_MS).count();
        println!(
            "| {sigma} ms | {} | {} | {differ} of {RUNS} | {} | {:.0} % |",
            change(ttft(&apart, 50.0), ttft(&exact, 50.0)),
            change(ttft(&apart, 99.0), ttft(&exact, 99.0)),
            change(mean(wrong), 1.0),
            late as f64 * 100.0 / (RUNS as usize * ALL_SHARDS) as f64
        );
    }
    let count = |verdict| exact.iter().filter(|run| run.verdict() == verdict).count();
    println!(
        "p50 {:.2} ms, p99 {:.2} ms; {} pass, {} fail, {} inconclusive",
        ttft(&exact, 50.0),
        ttft(&exact, 99.0),
        count(Verdict::Pass),
        count(Verdict::Fail),
        count(Verdict::Inconclusive)
    );
}
