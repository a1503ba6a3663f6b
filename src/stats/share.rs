//! A share of requests: goodput, errors.
//!
//! Jeffreys' interval (Brown, Cai and DasGupta 2001) for the number of *independent* requests that the correlated
//! ones are equivalent to ([`Evidence`]), lowered further for not knowing that number well (Korn and Graubard 1998).
//! When all or none of the requests count, the interval has one end only, so the whole error goes to that end: 0 of n
//! leaves at most about 3 / n ("rule of three").
//!
//! Clopper and Pearson's interval holds for every share and so covers 98 % of the time; Jeffreys' is right on average
//! over the shares.

use super::{
    EffectiveSize, Evidence, Groups, Interval, Pace, Sample, Tail, body, critical, evidence::Far,
    rows::Rows,
};

/// A share with what its interval needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// The share itself, 0–1.
    pub value: f64,
    /// The evidence of the requests. `None` when there are too few to estimate it.
    pub evidence: Option<Evidence>,
    /// The rows in which events come, if only whether they happened is known about them.
    pub rows: Option<Rows>,
    /// The side of the long tail.
    pub tail: Tail,
}

/// The share of requests that something happened to, from its indicators (1 or 0) in plan order.
///
/// `limit_ratios` say how close the same requests came to the limit that decides it, as multiples of that limit, if there
/// is one. Where all are far from it, their correlation does not count.
pub fn share(indicators: &[f64], limit_ratios: Option<&[f64]>, pace: Pace<'_>) -> Option<Share> {
    if indicators.is_empty() {
        return None;
    }
    let value = indicators.iter().sum::<f64>() / indicators.len() as f64;
    let own = EffectiveSize::of(indicators, pace).map(|own| Evidence::own(own, value));
    let evidence = match limit_ratios {
        Some(limit_ratios) => own.map(|own| next_to_body(own, limit_ratios, value, pace)),
        None => own,
    };
    Some(Share {
        value,
        evidence,
        rows: match limit_ratios {
            Some(_) => None,
            None => Rows::of(indicators),
        },
        tail: match limit_ratios {
            Some(_) => Tail::Below,
            None => Tail::None,
        },
    })
}

/// Adds what the values of all requests say to what is known from which of them are good.
fn next_to_body(own: Evidence, limit_ratios: &[f64], share: f64, pace: Pace<'_>) -> Evidence {
    let requests = limit_ratios.len();
    let far = Far::of(limit_ratios.iter().copied(), 1.0, requests);
    let of_requests = Groups::of_one(limit_ratios.to_vec());
    let sample = Sample {
        of_requests: &of_requests,
        sorted: &of_requests.sorted(),
    };
    match body::drift(sample) {
        Some(drift) => own.drifting(EffectiveSize::drifting(share, &drift).far(far)),
        None => own.beside(
            body::effective_size(sample, pace)
                .unwrap_or(EffectiveSize::unknown(requests as f64))
                .far(far),
        ),
    }
}

impl Share {
    /// The interval of the share, which is wrong with probability `error`.
    pub fn interval(&self, error: f64) -> Interval {
        self.interval_of(error, 1.0)
    }

    /// The interval that the share would have after `times` as many requests that look like these.
    pub fn interval_of(&self, error: f64, times: f64) -> Interval {
        let (low, high) = self.tail.errors(error);
        let Some(evidence) = self.evidence else {
            return Interval::UNKNOWN;
        };
        let worth = |error| times * evidence.effective_size(error);
        let seen = times * evidence.seen(error);
        // The point that the share is below with this probability, by this number of independent requests.
        let point = |worth: f64, probability| {
            let hits = self.value * worth;
            critical::beta(hits + 0.5, worth - hits + 0.5, probability)
        };
        if self.value <= 0.0 {
            Interval::new(0.0, critical::beta(1.0, seen, 1.0 - error))
        } else if self.value >= 1.0 {
            Interval::new(critical::beta(seen, 1.0, error), 1.0)
        } else {
            let alone = Interval::new(point(worth(low), low), point(worth(high), 1.0 - high));
            match self.rows {
                // A run knows how often it met what it met; the next row may be longer.
                Some(rows) => alone.around(rows.exceeded(high, times)),
                None => alone,
            }
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
            evidence: Some(Evidence::own(EffectiveSize::independent(n), share)),
            rows: None,
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
    fn a_single_bad_request_is_no_cluster() {
        let mut bad = vec![0.0; 100];
        bad[40] = 1.0;
        let interval = Share {
            rows: None,
            ..share(&bad, None, Pace::Free).unwrap()
        };
        let interval = interval.interval(0.05);
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

    /// Values that wander slowly, so that as few as possible of them are independent.
    fn wandering(requests: usize, from: f64, to: f64) -> Vec<f64> {
        let step = |i: usize| (i as f64 / requests as f64 * 9.0).sin();
        let value = |i| from + (to - from) * 0.5 * (1.0 + step(i));
        (0..requests).map(value).collect()
    }

    /// 0.05^(1/n): the bound of as many independent requests.
    #[rstest]
    #[case(5)]
    #[case(20)]
    #[case(100)]
    #[case(600)]
    fn good_requests_far_from_the_limit_are_worth_all_of_them(#[case] requests: usize) {
        let low = |limit_ratios: Vec<f64>| {
            let share = share(&vec![1.0; requests], Some(&limit_ratios), Pace::Free).unwrap();
            share.interval(0.05).low.unwrap()
        };
        let independent = libm::pow(0.05, 1.0 / requests as f64);
        let clear = low(wandering(requests, 0.1, 0.3));
        assert!((clear - independent).abs() < 1e-6, "{clear}");
        let near = low(wandering(requests, 0.5, 0.99));
        assert!(near < independent - 0.01, "{near}");
    }

    /// The correlation of the good ones does not count there, but that of the bad ones does.
    #[test]
    fn failures_in_a_row_are_clustered_far_from_any_limit_too() {
        let low = |failed: fn(usize) -> bool| {
            let good: Vec<f64> = (0..400).map(|i| f64::from(u8::from(!failed(i)))).collect();
            let mut limit_ratios = wandering(400, 0.1, 0.3);
            (0..400)
                .filter(|i| failed(*i))
                .for_each(|i| limit_ratios[i] = f64::INFINITY);
            let share = share(&good, Some(&limit_ratios), Pace::Free).unwrap();
            share.interval(0.05).low.unwrap()
        };
        let scattered = low(|i| i % 20 == 0);
        let in_rows = low(|i| i % 200 < 10);
        assert!(in_rows < scattered - 0.02, "{in_rows} {scattered}");
    }
}
