//! Draws spans of time from a distribution.

use goodput_grammar::sim::{Distribution, Recording};
use rand::RngExt;
use rand_distr::{Distribution as _, Exp, Gamma, LogNormal, Normal, Uniform};
use rand_pcg::Pcg64Mcg;
use std::{sync::Arc, time::Duration};

/// Draws spans of time from one distribution, each independent of those before.
#[derive(Debug, Clone)]
pub(crate) enum Sampler {
    Constant(Duration),
    Normal(Normal<f64>),
    LogNormal(LogNormal<f64>),
    Gamma(Gamma<f64>),
    Uniform(Uniform<f64>),
    Exponential(Exp<f64>),
    /// One of these spans, at least one.
    OneOf(Arc<[Duration]>),
}

impl Sampler {
    /// A distribution without spread is its mean; uniform bounds may come in either order. A file
    /// has no sampler: whole requests are drawn from it.
    pub(crate) fn new(distribution: &Distribution) -> Result<Self, &str> {
        Ok(match *distribution {
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
            Distribution::Empirical(Recording::Times(ref times)) if times.is_empty() => {
                Sampler::Constant(Duration::ZERO)
            }
            Distribution::Empirical(Recording::Times(ref times)) => Sampler::OneOf(times.clone()),
            Distribution::Empirical(Recording::File(ref path)) => return Err(path),
        })
    }

    pub(crate) fn draw(&self, rng: &mut Pcg64Mcg) -> Duration {
        let seconds = match self {
            Sampler::Constant(span) => return *span,
            Sampler::OneOf(times) => return times[rng.random_range(..times.len())],
            Sampler::Normal(law) => law.sample(rng),
            Sampler::LogNormal(law) => law.sample(rng),
            Sampler::Gamma(law) => law.sample(rng),
            Sampler::Uniform(law) => law.sample(rng),
            Sampler::Exponential(law) => law.sample(rng),
        };
        // Negative draws are cut at 0; draws beyond what a `Duration` holds never end.
        Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rstest::rstest;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn draws(distribution: Distribution, count: usize) -> Vec<f64> {
        let sampler = Sampler::new(&distribution).unwrap();
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
    #[case::empirical(Distribution::empirical(&[ms(20), ms(20), ms(80)]), 40.0, 800_f64.sqrt())]
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
    #[case(Distribution::empirical(&[ms(7)]), 7.0)]
    #[case(Distribution::empirical(&[]), 0.0)]
    #[case(Distribution::Empirical(Recording::Times([].into())), 0.0)]
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
}
