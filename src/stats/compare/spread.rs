//! How far the mean of log ratios is off by chance.
//!
//! Five pairs have five log ratios, and their scatter has four degrees of freedom, for which 1 % takes 3.7 standard
//! errors. How the *sums* of a pair's two logarithms scatter says the same about the noise, unless something that
//! both runs of a pair share adds to the sums and cancels in the ratios: the plan, the hour. With the sums there are
//! eight, and 2.9 do.
//!
//! How much less ratios scatter than sums is not known. So every quotient r of their variances counts by how likely
//! it makes both scatters, as a Bayesian would do it: beforehand each order of magnitude is as likely as any other,
//! and a quotient above [`ALIKE`], which nothing but the order within pairs can cause, is less likely. For a given r,
//! `r·sums + ratios` is the scatter and Student's t the test. The interval is that of the mixture. Two degrees of
//! freedom go to the quotient; `docs/verdicts.md` has the measured false alarms.

use super::swap;
use crate::stats::{Interval, critical, halving::halved};

/// Fewer pairs are tested by their ratios alone: a quotient of two such scatters says too little.
const FEWEST_POOLED: usize = 4;
/// Up to this quotient none is less likely than another beforehand.
const ALIKE: f64 = 2.0;
/// Beyond, it is as much less likely as it is larger, but counts so much at least.
const UNLIKELY: f64 = 0.05;
/// Degrees of freedom that the quotient costs.
const OF_QUOTIENT: f64 = 2.0;
/// Quotients that are tried, on either side of the one that was seen, and how far their logarithms are apart.
const QUOTIENTS: i32 = 15;
const STEP: f64 = 0.5;
/// Enough for seven digits.
const HALVINGS: usize = 24;

/// How often a change that is called detectable may be missed.
const MISSED: f64 = 0.1;

/// Squared deviations from the mean over several pairs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Squares {
    /// Squares of the log ratios, ln B − ln A.
    pub(super) ratios: f64,
    /// Squares of the sums, ln B + ln A.
    pub(super) sums: f64,
    pub(super) pairs: usize,
}

impl Squares {
    pub(super) fn of(logs: &Logs) -> Self {
        Squares {
            ratios: squares(&logs.ratios),
            sums: squares(&logs.sums),
            pairs: logs.ratios.len(),
        }
    }
}

fn squares(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares = values.iter().map(|value| (value - mean) * (value - mean));
    squares.sum()
}

/// The logarithms of pairs (A, B).
#[derive(Debug, Clone, Default)]
pub(super) struct Logs {
    /// ln B − ln A.
    pub(super) ratios: Vec<f64>,
    /// ln B + ln A.
    pub(super) sums: Vec<f64>,
}

impl Logs {
    /// The logarithms of those pairs that have values above 0.
    pub(super) fn of(pairs: &[(f64, f64)]) -> Self {
        let usable = || pairs.iter().filter(|(a, b)| *a > 0.0 && *b > 0.0);
        Logs {
            ratios: usable().map(|(a, b)| libm::log(b / a)).collect(),
            sums: usable().map(|(a, b)| libm::log(b * a)).collect(),
        }
    }
}

/// Degrees of freedom of this number of pairs, tested at this error; 0 for one pair.
pub(super) fn freedom(pairs: usize, error: f64) -> f64 {
    if are_pooled(pairs, error) {
        2.0 * (pairs as f64 - 1.0) - OF_QUOTIENT
    } else {
        pairs as f64 - 1.0
    }
}

/// Returns whether sums count in addition to the ratios of this number of pairs.
pub(super) fn are_pooled(pairs: usize, error: f64) -> bool {
    pairs >= FEWEST_POOLED && !swap::swaps_reach(pairs, error)
}

/// How the mean of log ratios scatters.
pub(super) struct Spread {
    /// The standard error for which Student's t gives the interval at the error that it was made for.
    error: f64,
    /// Degrees of freedom; 0 for one pair.
    freedom: f64,
    pairs: usize,
}

