//! How likely each correlation of neighbouring batches is, and how far off the mean may be with it.
//!
//! The means of m batches are y = Xβ + s·u: columns X that the plan explains, a scale s that on a ramp may grow along
//! the run, and an autoregression u of neighbours with correlation φ. For given φ and s everything is closed:
//! generalised least squares by whitening the batches, a likelihood of φ and s that β and the variance are integrated
//! out of (as in restricted maximum likelihood), Student's t for the mean. φ, the growth of s and the bend of a ramp
//! are summed over a grid (Zellner and Tiao 1964 do so for regressions).
//!
//! The prior of φ: all values between −0.5 and 1 are equally likely, and values near 0 seven times as likely, because
//! batches are usually long enough to have lost their memory. Without that bonus independent values would be covered
//! 97 to 98 % of the time. It gives way to a few batches in a row on one side.

use super::tails::Tails;
use crate::stats::mixture::Part;

/// Where φ is looked for, and at how many places.
pub(super) const CORRELATION: (f64, f64) = (-0.5, 1.0);
pub(super) const PLACES: usize = 24;
/// How much likelier φ is near 0 beforehand, and how near.
const BONUS: f64 = 6.0;
const NEAR: f64 = 0.12;
/// By how much the logarithm of the scale may grow from the middle of a ramp to its end.
const GROWTHS: [f64; 4] = [0.0, 1.0, 2.0, 3.0];
/// Where the pole of a sharp bend is; a ramp is from −1 to 1.
const POLE: f64 = 1.4;
/// Parts this much less likely than the likeliest (on the logarithmic scale) do not count.
pub(super) const UNLIKELY: f64 = 10.0;
/// The smallest number of degrees of freedom.
const FREEDOM: f64 = 1.5;

/// What explains the batches.
pub(super) struct Model {
    /// Columns besides the level, each with mean 0; the same number in each of the ways that are tried.
    trends: Vec<Vec<Vec<f64>>>,
    batches: usize,
    growths: &'static [f64],
}

/// What is known after looking at the batches.
pub(super) struct Posterior {
    /// Where the mean of the series may be, around what was measured.
    pub(super) parts: Vec<Part>,
    /// The expected correlation of neighbouring batches.
    pub(super) correlation: f64,
}

impl Model {
    /// A model in which batches have one level.
    pub(super) fn level(batches: usize) -> Self {
        Model {
            trends: vec![Vec::new()],
            batches,
            growths: &GROWTHS[..1],
        }
    }

    /// The same model with another column, whose mean is 0.
    pub(super) fn with(mut self, column: Vec<f64>) -> Self {
        self.trends
            .iter_mut()
            .for_each(|trend| trend.push(column.clone()));
        self
    }

    /// A model in which batches follow a line with a bend, and their scatter grows or stays the same.
    ///
    /// The bend is a parabola's, or that of waits when a queue fills up, 1 / (pole − x). Batches of values of which
    /// single ones are large are not assumed to follow the latter: a slope this steep at the end of a ramp is usually
    /// luck there.
    pub(super) fn ramp(batches: usize, tails: Tails) -> Self {
        let line: Vec<f64> = (0..batches).map(|batch| place(batch, batches)).collect();
        let bent = |of: fn(f64) -> f64| {
            let mut bent: Vec<f64> = line.iter().map(|x| of(*x)).collect();
            take_out(&mut bent, &vec![1.0; batches]);
            take_out(&mut bent, &line);
            // Of one length, so that no bend is likelier for its unit.
            let length = dot(&bent, &bent).sqrt();
            bent.iter_mut().for_each(|x| *x /= length);
            vec![line.clone(), bent]
        };
        let mut trends = vec![bent(|x| x * x)];
        if tails == Tails::Light {
            trends.push(bent(|x| 1.0 / (POLE - x)));
        }
        Model {
            trends,
            batches,
            growths: &GROWTHS,
        }
    }

