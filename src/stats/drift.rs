//! How much a server's speed drifts, and how much less a run knows because of that.
//!
//! Where latencies are [calm](super::calm), the logarithm of a latency is a level, plus the request's own difference, plus
//! the server's speed: an autoregression from request to request. Its strength and its memory are unknown. Each pair of
//! them counts by how likely it makes the data; a Kalman filter gives this likelihood, with level and scale integrated
//! out (REML). Before the run, a drift of 4 % that remembers 33 requests is [likeliest](USUAL), because a short run does not
//! show a drift. A long run shows if there is less.

use super::{
    calm, critical,
    mixture::{Mixture, Part as Error},
};

/// Drifts that are considered: standard deviations of the logarithm of the speed.
const STRENGTHS: [f64; 10] = [
    0.007, 0.01, 0.014, 0.02, 0.028, 0.04, 0.056, 0.08, 0.113, 0.16,
];
/// Correlations of the speeds of neighbouring requests.
const MEMORIES: [f64; 5] = [0.5, 0.8, 0.9, 0.97, 0.99];
/// The drift that is assumed before the run (strength and memory), how likely it is, and how likely no drift is. The
/// rest is shared equally by all other drifts.
const USUAL: (f64, f64) = (0.04, 0.97);
const SUPPOSED: f64 = 0.8;
const NONE: f64 = 0.1;
/// Logarithms farther from the median than this many times their usual distance are cut: a stall is not drift.
const FARTHEST: f64 = 3.0;
/// The distance of the tenth and ninetieth percentile of a normal distribution, in standard deviations.
const FROM_TENTH_TO_NINETIETH: f64 = 2.563_103_131;
/// Parts this much less likely than the likeliest (on the logarithmic scale) do not count.
const UNLIKELY: f64 = 10.0;
/// Terms of the series that says how often two requests are beyond a level together.
const TERMS: usize = 12;
const FEWEST: usize = 8;
/// Degrees of freedom of a normal distribution.
const NORMAL: f64 = 1e4;
/// Where the mixture of drifts is compared with a normal distribution.
const ERROR: f64 = 0.025;

/// What a run knows of its server's drift.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Drift {
    parts: Vec<Part>,
    requests: usize,
}

/// One drift that is considered.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Part {
    weight: f64,
    memory: f64,
    /// The drift's share of the variance of a request.
    share: f64,
    /// The variance of the mean of the logarithms that the drift causes.
    level: f64,
}

/// The relative variance of the mean latency of a run that drift causes; 0 where latencies are not calm.
pub fn variance_by_drift(values: &[f64]) -> f64 {
    Drift::of(values).map_or(0.0, |drift| {
        let parts = drift.parts.iter();
        parts.map(|part| part.weight * part.level).sum()
    })
}

