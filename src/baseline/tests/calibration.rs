//! How often a comparison with a baseline gives a false alarm, and how often it finds a real change.
//!
//! Each run is slower or faster as a whole by a lognormal factor (its CV is the run-to-run noise). Its
//! requests are those of the plan, the same in every run, and wait in a queue; what the server adds by
//! itself to each is drawn anew in every run. Runs go through the whole of what is done with real ones:
//! digest, file, comparison.

use crate::{
    baseline::{MetricNoise, NoiseFloor},
    baseline::{
        compare::{New, compare},
        digest::Digest,
        format::File,
        testing::{file, provenance},
    },
    clock::Nanos,
    judge::Comparison,
    metrics::{
        measure,
        testing::{limit, record, run_of},
    },
    record::Record,
    run::Run,
    stats::{
        compare::{Conclusion, Rule},
        testing::Queue,
    },
};
use goodput_grammar::goodput::{RequestLimit, RequestMetric};
use rand::SeedableRng;
use rand_distr::{Distribution, LogNormal, StandardNormal};
use rand_pcg::Pcg64;
use rstest::rstest;

const REQUESTS: usize = 120;
/// The variance of the mean of this number of requests' drift, as a share of that of one.
const OF_DRIFT: f64 = 0.4;

/// What happens in an experiment.
#[derive(Clone, Copy)]
struct Experiment {
    /// Run-to-run noise.
    cv: f64,
    /// Stored runs.
    runs: usize,
    /// The share by which the new server's speed has dropped.
    drop: f64,
    /// The noise was measured on this host, with this number of degrees of freedom.
    measured: Option<f64>,
    /// The server's speed drifts within each run by this CV.
    drift: f64,
}

fn limits() -> Vec<RequestLimit> {
    vec![limit(RequestMetric::Ttft, 500)]
}

/// By how much the server differs from itself in a single request.
const JITTER: f64 = 0.2;

/// Speeds of the requests of a run: an autoregression of 0.97 from request to request.
fn speeds(drift: f64, luck: u64) -> Vec<f64> {
    let mut random = Pcg64::seed_from_u64(!luck);
    let mut normal = || -> f64 { StandardNormal.sample(&mut random) };
    let mut speed = normal();
    let next = |_| {
        let now = speed;
        speed = 0.97 * speed + (1.0_f64 - 0.97 * 0.97).sqrt() * normal();
        libm::exp(drift * now)
    };
    (0..REQUESTS).map(next).collect()
}

/// A run of a plan on a server that takes `slowness` times as long; a service takes 100 ms on average.
fn run(slowness: f64, drift: f64, plan: u64, luck: u64) -> Run {
    let speeds = speeds(drift, luck);
    let mut random = Pcg64::seed_from_u64(luck);
    let jitter = LogNormal::new(-JITTER * JITTER / 2.0, JITTER).unwrap();
    let queue = Queue {
        slowness,
        ..Queue::steady(0.3)
    };
    let records = queue.ttfts(REQUESTS, plan).into_iter().enumerate();
    let records = records.map(|(index, ttft)| {
        let at = Nanos(index as u64 * 83_000_000);
        let gap = 10.0 * slowness * speeds[index];
        let first = at.0 + (ttft * speeds[index] * jitter.sample(&mut random) * 1e8) as u64;
        let event = |token: u64| first + (token as f64 * gap * 1e6) as u64;
        let mut record = Record {
            index,
            ..record(0, &[], 4)
        };
        (record.intended, record.dispatched, record.sent) = (at, at, at);
        record.events = (0..4)
            .map(|token| crate::record::TokenEvent {
                at: Nanos(event(token)),
                tokens: 1,
                channel: crate::record::Channel::Answer,
            })
            .collect();
        record.end = Nanos(event(3));
        record
    });
    run_of(records.collect())
}

fn digest(slowness: f64, drift: f64, plan: u64, luck: u64) -> Digest {
    let run = run(slowness, drift, plan, luck);
    Digest::of(&run, &measure(&run, &limits()), &limits(), REQUESTS)
}

impl Experiment {
    fn compared(&self, seed: u64) -> Comparison {
        let mut random = Pcg64::seed_from_u64(seed);
        let sigma = libm::log1p(self.cv * self.cv).sqrt();
        let mut next = seed.wrapping_mul(1_000);
        let mut digest = |slower: f64| {
            let z: f64 = StandardNormal.sample(&mut random);
            next += 1;
            digest(slower * (sigma * z).exp(), self.drift, seed, next)
        };
        let mut stored: File = file(&digest(1.0));
        for _ in 1..self.runs {
            stored = stored.joined(String::new(), provenance(), &digest(1.0));
        }
        let new = New {
            digest: &digest(1.0 / (1.0 - self.drop)),
            provenance: &provenance(),
            limited: true,
            open_loop: true,
            classes: &[],
        };
        let noise = self.measured.map(|freedom| self.host(freedom, seed));
        compare("main", &stored, &new, noise.as_ref(), &Rule::default())
    }