    /// The posterior, from the batches' means less the mean of all.
    pub(super) fn posterior(&self, means: &[f64]) -> Posterior {
        let mut candidates = Vec::with_capacity(self.growths.len() * self.trends.len() * PLACES);
        for growth in self.growths {
            let scale: Vec<f64> = (0..self.batches)
                .map(|batch| libm::exp(growth * place(batch, self.batches)))
                .collect();
            for trend in &self.trends {
                let freedom = self.freedom(means, trend, &scale);
                for place in 0..PLACES {
                    let (from, to) = CORRELATION;
                    let correlation = from + (to - from) * (place as f64 + 0.5) / PLACES as f64;
                    let (likely, error) = self.fit(means, trend, correlation, &scale);
                    candidates.push((likely, correlation, error, freedom));
                }
            }
        }
        let most = |most: f64, candidate: &(f64, f64, f64, f64)| most.max(candidate.0);
        let best = candidates.iter().fold(f64::NEG_INFINITY, most);
        candidates.retain(|candidate| candidate.0 > best - UNLIKELY);
        let weight = |likely: f64| libm::exp(likely - best);
        let total: f64 = candidates.iter().map(|c| weight(c.0)).sum();
        let correlation = candidates.iter().map(|c| weight(c.0) * c.1).sum::<f64>() / total;
        let part = |(likely, _, error, freedom)| Part {
            weight: weight(likely),
            error,
            freedom,
        };
        Posterior {
            parts: candidates.into_iter().map(part).collect(),
            correlation,
        }
    }

    /// The logarithm of how likely this correlation and scale are, and the standard error of the plain
    /// mean that goes with them.
    fn fit(
        &self,
        means: &[f64],
        trend: &[Vec<f64>],
        correlation: f64,
        scale: &[f64],
    ) -> (f64, f64) {
        let (rest, volume) = rest(means, trend, correlation, scale);
        let unexplained = dot(&rest, &rest);
        let freedom = self.spare();
        // Residuals of rounding only, when the columns explain everything.
        let unexplained = unexplained.max(1e-24 * means.iter().map(|y| y * y).sum::<f64>());
        let likely = likelihood(correlation, volume, freedom, unexplained);
        // The variance of the sum of all batches, each pair of them by its distance.
        let (mut sum, mut before) = (0.0, 0.0);
        for scale in scale {
            sum += scale * (scale + 2.0 * before);
            before = correlation * (before + scale);
        }
        let innovation = unexplained / freedom;
        let variance = innovation * sum / (1.0 - correlation * correlation);
        (likely, variance.max(0.0).sqrt() / self.batches as f64)
    }

    /// The number of batches that are left when everything is fitted.
    fn spare(&self) -> f64 {
        (self.batches - 1 - self.trends[0].len()) as f64
    }

    /// Degrees of freedom by the kurtosis of what a trend leaves on this scale. A growing scale is known roughly
    /// only: the square root of what it would cost if it were not accounted for at all.
    fn freedom(&self, means: &[f64], trend: &[Vec<f64>], scale: &[f64]) -> f64 {
        let (rest, _) = rest(means, trend, 0.0, scale);
        let squares = || rest.iter().map(|x| x * x);
        let count = self.batches as f64;
        let variance = squares().sum::<f64>() / count;
        let fourth = squares().map(|square| square * square).sum::<f64>() / count;
        // NaN where nothing is left, which `max` drops.
        let kurtosis = (fourth / (variance * variance)).max(3.0);
        (self.spare() * 2.0 / (kurtosis - 1.0) * alike(scale).sqrt()).max(FREEDOM)
    }
}

/// The logarithm of how likely a correlation is by what is left unexplained, times how likely it was beforehand.
pub(super) fn likelihood(correlation: f64, volume: f64, freedom: f64, unexplained: f64) -> f64 {
    let nearness = correlation / NEAR;
    0.5 * libm::log(1.0 - correlation * correlation)
        - libm::log(volume)
        - 0.5 * freedom * libm::log(unexplained)
        + libm::log(1.0 + BONUS * libm::exp(-0.5 * nearness * nearness))
}