impl Drift {
    /// The drift of the latencies of requests in the order of the plan. `None` if they are not calm, do not differ,
    /// or are too few.
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        if !calm::is_calm(&sorted) {
            return None;
        }
        let series = logarithms(values)?;
        let count = series.len() as f64;
        let steps = series.windows(2).map(|pair| pair[1] - pair[0]);
        let noise = 0.5 * steps.map(|step| step * step).sum::<f64>() / (count - 1.0);
        if noise <= 0.0 {
            return None;
        }
        let cases = (STRENGTHS.len() * MEMORIES.len()) as f64;
        let other = (1.0 - SUPPOSED - NONE) / (cases - 1.0);
        let none = (NONE, 0.0, 0.0);
        let all = STRENGTHS.iter().flat_map(|strength| {
            MEMORIES.iter().map(move |memory| {
                let usual = (*strength, *memory) == USUAL;
                let before = if usual { SUPPOSED } else { other };
                (before, strength * strength, *memory)
            })
        });
        let mut parts: Vec<Part> = std::iter::once(none)
            .chain(all)
            .map(|(before, strength, memory)| {
                let ratio = strength / noise;
                let (likely, scale) = likelihood(&series, ratio, memory);
                Part {
                    weight: libm::log(before) + likely,
                    memory,
                    share: ratio / (1.0 + ratio),
                    level: scale * ratio * variance_of_mean(series.len(), memory),
                }
            })
            .collect();
        let best = parts
            .iter()
            .fold(f64::NEG_INFINITY, |most, part| most.max(part.weight));
        parts.retain(|part| part.weight > best - UNLIKELY);
        let total: f64 = parts.iter().map(|part| libm::exp(part.weight - best)).sum();
        for part in &mut parts {
            part.weight = libm::exp(part.weight - best) / total;
        }
        Some(Drift {
            parts,
            requests: series.len(),
        })
    }

    /// The number of requests that the drift was estimated from.
    pub(super) fn requests(&self) -> usize {
        self.requests
    }

    /// Distance of an interval's end with drift, on the scale of logarithms. `far` is its distance without drift, `error` the
    /// probability that the end is wrong.
    pub(super) fn moved(&self, far: f64, error: f64) -> f64 {
        let freedom = self.requests as f64 - 1.0;
        let alone = far / critical::t(freedom, error);
        Mixture(&self.errors(alone * alone, freedom, 1.0)).exceeded(error)
    }

    /// Errors of a mean. `variance` is its variance without drift; `change` is the mean's change per unit of the
    /// logarithm of the speed.
    pub(super) fn errors(&self, variance: f64, freedom: f64, change: f64) -> Vec<Error> {
        let error = |part: &Part| Error {
            weight: part.weight,
            error: (variance + change * change * part.level).sqrt(),
            freedom,
        };
        self.parts.iter().map(error).collect()
    }

    /// Factor by which drift enlarges the variance of the share of requests beyond a level (Hermite's expansion of the common
    /// distribution of two normal variables). `of` says which part of drift's effect counts.
    pub(super) fn inflation(&self, share: f64, of: Effect) -> f64 {
        let share = share.min(1.0 - share).max(0.5 / self.requests as f64);
        let level = critical::normal(share);
        let density = libm::exp(-0.5 * level * level) / (2.0 * std::f64::consts::PI).sqrt();
        let scale = density * density / (share * (1.0 - share));
        let mut inflations = vec![1.0; self.parts.len()];
        // Hermite's polynomials, over the root of the factorial.
        let (mut before, mut now) = (0.0, 1.0);
        for term in 1..=TERMS {
            let order = term as f64;
            if term > 1 || of == Effect::All {
                for (part, inflation) in self.parts.iter().zip(&mut inflations) {
                    let alike = variance_of_mean(self.requests, libm::pow(part.memory, order))
                        * self.requests as f64
                        - 1.0;
                    *inflation += scale * now * now / order * libm::pow(part.share, order) * alike;
                }
            }
            let next = (level * now - (order - 1.0).sqrt() * before) / order.sqrt();
            (before, now) = (now, next);
        }
        let error = |(part, inflation): (&Part, &f64)| Error {
            weight: part.weight,
            error: inflation.sqrt(),
            freedom: NORMAL,
        };
        let errors: Vec<Error> = self.parts.iter().zip(&inflations).map(error).collect();
        let times = Mixture(&errors).exceeded(ERROR) / critical::normal(ERROR);
        times * times
    }
}

/// What drift does to a share of requests beyond a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Everything.
    All,
    /// All but moving every value alike.
    OnShape,
}

/// The logarithms relative to their median, with outliers cut.
fn logarithms(values: &[f64]) -> Option<Vec<f64>> {
    let logs: Vec<f64> = values.iter().map(|value| libm::log(*value)).collect();
    let mut sorted = logs.clone();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted[(share * (sorted.len() - 1) as f64) as usize];
    if logs.len() < FEWEST {
        return None;
    }
    let farthest = FARTHEST * (at(0.9) - at(0.1)) / FROM_TENTH_TO_NINETIETH;
    let bring = |log: f64| (log - at(0.5)).clamp(-farthest, farthest);
    (farthest > 0.0).then(|| logs.into_iter().map(bring).collect())
}

