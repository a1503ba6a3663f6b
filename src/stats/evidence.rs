//! How many independent requests the correlated ones of a run are equivalent to.

use super::{
    LongRun, Pace, critical,
    drift::{Drift, Effect},
};

/// A share counts as known at most as well as by this many times its requests, if they were independent. Neighbours
/// may make up for each other, and on a ramp requests of either kind keep to one end. Anything far better is luck, or
/// a pattern.
const BEST: f64 = 2.0;
/// This number of independent events of the rarer kind says as much about how they cluster as the body does.
const EVENTS: f64 = 15.0;
/// A value is near a limit up to this many times it (or its reciprocal), and far from it beyond the other. In a queue
/// at 95 % load, runs whose requests all stay under half of a limit that one in a hundred misses are 0.5 to 8 % of
/// all, and of 400 runs none stayed under a third of the limit.
const NEAR: f64 = 1.25;
const FAR: f64 = 2.5;

/// The effective number of independent requests in a series, at an error probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EffectiveSize {
    requests: f64,
    /// The lower bound of this number.
    least: f64,
    /// Binomial variance over the variance of the mean, and its degrees of freedom; `None` when
    /// nothing varies.
    independent: Option<(f64, f64)>,
    far: Option<Far>,
}

/// How far the values of requests are from a limit.
///
/// The correlation of values says how often they may cross a limit together that one of them comes near. Where none
/// comes near it, correlation does not matter: the requests count as independent, for the rare ones that were not
/// seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Far {
    /// From 0, where one of them is near, to 1, where all are under 40 % or over 250 % of the limit.
    share: f64,
    requests: f64,
}

impl Far {
    /// The distance of this number of requests' values. Values without a bound are far.
    pub(super) fn of(
        values: impl Iterator<Item = f64>,
        limit: f64,
        requests: usize,
    ) -> Option<Self> {
        let nearest = values
            .map(|value| (value / limit).max(limit / value))
            .fold(f64::INFINITY, f64::min);
        let share = libm::log(nearest / NEAR) / libm::log(FAR / NEAR);
        (limit > 0.0 && share > 0.0).then_some(Far {
            share: share.min(1.0),
            requests: requests as f64,
        })
    }

    /// The effective number of independent requests if the values are this far from the limit; `worth` is that number
    /// near the limit.
    pub(super) fn blend(&self, worth: f64) -> f64 {
        let worth = worth.max(1.0);
        let all = self.requests.max(worth);
        libm::exp(self.share * libm::log(all) + (1.0 - self.share) * libm::log(worth))
    }
}

impl EffectiveSize {
    /// Takes the indicators (1 or 0) of something that happened to a request. `None` when there are too few requests
    /// to see whether they depend on each other.
    pub(super) fn of(indicators: &[f64], pace: Pace<'_>) -> Option<Self> {
        let requests = indicators.len() as f64;
        let share = indicators.iter().sum::<f64>() / requests;
        if share <= 0.0 || share >= 1.0 {
            return Some(EffectiveSize::independent(requests));
        }
        let long_run = LongRun::of_steps(indicators, pace)?;
        // Rare events say little about how they cluster. At worst all that were seen are one cluster.
        let rare = share.min(1.0 - share) * requests;
        Some(EffectiveSize {
            least: requests / rare,
            ..EffectiveSize::new(requests, share * (1.0 - share), long_run)
        })
    }

    /// Requests that do not depend on each other.
    pub(super) fn independent(requests: f64) -> Self {
        EffectiveSize {
            requests,
            least: requests,
            independent: None,
            far: None,
        }
    }

    /// Calm requests on a server that drifts, where this share of them is beyond a level.
    pub(super) fn drifting(share: f64, drift: &Drift) -> Self {
        let requests = drift.requests() as f64;
        EffectiveSize {
            least: 0.0,
            independent: Some((
                requests / drift.inflation(share, Effect::All),
                requests - 1.0,
            )),
            ..EffectiveSize::independent(requests)
        }
    }

    /// Values whose correlation cannot be estimated: they count as one.
    pub(super) fn unknown(requests: f64) -> Self {
        EffectiveSize {
            least: 1.0,
            independent: Some((0.0, 1.0)),
            ..EffectiveSize::independent(requests)
        }
    }

    /// The number for values at this distance from a limit.
    pub(super) fn far(self, far: Option<Far>) -> Self {
        EffectiveSize { far, ..self }
    }