/// What a level and a trend leave of the batches once these are whitened, and the volume that level and
/// trend span.
fn rest(means: &[f64], trend: &[Vec<f64>], correlation: f64, scale: &[f64]) -> (Vec<f64>, f64) {
    let level = white(scale.iter().map(|_| 1.0), correlation, scale);
    let of = |series: &[f64]| white(series.iter().copied(), correlation, scale);
    let columns = std::iter::once(level).chain(trend.iter().map(|x| of(x)));
    least_squares(columns.collect(), of(means))
}

/// The innovations of an autoregression with this correlation and scale.
pub(super) fn white(
    series: impl Iterator<Item = f64>,
    correlation: f64,
    scale: &[f64],
) -> Vec<f64> {
    let mut white = Vec::with_capacity(scale.len());
    let mut before = 0.0;
    for (value, scale) in series.zip(scale) {
        let now = value / scale;
        white.push(if white.is_empty() {
            now * (1.0 - correlation * correlation).sqrt()
        } else {
            now - correlation * before
        });
        before = now;
    }
    white
}

/// The place of a batch: from −1 to 1.
fn place(batch: usize, batches: usize) -> f64 {
    2.0 * (batch as f64 + 0.5) / batches as f64 - 1.0
}

/// The share of batches that counts when their scales differ (Satterthwaite).
fn alike(scale: &[f64]) -> f64 {
    let squares = || scale.iter().map(|s| s * s);
    let sum: f64 = squares().sum();
    sum * sum / squares().map(|square| square * square).sum::<f64>() / scale.len() as f64
}

/// What the columns leave of a series, and the volume that they span, by Gram and Schmidt.
fn least_squares(mut columns: Vec<Vec<f64>>, mut series: Vec<f64>) -> (Vec<f64>, f64) {
    let mut volume = 1.0;
    for done in 0..columns.len() {
        let (before, rest) = columns.split_at_mut(done);
        for other in before {
            take_out(&mut rest[0], other);
        }
        volume *= dot(&rest[0], &rest[0]).sqrt();
        take_out(&mut series, &rest[0]);
    }
    (series, volume)
}

/// Takes out of a series what a column explains.
pub(super) fn take_out(series: &mut [f64], column: &[f64]) {
    let square = dot(column, column);
    if square > 0.0 {
        let share = dot(series, column) / square;
        for (value, x) in series.iter_mut().zip(column) {
            *value -= share * x;
        }
    }
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The best straight line through (−1, 0), (0, 3), (1, 3) leaves 0.5, 1, 0.5 squared.
    #[test]
    fn least_squares_leaves_what_a_line_does_not_explain() {
        let columns = vec![vec![1.0; 3], vec![-1.0, 0.0, 1.0]];
        let (left, volume) = least_squares(columns, vec![0.0, 3.0, 3.0]);
        assert!((dot(&left, &left) - 1.5).abs() < 1e-12, "{left:?}");
        assert!((volume - 6.0_f64.sqrt()).abs() < 1e-12, "{volume}");
    }

    /// With independent batches the error is the textbook's, s / √m.
    #[test]
    fn the_error_of_independent_batches() {
        let means = [1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 1.5, -1.5];
        let (_, error) = Model::level(8).fit(&means, &[], 0.0, &[1.0; 8]);
        assert!((error - (15.0_f64 / 7.0 / 8.0).sqrt()).abs() < 1e-12);
    }

    /// Var of the sum of an autoregression of three: 3 + 4φ + 2φ², over the stationary variance.
    #[test]
    fn correlation_adds_up_over_all_pairs() {
        let (_, error) = Model::level(3).fit(&[1.0, 0.0, -1.0], &[], 0.5, &[1.0; 3]);
        let (left, _) = least_squares(
            vec![vec![0.75_f64.sqrt(), 0.5, 0.5]],
            vec![0.75_f64.sqrt(), -0.5, -1.0],
        );
        let expected = dot(&left, &left) / 2.0 / 0.75 * (3.0 + 2.0 + 0.5) / 9.0;
        assert!((error * error - expected).abs() < 1e-12);
    }
}