/// The logarithm of how likely a drift with this variance, as a multiple of the requests' own, makes the series; and
/// the requests' own variance that goes with it.
fn likelihood(series: &[f64], drift: f64, memory: f64) -> (f64, f64) {
    let (mut value, mut level) = (0.0, 0.0);
    let mut doubt = drift;
    let (mut values, mut cross, mut levels, mut logs) = (0.0, 0.0, 0.0, 0.0);
    let mut product = 1.0;
    for x in series {
        let variance = doubt + 1.0;
        let (of_value, of_level) = (x - value, 1.0 - level);
        values += of_value * of_value / variance;
        cross += of_value * of_level / variance;
        levels += of_level * of_level / variance;
        product *= variance;
        if product > 1e200 {
            logs += libm::log(product);
            product = 1.0;
        }
        let gain = doubt / variance;
        value = memory * (value + gain * of_value);
        level = memory * (level + gain * of_level);
        doubt = memory * memory * doubt * (1.0 - gain) + drift * (1.0 - memory * memory);
    }
    logs += libm::log(product);
    let freedom = series.len() as f64 - 1.0;
    let rest = (values - cross * cross / levels).max(f64::MIN_POSITIVE);
    let likely = -0.5 * (logs + libm::log(levels) + freedom * libm::log(rest));
    (likely, rest / freedom)
}

/// The variance of the mean of `count` values of an autoregression whose own variance is 1.
fn variance_of_mean(count: usize, memory: f64) -> f64 {
    let count = count as f64;
    let forgets = 1.0 - memory;
    let ends = 2.0 * memory * (1.0 - libm::pow(memory, count)) / (forgets * forgets);
    ((1.0 + memory) / forgets * count - ends) / (count * count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::testing::Queue;
    use rstest::rstest;

    const STILL: Queue = Queue {
        slots: 64,
        spread: 0.05,
        ..Queue::steady(0.01)
    };

    /// The standard deviation of the level, in the middle of thirty runs.
    fn level(queue: Queue, requests: usize) -> f64 {
        let of = |seed| {
            let drift = Drift::of(&queue.ttfts(requests, seed)).unwrap();
            let parts = drift.parts.iter();
            parts
                .map(|part| part.weight * part.level)
                .sum::<f64>()
                .sqrt()
        };
        let mut levels: Vec<f64> = (0..31).map(of).collect();
        levels.sort_by(f64::total_cmp);
        levels[15]
    }

    #[test]
    fn twenty_requests_suppose_the_usual_drift() {
        let usual = 0.04 * variance_of_mean(20, 0.97).sqrt();
        let found = level(STILL, 20);
        assert!((found / usual - 1.0).abs() < 0.25, "{found} {usual}");
    }

    #[test]
    fn a_thousand_requests_show_that_there_is_none() {
        assert!(level(STILL, 1_000) < 0.003, "{}", level(STILL, 1_000));
    }

    #[rstest]
    #[case::as_usual(0.04)]
    #[case::stronger(0.1)]
    fn a_thousand_requests_show_how_strong_it_is(#[case] drift: f64) {
        let found = level(Queue { drift, ..STILL }, 1_000);
        let expected = drift * variance_of_mean(1_000, 0.97).sqrt();
        assert!((found / expected - 1.0).abs() < 0.4, "{found} {expected}");
    }

    /// 1 + φ + φ² …, by hand for three: (3 + 4φ + 2φ²) / 9.
    #[test]
    fn neighbours_that_are_alike_do_not_average_out() {
        let (half, none) = (variance_of_mean(3, 0.5), variance_of_mean(3, 0.0));
        assert!((half - 5.5 / 9.0).abs() < 1e-12 && (none - 1.0 / 3.0).abs() < 1e-12);
    }

    #[rstest]
    #[case(&[5.0; 50])]
    #[case(&[5.0, 6.0, 7.0])]
    fn what_does_not_differ_shows_no_drift(#[case] values: &[f64]) {
        assert_eq!(Drift::of(values), None);
    }

    /// By the median a shift of all values moves a share most, and the shape hardly.
    #[test]
    fn drift_moves_shares_and_bends_the_tail() {
        let queue = Queue {
            drift: 0.04,
            ..STILL
        };
        let drift = Drift::of(&queue.ttfts(600, 1)).unwrap();
        let times = |share, of| drift.inflation(share, of);
        assert!(times(0.5, Effect::All) > 5.0);
        assert!(times(0.5, Effect::OnShape) < 2.0);
        assert!(times(0.99, Effect::OnShape) > 1.5);
    }
}
