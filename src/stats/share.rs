//! A share of requests: goodput, errors.
//!
//! Jeffreys' interval (Brown, Cai and DasGupta 2001) for as many *independent* requests as the correlated
//! ones are worth, lowered further for not knowing that number well (Korn and Graubard 1998). Never more
//! than there are requests. When all or none of the requests count, the interval has one end only,
//! so the whole error goes to that end: 0 of n leaves at most about 3 / n ("rule of three").
//!
//! Clopper and Pearson's interval holds for every share and so covers 98 % of the time; Jeffreys' is right on
//! average over the shares.

use super::{Interval, LongRun, Pace, Sample, Tail, body, critical};

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
    pub fn of(indicators: &[f64], pace: Pace<'_>) -> Option<Self> {
        let requests = indicators.len() as f64;
        let share = indicators.iter().sum::<f64>() / requests;
        if share <= 0.0 || share >= 1.0 {
            return Some(Evidence::independent(requests));
        }
        let long_run = LongRun::of(indicators, pace)?;
        // Rare events say little about how they cluster. At worst all that were seen are one
        // cluster.
        let rare = share.min(1.0 - share) * requests;
        Some(Evidence {
            least: requests / rare,
            ..Evidence::new(requests, share * (1.0 - share), long_run)
        })
    }

    /// Of requests that do not depend on each other.
    pub(super) fn independent(requests: f64) -> Self {
        Evidence {
            requests,
            least: requests,
            independent: None,
        }
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

    /// Independent requests that are worth the same for one end of an interval, which is wrong with
    /// probability `error`; at most all.
    pub fn worth(&self, error: f64) -> f64 {
        let Some((independent, freedom)) = self.independent else {
            return self.requests;
        };
        let doubt = critical::normal(error) / critical::t(freedom, error);
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
    /// Where its long tail is.
    pub tail: Tail,
}

/// The share of requests that something happened to, from its indicators (1 or 0) in plan order.
///
/// `body` are values of the same requests of which high ones keep it from happening, if there are any.
/// What is rare comes in clusters too, but a run that saw none of them does not show it; how all
/// of the values hang together does.
pub fn share(indicators: &[f64], body: Option<&[f64]>, pace: Pace<'_>) -> Option<Share> {
    if indicators.is_empty() {
        return None;
    }
    let mut evidence = vec![Evidence::of(indicators, pace)];
    if let Some(body) = body {
        evidence.push(of_body(body, pace));
    }
    Some(Share {
        value: indicators.iter().sum::<f64>() / indicators.len() as f64,
        evidence,
        tail: match body {
            Some(_) => Tail::Below,
            None => Tail::None,
        },
    })
}

fn of_body(body: &[f64], pace: Pace<'_>) -> Option<Evidence> {
    let of_requests: Vec<Vec<f64>> = body.iter().map(|value| vec![*value]).collect();
    let mut sorted = body.to_vec();
    sorted.sort_by(f64::total_cmp);
    let sample = Sample {
        of_requests: &of_requests,
        sorted: &sorted,
    };
    body::evidence(sample, pace)
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
        let (low, high) = self.tail.errors(error);
        let worth = |error| Some(times * least(&self.evidence, error)?);
        let (Some(for_low), Some(for_high), Some(for_one)) =
            (worth(low), worth(high), worth(error))
        else {
            return Interval::UNKNOWN;
        };
        // The point of the share, as far as so many independent requests tell, that it is below with this
        // probability.
        let point = |worth: f64, probability| {
            let hits = self.value * worth;
            critical::beta(hits + 0.5, worth - hits + 0.5, probability)
        };
        if self.value <= 0.0 {
            Interval::new(0.0, critical::beta(1.0, for_one, 1.0 - error))
        } else if self.value >= 1.0 {
            Interval::new(critical::beta(for_one, 1.0, error), 1.0)
        } else {
            Interval::new(point(for_low, low), point(for_high, 1.0 - high))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    // R: qbeta(c(0.025, 0.975), 95.5, 5.5); 1 - 0.05^(1/100)
    #[case(0.95, 100.0, 0.893_899_9, 0.980_668_2)]
    #[case(0.0, 100.0, 0.0, 0.029_513_05)]
    #[case(1.0, 2995.0, 0.999_000_2, 1.0)]
    fn independent_requests(
        #[case] share: f64,
        #[case] n: f64,
        #[case] low: f64,
        #[case] high: f64,
    ) {
        let share = Share {
            value: share,
            evidence: vec![Some(Evidence::independent(n))],
            tail: Tail::None,
        };
        let interval = share.interval(0.05);
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
            let interval = share(indicators, None, Pace::Free).unwrap().interval(0.05);
            interval.high.unwrap() - interval.low.unwrap()
        };
        assert!(width(&clustered) > 3.0 * width(&scattered));
    }

    #[test]
    fn a_single_failure_is_no_cluster() {
        let mut failed = vec![0.0; 100];
        failed[40] = 1.0;
        let interval = share(&failed, None, Pace::Free).unwrap().interval(0.05);
        // R: qbeta(0.975, 1.5, 99.5)
        assert!((interval.high.unwrap() - 0.045_779).abs() < 1e-5);
    }

    #[test]
    fn what_was_not_seen_is_judged_by_the_body() {
        let good = vec![1.0; 400];
        let wandering: Vec<f64> = (0..400).map(|i| f64::from(i % 200)).collect();
        let mixed: Vec<f64> = (0..400).map(|i| f64::from(i * 37 % 101)).collect();
        let low = |body: &[f64]| {
            let share = share(&good, Some(body), Pace::Free).unwrap();
            share.interval(0.05).low.unwrap()
        };
        assert!(low(&mixed) > 0.97, "{}", low(&mixed));
        assert!(low(&wandering) < 0.9, "{}", low(&wandering));
    }
}
