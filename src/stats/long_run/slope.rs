//! How fast a series grows, where neighbours are correlated.
//!
//! The model is that of the [posterior](super::posterior) with a line in place of what the plan explains: blocks are
//! y = a + b·x + u, with an autoregression u of neighbours with correlation φ. For a given φ the slope b is that of
//! generalised least squares, by whitening the blocks (Prais and Winsten 1954), and its error is Student's t. φ is not
//! known, and an estimate of few blocks is too small, mostly so if a line was fitted (Park and Mitchell 1980: intervals of
//! 95 % then cover 70 to 90 %). So each φ counts by how likely it makes the blocks (Zellner and Tiao 1964), and the
//! interval is that of the mixture.

use super::posterior::{CORRELATION, PLACES, UNLIKELY, dot, likelihood, take_out, white};
use crate::stats::{Interval, critical, halving::halved};

/// Fewer points than this show no slope.
const FEWEST: usize = 8;
/// The smallest number of degrees of freedom.
const FREEDOM: f64 = 1.5;

/// How fast a series grows, relative to its mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Slope {
    /// The share of the mean that is added in a unit of x.
    pub value: f64,
    parts: Vec<Part>,
}

/// What one correlation says about the slope.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Part {
    weight: f64,
    value: f64,
    error: f64,
    freedom: f64,
}

/// The line through points (x, y), of which neighbours are about equally far from each other. `None` for fewer than 8
/// points, points at one place, and a mean of 0 or less.
pub fn slope(points: &[(f64, f64)]) -> Option<Slope> {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (center, level) = (mean(|point| point.0), mean(|point| point.1));
    let line: Vec<f64> = points.iter().map(|(x, _)| x - center).collect();
    let rest: Vec<f64> = points.iter().map(|(_, y)| y - level).collect();
    if points.len() < FEWEST || level <= 0.0 || dot(&line, &line) <= 0.0 {
        return None;
    }
    if rest.iter().all(|y| *y == 0.0) {
        let parts = Vec::new();
        return Some(Slope { value: 0.0, parts });
    }
    let freedom = freedom(&line, &rest);
    let candidates: Vec<(f64, Part)> = (0..PLACES)
        .map(|place| {
            let (from, to) = CORRELATION;
            let correlation = from + (to - from) * (place as f64 + 0.5) / PLACES as f64;
            fit(&line, &rest, level, correlation, freedom)
        })
        .collect();
    let best = candidates
        .iter()
        .fold(f64::NEG_INFINITY, |best, (likely, _)| best.max(*likely));
    let parts: Vec<Part> = candidates
        .into_iter()
        .filter(|(likely, _)| *likely > best - UNLIKELY)
        .map(|(likely, part)| Part {
            weight: libm::exp(likely - best),
            ..part
        })
        .collect();
    let total: f64 = parts.iter().map(|part| part.weight).sum();
    let value = parts.iter().map(|p| p.weight * p.value).sum::<f64>() / total;
    Some(Slope { value, parts })
}

/// How likely a correlation is, and the slope with it. The weight is still to be set.
fn fit(line: &[f64], rest: &[f64], level: f64, correlation: f64, freedom: f64) -> (f64, Part) {
    let scale = vec![1.0; line.len()];
    let of = |series: &[f64]| white(series.iter().copied(), correlation, &scale);
    let (ones, mut left, mut along) = (of(&scale), of(rest), of(line));
    let length = dot(&ones, &ones).sqrt();
    // The level's own column, without the part that the line explains.
    let mut across = ones.clone();
    take_out(&mut across, &along);
    take_out(&mut along, &ones);
    take_out(&mut left, &ones);
    let square = dot(&along, &along);
    let slope = dot(&left, &along) / square;
    take_out(&mut left, &along);
    let spare = line.len() as f64 - 2.0;
    // Rounding only, when a line explains everything.
    let unexplained = dot(&left, &left).max(1e-24 * dot(rest, rest));
    let innovation = unexplained / spare;
    let likely = likelihood(correlation, length * square.sqrt(), spare, unexplained);
    let value = slope / level;
    // The level is not known exactly, either.
    let of_level = value * value * innovation / dot(&across, &across);
    let part = Part {
        weight: 0.0,
        value,
        error: (innovation / square + of_level).sqrt() / level,
        freedom,
    };
    (likely, part)
}

/// Degrees of freedom by the kurtosis of what a line leaves.
fn freedom(line: &[f64], rest: &[f64]) -> f64 {
    let mut left = rest.to_vec();
    take_out(&mut left, line);
    let squares = || left.iter().map(|x| x * x);
    let count = left.len() as f64;
    let variance = squares().sum::<f64>() / count;
    let fourth = squares().map(|square| square * square).sum::<f64>() / count;
    // NaN where nothing is left, which `max` drops.
    let kurtosis = (fourth / (variance * variance)).max(3.0);
    ((count - 2.0) * 2.0 / (kurtosis - 1.0)).max(FREEDOM)
}

