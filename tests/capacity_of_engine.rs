//! Searches on the simulated engine against runs of 10^7 requests: rows of a table in docs/capacity.md.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use goodput::Bench;
use rstest::rstest;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

/// A server and what is asked of it.
struct Setting {
    name: &'static str,
    target: &'static str,
    dataset: &'static str,
    goodput: &'static str,
    /// The SLO's share of good requests.
    share: f64,
    /// About the capacity: the truth is searched within 3 % around it.
    near: f64,
}

const EVEN: Setting = Setting {
    name: "4 at a time, 4 tokens each, 90 % within 150 ms",
    target: "sim(engine = linear, max_num_seqs = 4)",
    dataset: "random(input = 16, output = 4)",
    goodput: "ttft:150",
    share: 0.9,
    near: 93.0,
};
const VARIED: Setting = Setting {
    name: "8 at a time, 2 to 14 tokens, 95 % within 200 ms",
    target: "sim(engine = linear, max_num_seqs = 8)",
    dataset: "random(input = 16, output = 8, range_ratio = 0.75)",
    goodput: "ttft:200",
    share: 0.95,
    near: 90.0,
};

const SEARCHES: u64 = 200;
/// Requests of the truth, and of one of its runs.
const TRUTH: usize = 10_000_000;
const RUN: usize = 500_000;
/// Rates of the truth, relative to the middle.
const RATES: [f64; 5] = [0.98, 0.99, 1.0, 1.01, 1.02];

impl Setting {
    fn bench(&self, seed: u64) -> Bench {
        Bench::new("engine")
            .target(self.target)
            .dataset(self.dataset)
            .goodput(self.goodput)
            .seed(seed)
    }

    /// The share of good requests at a rate, in the steady part of a run.
    fn share_at(&self, rate: f64, requests: usize, seed: u64) -> f64 {
        let bench = self
            .bench(seed)
            .rate(rate)
            .requests(requests)
            .cut_start(format!("{} requests", requests / 100));
        bench.run_blocking().unwrap().metrics().goodput.ratio
    }

    /// The rate at which a line through the log odds of long runs has the SLO's share.
    fn truth(&self) -> f64 {
        let mut middle = self.near;
        // To where the line is straight.
        for seed in 0..4 {
            let runs = RATES
                .iter()
                .map(|rate| (rate * middle, self.share_at(rate * middle, RUN / 5, seed)));
            middle = self
                .crossing(runs.collect())
                .clamp(middle * 0.9, middle * 1.1);
        }
        let jobs: Vec<(f64, u64)> = (0..(TRUTH / RUN) as u64)
            .map(|job| (RATES[job as usize % RATES.len()] * middle, 1000 + job))
            .collect();
        self.crossing(parallel(jobs.len() as u64, |job| {
            let (rate, seed) = jobs[job as usize];
            (rate, self.share_at(rate, RUN, seed))
        }))
    }

    fn crossing(&self, runs: Vec<(f64, f64)>) -> f64 {
        let points: Vec<(f64, f64)> = runs
            .iter()
            .map(|(rate, good)| (*rate, good.clamp(1e-6, 1.0 - 1e-6)))
            .map(|(rate, good)| (rate.ln(), ((1.0 - good) / good).ln()))
            .collect();
        let count = points.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
        let (x, y) = (mean(|p| p.0), mean(|p| p.1));
        let above: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
        let below: f64 = points.iter().map(|p| (p.0 - x) * (p.0 - x)).sum();
        let wanted = ((1.0 - self.share) / self.share).ln();
        (x + (wanted - y) / (above / below)).exp()
    }
}

/// Does jobs on all processors; results are in the order of the jobs.
fn parallel<T: Send>(jobs: u64, job: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let next = AtomicU64::new(0);
    let workers = thread::available_parallelism().unwrap().get();
    let mut done: Vec<(u64, T)> = thread::scope(|scope| {
        let work = || {
            let mut done = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= jobs {
                    return done;
                }
                done.push((number, job(number)));
            }
        };
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect()
    });
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

/// `cargo test --release --all-features --test capacity_of_engine -- --ignored --nocapture`
#[rstest]
#[case::even(EVEN)]
#[case::varied(VARIED)]
#[ignore = "prints a row of docs/capacity.md; takes an hour of processor time"]
fn engine_table(#[case] setting: Setting) {
    let truth = setting.truth();
    let searched = parallel(SEARCHES, |seed| {
        let bench = setting.bench(seed + 1).requests(2000).search("rate");
        let slo = format!("goodput >= {}%", setting.share * 100.0);
        let report = bench
            .slo(slo)
            .search_budget("60000 requests")
            .run_blocking()
            .unwrap();
        report.capacity().unwrap().clone()
    });
    let covers = |found: &&goodput::judge::Capacity| {
        let (low, high) = (found.interval.low, found.interval.high);
        low.is_none_or(|low| low <= truth) && high.is_none_or(|high| truth <= high)
    };
    let covered = searched.iter().filter(covers).count();
    let mut off: Vec<f64> = searched
        .iter()
        .map(|found| (found.value.unwrap_or(f64::INFINITY) / truth - 1.0).abs() * 100.0)
        .collect();
    off.sort_by(f64::total_cmp);
    let p95 = off[SEARCHES as usize * 19 / 20];
    let share = covered as f64 / SEARCHES as f64;
    let requests: u64 = searched.iter().map(|found| found.requests).sum();
    println!(
        "| {} | {truth:.2} | {:.1} % | {:.1} % | {p95:.1} % | {} |",
        setting.name,
        share * 100.0,
        off[SEARCHES as usize / 2],
        requests / SEARCHES,
    );
    assert!((0.91..=0.99).contains(&share), "{share}");
    assert!(p95 <= 5.0, "{p95}");
}
