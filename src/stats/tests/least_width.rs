//! The narrowest interval of a mean that any method can have on a server that may drift: a bound for docs/verdicts.md.
//!
//! The latencies of a run are normal around the server's level, with standard deviation `spread`; the interval is of the
//! level. The server either does not drift, or its speed is an autoregression (0.97, 4 %). A method knows all of this
//! except which of the two it is, and has to cover the level with probability 0.93 in either case.
//!
//! Levels are alike, so a method is a region of residuals: it contains a level if the latencies less this level are in
//! the region. Its coverage is the probability of the region. Its mean width without drift is the integral of the density
//! without drift, averaged over all levels, over the region. Who covers 93 % in both cases covers 93 % of any mixture of
//! them, and by Neyman and Pearson's lemma the region with the least width for this is where the quotient of the
//! mixture's and the averaged density exceeds a limit. So each mixture gives a bound, and the largest counts.

use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;
use rstest::rstest;

const COVERED: f64 = 0.93;
const MEMORY: f64 = 0.97;
const DRIFT: f64 = 0.04;
/// Distance of the oracle's ends from the level, in standard errors: 95 %. It knows that the server does not drift.
const ORACLE: f64 = 1.959_964;
/// Shares of the case with drift in the mixtures.
const MIXTURES: [f64; 7] = [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0];

/// What a likelihood needs of a run, after the filter that makes drift and noise white.
#[derive(Debug, Clone, Copy, Default)]
struct Whitened {
    /// Sum of squares of the latencies.
    squares: f64,
    /// Of the latencies with a level of 1.
    products: f64,
    /// Sum of squares of a level of 1.
    ones: f64,
    /// Logarithm of the filter's determinant.
    scale: f64,
}

impl Whitened {
    /// A Kalman filter for this drift.
    fn of(latencies: &[f64], spread: f64, drift: f64) -> Self {
        let (mut variance, mut expected, mut of_level) = (drift * drift, 0.0, 0.0);
        let mut all = Whitened::default();
        for latency in latencies {
            let total = variance + spread * spread;
            let (off, level) = (latency - expected, 1.0 - of_level);
            all.squares += off * off / total;
            all.products += off * level / total;
            all.ones += level * level / total;
            all.scale += 0.5 * total.ln();
            let gain = variance / total;
            expected = MEMORY * (expected + gain * off);
            of_level = MEMORY * (of_level + gain * level);
            let left = variance * spread * spread / total;
            variance = MEMORY * MEMORY * left + (1.0 - MEMORY * MEMORY) * drift * drift;
        }
        all
    }

    /// Logarithm of the density of the latencies less `level`.
    fn density(&self, level: f64) -> f64 {
        let squares = self.squares - 2.0 * level * self.products + level * level * self.ones;
        -0.5 * squares - self.scale
    }

    /// Logarithm of the density averaged over all levels.
    fn averaged(&self) -> f64 {
        let likeliest = self.products / self.ones;
        self.density(likeliest) + 0.5 * (2.0 * std::f64::consts::PI / self.ones).ln()
    }
}

/// A run around level 0, as one who supposes drift sees it, and one who supposes none.
struct Seen {
    drifting: Whitened,
    steady: Whitened,
}

impl Seen {
    /// `drift` is the server's own, `supposed` what the method allows for.
    fn runs(
        [runs, requests]: [usize; 2],
        spread: f64,
        drift: f64,
        supposed: f64,
        seed: u64,
    ) -> Vec<Self> {
        let mut random = Pcg64::seed_from_u64(seed);
        let mut normal = || -> f64 { StandardNormal.sample(&mut random) };
        let mut run = || {
            let mut speed = normal();
            let mut latency = || {
                let latency = drift * speed + spread * normal();
                speed = MEMORY * speed + (1.0 - MEMORY * MEMORY).sqrt() * normal();
                latency
            };
            let latencies: Vec<f64> = (0..requests).map(|_| latency()).collect();
            Seen {
                drifting: Whitened::of(&latencies, spread, supposed),
                steady: Whitened::of(&latencies, spread, 0.0),
            }
        };
        (0..runs).map(|_| run()).collect()
    }
}

impl Seen {
    /// Quotient of the mixture's density at this level and the averaged one.
    fn quotient(&self, drifting: f64, level: f64) -> f64 {
        let averaged = self.steady.averaged();
        let of = |case: &Whitened| (case.density(level) - averaged).exp();
        drifting * of(&self.drifting) + (1.0 - drifting) * of(&self.steady)
    }

    /// Width of the levels whose quotient exceeds the limit.
    fn width(&self, drifting: f64, limit: f64) -> f64 {
        const STEPS: i32 = 120;
        let center = self.drifting.products / self.drifting.ones;
        let step = 4.0 / self.drifting.ones.sqrt() / f64::from(STEPS);
        let levels = (-STEPS..=STEPS).map(|index| center + f64::from(index) * step);
        let kept = levels.filter(|level| self.quotient(drifting, *level) >= limit);
        kept.count() as f64 * step
    }
}

/// The least mean width where nothing drifts, in widths of the oracle.
fn least_width([runs, requests]: [usize; 2], spread: f64, drift: f64) -> f64 {
    let drifts = Seen::runs([runs, requests], spread, drift, drift, 1);
    let steady = Seen::runs([runs, requests], spread, 0.0, drift, 2);
    let bound = |drifting: f64| {
        let weighted = |runs: &[Seen], weight: f64| -> Vec<(f64, f64)> {
            let quotients = runs.iter().map(|run| run.quotient(drifting, 0.0));
            quotients.map(|quotient| (quotient, weight)).collect()
        };
        let mut all = weighted(&drifts, drifting);
        all.extend(weighted(&steady, 1.0 - drifting));
        all.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut covered = 0.0;
        let enough = COVERED * drifts.len() as f64;
        let limit = all.iter().find(|(_, weight)| {
            covered += weight;
            covered >= enough
        });
        let limit = limit.map_or(0.0, |(quotient, _)| *quotient);
        let widths = steady.iter().map(|run| run.width(drifting, limit));
        widths.sum::<f64>() / steady.len() as f64
    };
    let widest = MIXTURES.into_iter().map(bound).fold(0.0, f64::max);
    widest / (2.0 * ORACLE * spread / (requests as f64).sqrt())
}

/// Without drift the bound is that of a known normal distribution, 1.812 standard errors for 93 %. With drift it is wider,
/// and the more the fewer requests there are.
#[rstest]
#[case::no_drift(50, 0.05, 0.0, 0.925)]
#[case::few(50, 0.05, DRIFT, 2.9)]
#[case::many(200, 0.05, DRIFT, 1.0)]
fn the_bound(#[case] requests: usize, #[case] spread: f64, #[case] drift: f64, #[case] bound: f64) {
    let found = least_width([1_000, requests], spread, drift);
    assert!((found / bound - 1.0).abs() < 0.12, "{found}");
}

/// `cargo test --release --all-features --lib -- --ignored --nocapture least_width_table`
#[test]
#[ignore = "prints a table of docs/verdicts.md"]
fn least_width_table() {
    println!("| requests differ by | 20 requests | 50 | 100 | 200 |\n|---|---|---|---|---|");
    for spread in [0.05, 0.1] {
        let widths =
            [20, 50, 100, 200].map(|requests| least_width([6_000, requests], spread, DRIFT));
        let [a, b, c, d] = widths;
        println!(
            "| {:.0} % | {a:.1}× | {b:.1}× | {c:.1}× | {d:.1}× |",
            spread * 100.0
        );
    }
}