impl Spread {
    /// The scatter for a test at this error.
    pub(super) fn of(squares: Squares, error: f64) -> Self {
        let pairs = squares.pairs;
        let freedom = freedom(pairs, error);
        let alone = || (squares.ratios / (pairs as f64 - 1.0).max(1.0) / pairs as f64).sqrt();
        let pooled = are_pooled(pairs, error) && squares.ratios > 0.0 && squares.sums > 0.0;
        Spread {
            error: if pooled {
                pooled_error(squares, freedom, error)
            } else {
                alone()
            },
            freedom,
            pairs,
        }
    }

    /// By how many of its standard errors a mean differs from 0. `None` where there is no chance in it.
    pub(super) fn t(&self, mean: f64) -> Option<f64> {
        (self.freedom >= 1.0 && self.error > 0.0).then(|| mean / self.error)
    }

    /// How likely a mean above this is without a change.
    pub(super) fn p_above(&self, mean: f64) -> f64 {
        if self.freedom < 1.0 {
            return 0.5;
        }
        match self.t(mean) {
            Some(t) => critical::t_above(self.freedom, t),
            None => match mean.total_cmp(&0.0) {
                std::cmp::Ordering::Greater => 0.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 1.0,
            },
        }
    }

    pub(super) fn interval(&self, mean: f64, error: f64) -> Interval {
        if self.freedom < 1.0 {
            return Interval::UNKNOWN;
        }
        let half = critical::t(self.freedom, error) * self.error;
        Interval::new(mean - half, mean + half)
    }

    /// The log ratio that is beyond chance nine times out of ten.
    pub(super) fn detectable(&self, error: f64, critical: Option<f64>) -> Option<f64> {
        if self.freedom < 1.0 {
            return None;
        }
        let t = |beyond| critical::t(self.freedom, beyond);
        let by_mean = (critical.unwrap_or_else(|| t(error)) + t(MISSED)) * self.error;
        let pairs = self.pairs as f64;
        // Where only the most extreme swaps are rare enough, every single pair must agree.
        let all_agree = swap::swaps_reach(self.pairs, error) && libm::exp2(2.0 - pairs) > error;
        Some(if all_agree {
            let one = critical::normal(1.0 - libm::pow(1.0 - MISSED, 1.0 / pairs));
            by_mean.max(one * self.error * pairs.sqrt())
        } else {
            by_mean
        })
    }
}

/// The standard error with which Student's t exceeds the mixture's critical point as rarely as this.
fn pooled_error(squares: Squares, freedom: f64, error: f64) -> f64 {
    let mixture = mixture(squares);
    let p = |half: f64| -> f64 {
        let parts = mixture.iter();
        parts
            .map(|(weight, error)| weight * critical::t_above(freedom, half / error))
            .sum()
    };
    let t = critical::t(freedom, error);
    let errors = || mixture.iter().map(|(_, error)| *error);
    // All of them are wrong more rarely than the widest, and more often than the narrowest.
    let between = (
        t * errors().fold(f64::INFINITY, f64::min),
        t * errors().fold(0.0, f64::max),
    );
    let (_, high) = halved(between, HALVINGS, |half| p(half) > error);
    high / t
}

/// How likely each quotient is, and the standard error of the mean of log ratios if it is the true one.
fn mixture(squares: Squares) -> Vec<(f64, f64)> {
    let (pairs, freedom) = (squares.pairs as f64, squares.pairs as f64 - 1.0);
    let seen = squares.ratios / squares.sums;
    let quotients = (-QUOTIENTS..=QUOTIENTS).map(|step| libm::exp(f64::from(step) * STEP));
    let parts: Vec<(f64, f64)> = quotients
        .map(|beside_seen| {
            let quotient = seen * beside_seen;
            let before = UNLIKELY + (1.0 - UNLIKELY) * (ALIKE / quotient).min(1.0);
            // The likelihood, with the size of the noise integrated out.
            let likely = libm::pow(beside_seen.sqrt() / (1.0 + beside_seen), freedom);
            let scatter = squares.ratios * (1.0 + beside_seen) / (2.0 * freedom);
            (before * likely, (scatter / pairs).sqrt())
        })
        .collect();
    let all: f64 = parts.iter().map(|(weight, _)| weight).sum();
    let weighed = parts.into_iter();
    weighed
        .map(|(weight, error)| (weight / all, error))
        .collect()
}
