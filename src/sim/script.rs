//! Draws the times of a scripted server.

use crate::clock::Nanos;
use goodput_grammar::sim::{Distribution, Script};
use rand::SeedableRng;
use rand_distr::{Distribution as _, Exp, Gamma, LogNormal, Normal, Uniform};
use rand_pcg::Pcg64Mcg;
use std::time::Duration;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Draws spans of time from one distribution.
#[derive(Debug, Clone, Copy)]
enum Sampler {
    Constant(Duration),
    Normal(Normal<f64>),
    LogNormal(LogNormal<f64>),
    Gamma(Gamma<f64>),
    Uniform(Uniform<f64>),
    Exponential(Exp<f64>),
}

impl Sampler {
    /// A distribution without spread is its mean; uniform bounds may come in either order.
    fn new(distribution: Distribution) -> Self {
        match distribution {
            Distribution::Constant(mean) => Sampler::Constant(mean),
            Distribution::Normal(mean, sd) => Normal::new(mean.as_secs_f64(), sd.as_secs_f64())
                .map_or(Sampler::Constant(mean), Sampler::Normal),
            Distribution::LogNormal(mean, sd) => {
                let m = mean.as_secs_f64();
                LogNormal::from_mean_cv(m, sd.as_secs_f64() / m)
                    .map_or(Sampler::Constant(mean), Sampler::LogNormal)
            }
            Distribution::Gamma(mean, sd) => {
                let (m, s) = (mean.as_secs_f64(), sd.as_secs_f64());
                Gamma::new((m / s).powi(2), s.powi(2) / m)
                    .map_or(Sampler::Constant(mean), Sampler::Gamma)
            }
            Distribution::Uniform(a, b) => {
                let (low, high) = (a.min(b), a.max(b));
                Uniform::new_inclusive(low.as_secs_f64(), high.as_secs_f64())
                    .map_or(Sampler::Constant(low), Sampler::Uniform)
            }
            Distribution::Exponential(mean) => Exp::new(mean.as_secs_f64().recip())
                .map_or(Sampler::Constant(mean), Sampler::Exponential),
        }
    }

    fn draw(&self, rng: &mut Pcg64Mcg) -> Duration {
        let seconds = match self {
            Sampler::Constant(span) => return *span,
            Sampler::Normal(law) => law.sample(rng),
            Sampler::LogNormal(law) => law.sample(rng),
            Sampler::Gamma(law) => law.sample(rng),
            Sampler::Uniform(law) => law.sample(rng),
            Sampler::Exponential(law) => law.sample(rng),
        };
        // Negative draws are cut at 0; those beyond what a `Duration` holds never come to an end.
        Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
    }
}

/// The send times of a request's tokens, without end.
#[derive(Debug)]
pub(super) struct TokenTimes {
    next: Nanos,
    itl: Sampler,
    rng: Pcg64Mcg,
}

impl TokenTimes {
    /// The times of the `ordinal`th request, which arrived at `arrival`.
    pub(super) fn new(script: &Script, ordinal: u64, arrival: Nanos) -> Self {
        // Hashed, because generators whose seeds are neighbours start out alike.
        let seed = xxh3_64_with_seed(&ordinal.to_le_bytes(), script.seed);
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let ttft = Sampler::new(script.ttft).draw(&mut rng);
        TokenTimes {
            next: arrival.after(ttft),
            itl: Sampler::new(script.itl),
            rng,
        }
    }
}

impl Iterator for TokenTimes {
    type Item = Nanos;