    /// Takes `values` values, where a single one alone has this variance.
    pub(super) fn new(values: f64, variance: f64, long_run: LongRun) -> Self {
        let independent =
            (long_run.variance > 0.0).then(|| (variance / long_run.variance, long_run.freedom));
        EffectiveSize {
            requests: values,
            least: 0.0,
            independent,
            far: None,
        }
    }

    /// The equivalent number of independent requests for one end of an interval, which is wrong with probability
    /// `error`; at most twice the number of requests.
    pub fn at(&self, error: f64) -> f64 {
        let Some((independent, freedom)) = self.independent else {
            return self.requests;
        };
        let doubt = critical::normal(error) / critical::t(freedom, error);
        let worth = (independent * doubt * doubt)
            .max(self.least)
            .min(BEST * self.requests);
        self.far.map_or(worth, |far| far.blend(worth))
    }
}

/// What a run knows about a share: from the requests on either side of a level, and from all their values.
///
/// Rare events come in clusters, and a run that met few of them does not show how large the clusters are; the
/// correlation of all values does. So where both are known, the smaller of the two counts, and the share's own
/// requests count by themselves if there are enough of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    own: EffectiveSize,
    /// The share of the rarer kind.
    rarer: f64,
    body: Option<EffectiveSize>,
    /// This number of events of the rarer kind has as much weight as the body.
    events: f64,
}

impl Evidence {
    /// Evidence from a share alone.
    pub(super) fn own(own: EffectiveSize, share: f64) -> Self {
        Evidence {
            own,
            rarer: share.min(1.0 - share),
            body: None,
            events: EVENTS,
        }
    }

    /// Adds what drift leaves of the requests. However many events there are, the evidence does not fall below it.
    pub(super) fn drifting(self, body: EffectiveSize) -> Self {
        Evidence {
            body: Some(body),
            events: f64::INFINITY,
            ..self
        }
    }

    /// Adds what all values are worth together.
    pub(super) fn beside(self, body: EffectiveSize) -> Self {
        Evidence {
            body: Some(body),
            ..self
        }
    }

    /// The evidence for values at this distance from a limit.
    pub(super) fn far(self, far: Option<Far>) -> Self {
        Evidence {
            own: self.own.far(far),
            body: self.body.map(|body| body.far(far)),
            ..self
        }
    }

    /// The equivalent number of independent requests of all this evidence for one end of an interval, which is wrong
    /// with probability `error`.
    pub fn effective_size(&self, error: f64) -> f64 {
        let own = self.own.at(error);
        let least = match self.body {
            Some(body) => own.min(body.at(error)),
            None => own,
        };
        let events = own * self.rarer;
        let trust = events / (events + self.events);
        libm::exp(trust * libm::log(own) + (1.0 - trust) * libm::log(least))
    }

    /// The number, but at most the number of requests: correlated requests add no information about values that were
    /// never observed.
    pub fn seen(&self, error: f64) -> f64 {
        self.effective_size(error).min(self.own.requests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn effective_size(independent: f64) -> EffectiveSize {
        EffectiveSize {
            requests: 1_000.0,
            least: 0.0,
            independent: Some((independent, 1e6)),
            far: None,
        }
    }

    #[rstest]
    #[case::it_counts_if_it_is_less(200.0, 0.01, 210.0, 200.0..200.1)]
    #[case::few_events_leave_it_to_the_body(200.0, 0.01, 50.0, 50.0..60.0)]
    #[case::many_events_speak_for_themselves(800.0, 0.5, 50.0, 700.0..800.0)]
    fn the_body_counts_where_events_are_few(
        #[case] own: f64,
        #[case] share: f64,
        #[case] body: f64,
        #[case] expected: std::ops::Range<f64>,
    ) {
        let evidence = Evidence::own(effective_size(own), share).beside(effective_size(body));
        let found = evidence.effective_size(0.025);
        let near = expected.start * 0.999..expected.end * 1.001;
        assert!(near.contains(&found), "{found}");
    }

    #[test]
    fn steps_that_make_up_for_each_other_are_worth_twice_as_many_at_most() {
        let evidence = Evidence::own(effective_size(50_000.0), 0.5);
        assert!((evidence.effective_size(0.025) - 2_000.0).abs() < 1e-6);
        assert_eq!(evidence.seen(0.025), 1_000.0);
    }
}
