//! A share of requests: goodput, errors.
//!
//! Clopper and Pearson's exact interval for as many *independent* requests as the correlated ones
//! are worth, lowered further for not knowing that number well (Korn and Graubard 1998). Never more
//! than there are requests. When all or none of the requests count, the interval has one end only,
//! so the whole error goes to that end: 0 of n leaves at most about 3 / n ("rule of three").

use super::{Interval, LongRun, Trend, critical};

/// How many independent requests a series is worth, at an error probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// Requests.
    pub requests: f64,
    /// What they are worth at least.
    least: f64,
    /// Binomial variance over the variance of the mean, and its degrees of freedom; `None` when
    /// nothing varies.
    independent: Option<(f64, f64)>,
}

impl Evidence {
    /// Of the indicators (1 or 0) of something that happened to a request; `None` when there are
    /// too few requests to see whether they depend on each other.
    pub fn of(indicators: &[f64], trend: Trend) -> Option<Self> {
        let requests = indicators.len() as f64;
        let share = indicators.iter().sum::<f64>() / requests;
        if share <= 0.0 || share >= 1.0 {
            return Some(Evidence {
                requests,
                least: requests,
                independent: None,
            });
        }
        let long_run = LongRun::of(indicators, trend)?;
        // Rare events say little about how they cluster. At worst all that were seen are one
        // cluster.
        let rare = share.min(1.0 - share) * requests;
        Some(Evidence {
            least: requests / rare,
            ..Evidence::new(requests, share * (1.0 - share), long_run)
        })
    }

    /// Of `values` values of which one alone has this variance.
    pub(super) fn new(values: f64, variance: f64, long_run: LongRun) -> Self {
        let independent =
            (long_run.variance > 0.0).then(|| (variance / long_run.variance, long_run.freedom));
        Evidence {
            requests: values,
            least: 0.0,
            independent,
        }
    }

    /// Independent requests that are worth the same, at most all.
    pub fn worth(&self, error: f64) -> f64 {
        let Some((independent, freedom)) = self.independent else {
            return self.requests;
        };
        let doubt = critical::normal(error / 2.0) / critical::t(freedom, error / 2.0);
        (independent * doubt * doubt)
            .max(self.least)
            .min(self.requests)
    }
}

/// A share with what its interval needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// The share itself, 0–1.
    pub value: f64,
    /// What the requests are worth; the least of them counts.
    pub evidence: Vec<Option<Evidence>>,
}

/// The share of requests that something happened to, from its indicators (1 or 0) in plan order.
///
/// `body` are values of the same requests of which extreme ones make it happen, if there are any.
/// What is rare comes in clusters too, but a run that saw none of them does not show it; how the
/// bulk of the values hangs together does.
pub fn share(indicators: &[f64], body: Option<&[f64]>, trend: Trend) -> Option<Share> {
    if indicators.is_empty() {
        return None;
    }
    let mut evidence = vec![Evidence::of(indicators, trend)];
    if let Some(body) = body {
        evidence.push(Evidence::of(&below_median(body), trend));
    }
    Some(Share {
        value: indicators.iter().sum::<f64>() / indicators.len() as f64,
        evidence,
    })
}

fn below_median(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let median = sorted[(sorted.len() - 1) / 2];
    let below = |value: &f64| f64::from(u8::from(*value <= median));
    values.iter().map(below).collect()
}

/// The least that pieces of evidence are worth; `None` when one of them is unknown.
pub(super) fn least(evidence: &[Option<Evidence>], error: f64) -> Option<f64> {
    evidence.iter().try_fold(f64::INFINITY, |least, evidence| {
        Some(least.min((*evidence)?.worth(error)))
    })
}

impl Share {
    /// Where the share lies; wrong with probability `error`.
    pub fn interval(&self, error: f64) -> Interval {
        self.interval_of(error, 1.0)
    }

    /// Where it would lie after `times` as many requests that look like these.
    pub fn interval_of(&self, error: f64, times: f64) -> Interval {
        match least(&self.evidence, error) {
            Some(worth) => exact(self.value, worth * times, error),
            None => Interval::UNKNOWN,
        }
    }
}

/// Clopper and Pearson's interval for a share of `requests`, which need not be whole.
fn exact(share: f64, requests: f64, error: f64) -> Interval {
    let hits = share * requests;
    let misses = requests - hits;
    if share <= 0.0 {
        Interval::new(0.0, critical::beta(1.0, requests, 1.0 - error))
    } else if share >= 1.0 {
        Interval::new(critical::beta(requests, 1.0, error), 1.0)
    } else {
        Interval::new(
            critical::beta(hits, misses + 1.0, error / 2.0),
            critical::beta(hits + 1.0, misses, 1.0 - error / 2.0),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    // R: binom.test(95, 100)$conf.int; 1 - 0.05^(1/100)
    #[case(0.95, 100.0, 0.887_165_1, 0.983_568_1)]
    #[case(0.0, 100.0, 0.0, 0.029_513_05)]
    #[case(1.0, 2995.0, 0.999_000_2, 1.0)]
    fn independent_requests(
        #[case] share: f64,
        #[case] n: f64,
        #[case] low: f64,
        #[case] high: f64,
    ) {
        let interval = exact(share, n, 0.05);
        assert!((interval.low.unwrap() - low).abs() < 1e-6, "{interval:?}");
        assert!((interval.high.unwrap() - high).abs() < 1e-6, "{interval:?}");
    }

    #[test]
    fn what_comes_in_clusters_is_worth_less() {
        let scattered: Vec<f64> = (0..1000)
            .map(|i| f64::from(u8::from(i % 10 == 0)))
            .collect();
        let clustered: Vec<f64> = (0..1000)
            .map(|i| f64::from(u8::from(i / 50 % 10 == 0)))
            .collect();
        let width = |indicators: &[f64]| {
            let interval = share(indicators, None, Trend::None).unwrap().interval(0.05);
            interval.high.unwrap() - interval.low.unwrap()
        };
        assert!(width(&clustered) > 3.0 * width(&scattered));
    }

    #[test]
    fn a_single_failure_is_no_cluster() {
        let mut failed = vec![0.0; 100];
        failed[40] = 1.0;
        let interval = share(&failed, None, Trend::None).unwrap().interval(0.05);
        // R: binom.test(1, 100)
        assert!((interval.high.unwrap() - 0.054_459).abs() < 1e-5);
    }

    #[test]
    fn what_was_not_seen_is_judged_by_the_body() {
        let good = vec![1.0; 400];
        let wandering: Vec<f64> = (0..400).map(|i| f64::from(i % 200)).collect();
        let mixed: Vec<f64> = (0..400).map(|i| f64::from(i * 37 % 101)).collect();
        let low = |body: &[f64]| {
            let share = share(&good, Some(body), Trend::None).unwrap();
            share.interval(0.05).low.unwrap()
        };
        assert!(low(&mixed) > 0.97, "{}", low(&mixed));
        assert!(low(&wandering) < 0.9, "{}", low(&wandering));
    }
}