    fn next(&mut self) -> Option<Nanos> {
        let now = self.next;
        self.next = now.after(self.itl.draw(&mut self.rng));
        Some(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn draws(distribution: Distribution, count: usize) -> Vec<f64> {
        let sampler = Sampler::new(distribution);
        let mut rng = Pcg64Mcg::seed_from_u64(1);
        (0..count)
            .map(|_| sampler.draw(&mut rng).as_secs_f64() * 1e3)
            .collect()
    }

    /// 20,000 draws put the mean within 4 standard errors, which is 2.9 % of the deviation.
    #[rstest]
    #[case::constant(Distribution::Constant(ms(50)), 50.0, 0.0)]
    #[case::normal(Distribution::Normal(ms(50), ms(5)), 50.0, 5.0)]
    #[case::lognormal(Distribution::LogNormal(ms(50), ms(20)), 50.0, 20.0)]
    #[case::gamma(Distribution::Gamma(ms(50), ms(20)), 50.0, 20.0)]
    #[case::uniform(Distribution::Uniform(ms(40), ms(60)), 50.0, 20.0 / 12_f64.sqrt())]
    #[case::exponential(Distribution::Exponential(ms(50)), 50.0, 50.0)]
    fn mean_and_deviation_are_those_asked_for(
        #[case] distribution: Distribution,
        #[case] mean: f64,
        #[case] sd: f64,
    ) {
        let draws = draws(distribution, 20_000);
        let count = draws.len() as f64;
        let found = draws.iter().sum::<f64>() / count;
        let spread = (draws.iter().map(|d| (d - found).powi(2)).sum::<f64>() / count).sqrt();
        assert!((found - mean).abs() <= 0.029 * sd + 1e-9, "mean {found}");
        assert!(
            (spread - sd).abs() <= 0.06 * sd + 1e-9,
            "deviation {spread}"
        );
    }

    #[rstest]
    #[case(Distribution::Normal(ms(5), ms(0)), 5.0)]
    #[case(Distribution::LogNormal(ms(5), ms(0)), 5.0)]
    #[case(Distribution::LogNormal(ms(0), ms(5)), 0.0)]
    #[case(Distribution::Gamma(ms(5), ms(0)), 5.0)]
    #[case(Distribution::Gamma(ms(0), ms(0)), 0.0)]
    #[case(Distribution::Uniform(ms(5), ms(5)), 5.0)]
    #[case(Distribution::Exponential(ms(0)), 0.0)]
    fn without_spread_it_is_the_mean(#[case] distribution: Distribution, #[case] mean: f64) {
        for draw in draws(distribution, 10) {
            assert!((draw - mean).abs() < 1e-6, "{draw}");
        }
    }

    #[test]
    fn a_wide_normal_is_cut_at_zero() {
        let draws = draws(Distribution::Normal(ms(1), ms(100)), 1_000);
        assert!(draws.contains(&0.0));
        assert!(draws.iter().all(|&draw| draw >= 0.0));
    }

    #[test]
    fn constant_times_add_up_exactly() {
        let script = Script {
            ttft: Distribution::Constant(ms(50)),
            itl: Distribution::Constant(Duration::from_micros(5_300)),
            ..Script::default()
        };
        let last = TokenTimes::new(&script, 9, Nanos(1_000)).nth(100_000);
        assert_eq!(last, Some(Nanos(1_000 + 50_000_000 + 100_000 * 5_300_000)));
    }

    fn noisy(seed: u64) -> Script {
        Script {
            ttft: Distribution::Exponential(ms(50)),
            itl: Distribution::Gamma(ms(10), ms(3)),
            seed,
            ..Script::default()
        }
    }

    #[test]
    fn requests_and_seeds_draw_differently() {
        let first = |seed, ordinal| TokenTimes::new(&noisy(seed), ordinal, Nanos(0)).next();
        assert_ne!(first(1, 0), first(1, 1));
        assert_ne!(first(1, 0), first(2, 0));
    }

    proptest! {
        #[test]
        fn the_same_request_draws_the_same_times(seed: u64, ordinal: u64, arrival in 0..1_u64 << 40) {
            let times = |at| TokenTimes::new(&noisy(seed), ordinal, Nanos(at)).take(8);
            let relative: Vec<_> = times(arrival).map(|at| at.0 - arrival).collect();
            prop_assert_eq!(&relative, &times(0).map(|at| at.0).collect::<Vec<_>>());
            prop_assert!(relative.is_sorted());
        }
    }
}