    /// The noise that an earlier experiment on this host has found, with this number of degrees of freedom.
    fn host(&self, freedom: f64, seed: u64) -> NoiseFloor {
        let mut random = Pcg64::seed_from_u64(!seed);
        let squares: f64 = (0..freedom as usize)
            .map(|_| {
                let z: f64 = StandardNormal.sample(&mut random);
                z * z
            })
            .sum();
        let true_cv = (self.cv * self.cv + OF_DRIFT * self.drift * self.drift).sqrt();
        let cv = true_cv * (squares / freedom).sqrt();
        let noise = MetricNoise {
            cv,
            freedom,
            paired_cv: cv,
            paired_freedom: freedom,
        };
        let names = [
            "mean(ttft)",
            "p50(ttft)",
            "p90(ttft)",
            "mean(tpot)",
            "mean(e2el)",
            "1 - errors",
            "goodput",
        ];
        NoiseFloor {
            goodput_noise: 1,
            host: String::new(),
            saved: String::new(),
            target: String::new(),
            pairs: 5,
            requests: REQUESTS,
            metrics: names.map(|name| (name.to_owned(), noise)).into(),
        }
    }

    /// How many of a hundred experiments end in this conclusion.
    fn percent(&self, conclusion: Conclusion, experiments: u64) -> f64 {
        let hits = (0..experiments)
            .filter(|seed| self.compared(*seed).conclusion() == conclusion)
            .count();
        hits as f64 * 100.0 / experiments as f64
    }
}

/// 80 experiments or fewer: 1 % and 90 % with room for twice the scatter of 80 (2 and 7 points).
#[rstest]
#[case::one_run(1, None, 0.0, 0.3)]
#[case::measured_host(1, Some(9.0), 0.0, 0.35)]
#[case::five_runs(5, None, 0.0, 0.35)]
#[case::five_runs_of_a_server_that_drifts(5, None, 0.04, 0.35)]
fn a_baseline_does_not_cry_wolf_and_sees_it(
    #[case] runs: usize,
    #[case] measured: Option<f64>,
    #[case] drift: f64,
    #[case] drop: f64,
) {
    let experiment = |drop| Experiment {
        cv: 0.04,
        runs,
        drop,
        measured,
        drift,
    };
    let experiments = 80 / (runs as u64 + 1) * 2;
    let alarms = experiment(0.0).percent(Conclusion::Worse, experiments);
    assert!(alarms <= 4.0, "{alarms} % false alarms");
    let seen = experiment(drop).percent(Conclusion::Worse, experiments);
    assert!(seen >= 83.0, "{seen} % seen");
}

/// `cargo test --release --all-features --lib -- --ignored --nocapture baseline_table`
#[test]
#[ignore = "prints the table of docs/verdicts.md; a minute or two in a release build"]
fn baseline_table() {
    let sources = [
        ("assumed", 1, None),
        ("assumed", 2, None),
        ("measured, 9 degrees", 1, Some(9.0)),
        ("of the stored runs", 3, None),
        ("of the stored runs", 5, None),
        ("of the stored runs", 10, None),
    ];
    print_table(&[0.02, 0.04, 0.08], 0.0, &sources);
}

/// `cargo test --release --all-features --lib -- --ignored --nocapture baselines_under_drift`
#[test]
#[ignore = "prints a table of docs/verdicts.md; a minute in a release build"]
fn baselines_under_drift() {
    let sources = [
        ("assumed", 1, None),
        ("measured, 9 degrees", 1, Some(9.0)),
        ("of the stored runs", 3, None),
        ("of the stored runs", 5, None),
        ("of the stored runs", 10, None),
    ];
    print_table(&[0.04], 0.04, &sources);
}

/// By run-to-run noise, and by where the comparison knows it from: the name, stored runs, degrees of freedom.
fn print_table(cvs: &[f64], drift: f64, sources: &[(&str, usize, Option<f64>)]) {
    const DROPS: [f64; 6] = [0.0, 0.05, 0.10, 0.15, 0.20, 0.30];
    let header = DROPS.map(|drop| format!("{:.0} %", drop * 100.0));
    println!(
        "| true CV | the noise is | stored runs | {} |",
        header.join(" | ")
    );
    println!("|---|---|---|{}", "---|".repeat(DROPS.len()));
    for cv in cvs.iter().copied() {
        for (name, runs, measured) in sources.iter().copied() {
            let cells = DROPS.map(|drop| {
                let experiment = Experiment {
                    cv,
                    runs,
                    drop,
                    measured,
                    drift,
                };
                let experiments = if drop == 0.0 { 400 } else { 60 };
                format!("{:.1}", experiment.percent(Conclusion::Worse, experiments))
            });
            println!(
                "| {:.0} % | {name} | {runs} | {} |",
                cv * 100.0,
                cells.join(" | ")
            );
        }
    }
}
