//! A share of requests: goodput, errors.
//!
//! Jeffreys' interval (Brown, Cai and DasGupta 2001) for as many *independent* requests as the correlated
//! ones are worth ([`Evidence`]), lowered further for not knowing that number well (Korn and Graubard 1998). When
//! all or none of the requests count, the interval has one end only, so the whole error goes to that
//! end: 0 of n leaves at most about 3 / n ("rule of three").
//!
//! Clopper and Pearson's interval holds for every share and so covers 98 % of the time; Jeffreys' is right on
//! average over the shares.

use super::{Evidence, Interval, Pace, Sample, Tail, Worth, body, critical};

/// A share with what its interval needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// The share itself, 0–1.
    pub value: f64,
    /// What the requests are worth; `None` when there are too few to tell.
    pub evidence: Option<Evidence>,
    /// Where its long tail is.
    pub tail: Tail,
}

/// The share of requests that something happened to, from its indicators (1 or 0) in plan order.
///
/// `body` are values of the same requests of which high ones keep it from happening, if there are any.
pub fn share(indicators: &[f64], body: Option<&[f64]>, pace: Pace<'_>) -> Option<Share> {
    if indicators.is_empty() {
        return None;
    }
    let value = indicators.iter().sum::<f64>() / indicators.len() as f64;
    let own = Worth::of(indicators, pace).map(|own| Evidence::own(own, value));
    let evidence = match body {
        Some(body) => own
            .zip(of_body(body, pace))
            .map(|(own, body)| own.beside(body)),
        None => own,
    };
    Some(Share {
        value,
        evidence,
        tail: match body {
            Some(_) => Tail::Below,
            None => Tail::None,
        },
    })
}

fn of_body(body: &[f64], pace: Pace<'_>) -> Option<Worth> {
    let of_requests: Vec<Vec<f64>> = body.iter().map(|value| vec![*value]).collect();
    let mut sorted = body.to_vec();
    sorted.sort_by(f64::total_cmp);
    let sample = Sample {
        of_requests: &of_requests,
        sorted: &sorted,
    };
    body::worth(sample, pace)
}

impl Share {
    /// Where the share lies; wrong with probability `error`.
    pub fn interval(&self, error: f64) -> Interval {
        self.interval_of(error, 1.0)
    }

    /// Where it would lie after `times` as many requests that look like these.
    pub fn interval_of(&self, error: f64, times: f64) -> Interval {
        let (low, high) = self.tail.errors(error);
        let Some(evidence) = self.evidence else {
            return Interval::UNKNOWN;
        };
        let worth = |error| times * evidence.worth(error);
        let seen = times * evidence.seen(error);
        // The point of the share, as far as so many independent requests tell, that it is below with this
        // probability.
        let point = |worth: f64, probability| {
            let hits = self.value * worth;
            critical::beta(hits + 0.5, worth - hits + 0.5, probability)
        };
        if self.value <= 0.0 {
            Interval::new(0.0, critical::beta(1.0, seen, 1.0 - error))
        } else if self.value >= 1.0 {
            Interval::new(critical::beta(seen, 1.0, error), 1.0)
        } else {
            Interval::new(point(worth(low), low), point(worth(high), 1.0 - high))
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
            evidence: Some(Evidence::own(Worth::independent(n), share)),
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