impl Slope {
    /// The interval of the slope, which is wrong with probability `error`.
    pub fn interval(&self, error: f64) -> Interval {
        self.interval_of(error, 1.0)
    }

    /// The interval that the slope would have if the series were `times` as long and went on like this: the error of a
    /// slope falls with the power 3/2 of the length.
    pub fn interval_of(&self, error: f64, times: f64) -> Interval {
        let narrower = libm::pow(times, -1.5);
        let end = |beyond: f64| self.value + (self.below(beyond) - self.value) * narrower;
        Interval::new(end(error / 2.0), end(1.0 - error / 2.0))
    }

    /// The value that the slope is below with this probability.
    fn below(&self, probability: f64) -> f64 {
        let widest = self.parts.iter().map(|part| part.error);
        let mut reach = widest.fold(0.0, f64::max);
        if reach <= 0.0 {
            return self.value;
        }
        let share = |point| self.share_below(point);
        while share(self.value - reach) > probability || share(self.value + reach) < probability {
            reach *= 2.0;
        }
        let ends = (self.value - reach, self.value + reach);
        let (low, high) = halved(ends, 40, |point| share(point) < probability);
        0.5 * (low + high)
    }

    /// How likely the slope is below this value.
    pub(crate) fn share_below(&self, value: f64) -> f64 {
        let total: f64 = self.parts.iter().map(|part| part.weight).sum();
        let of = |part: &Part| {
            let above = critical::t_above(part.freedom, (value - part.value) / part.error);
            part.weight * (1.0 - above)
        };
        self.parts.iter().map(of).sum::<f64>() / total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_distr::{Distribution, StandardNormal};
    use rand_pcg::Pcg64;

    fn points(y: impl Fn(usize) -> f64, count: usize) -> Vec<(f64, f64)> {
        (0..count).map(|i| (i as f64, y(i))).collect()
    }

    #[test]
    fn a_line_is_found_exactly() {
        // From 10 by 0.5 each: the mean of 21 points is 15.
        let found = slope(&points(|i| 10.0 + 0.5 * i as f64, 21)).unwrap();
        assert!((found.value - 0.5 / 15.0).abs() < 1e-9, "{found:?}");
        let Interval { low, high } = found.interval(0.05);
        assert!(high.unwrap() - low.unwrap() < 1e-9);
    }

    #[test]
    fn what_does_not_change_has_no_slope() {
        let found = slope(&points(|_| 3.0, 12)).unwrap();
        assert_eq!(found.interval(0.05), Interval::new(0.0, 0.0));
    }

    /// With independent neighbours the error is the textbook's, and somewhat wider by what is not known of correlation.
    #[test]
    fn the_error_of_independent_points() {
        let mut ratios: Vec<f64> = (0..101)
            .map(|seed| {
                let mut random = Pcg64::seed_from_u64(seed);
                let mut normal = || -> f64 { StandardNormal.sample(&mut random) };
                let points: Vec<(f64, f64)> =
                    (0..32).map(|i| (f64::from(i), 50.0 + normal())).collect();
                let x: Vec<f64> = points.iter().map(|(x, _)| x - 15.5).collect();
                let mut left: Vec<f64> = points.iter().map(|(_, y)| *y).collect();
                take_out(&mut left, &[1.0; 32]);
                take_out(&mut left, &x);
                let error = (dot(&left, &left) / 30.0 / dot(&x, &x)).sqrt() / 50.0;
                let Interval { low, high } = slope(&points).unwrap().interval(0.05);
                (high.unwrap() - low.unwrap()) / (2.0 * critical::t(30.0, 0.025) * error)
            })
            .collect();
        ratios.sort_by(f64::total_cmp);
        assert!((1.0..1.3).contains(&ratios[50]), "{}", ratios[50]);
    }

    #[test]
    fn a_longer_series_narrows_it() {
        let found = slope(&points(|i| 10.0 + (i * 5 % 7) as f64, 30)).unwrap();
        let width = |times| {
            let Interval { low, high } = found.interval_of(0.05, times);
            high.unwrap() - low.unwrap()
        };
        assert!((width(1.0) / width(4.0) - 8.0).abs() < 1e-6);
    }

    #[test]
    fn too_few_points_show_nothing() {
        assert_eq!(slope(&points(|i| i as f64, 7)), None);
        assert_eq!(slope(&[(1.0, 5.0); 9]), None);
        assert_eq!(slope(&points(|_| 0.0, 9)), None);
    }
}
