//! Metrics of a run and of the stored runs: gated metrics share the chance of a false alarm.

use crate::{
    judge::{Change, Compared, OF_SPEEDS, Unit},
    stats::{
        compare::{Comparison, Conclusion, OfRuns, Rule, Worse, conclude},
        unpaired::{self, Noise, Reading},
    },
};

/// The smallest number of stored runs for joint tests. With fewer, too much of the noise is assumed. Where runs
/// differ by twice as much, only Holm's steps, which are too strict for metrics that move together, keep false alarms
/// rare enough.
const FEWEST_JOINT: usize = 8;

/// A metric that all runs have.
pub(super) struct Seen {
    pub(super) metric: Compared,
    pub(super) stored: Vec<Reading>,
    pub(super) now: Reading,
    pub(super) noise: Noise,
    /// Values to show: those of the stored runs, of which there is at least one, and the new one.
    pub(super) values: (Vec<f64>, f64),
}

impl Seen {
    fn is_share(&self) -> bool {
        self.metric.unit() == Unit::Ratio
    }

    fn differs(&self) -> bool {
        let mut stored = self.stored.iter();
        stored.any(|reading| reading.value != self.now.value)
    }

    fn readings(&self) -> (Vec<f64>, Worse) {
        let all = self.stored.iter().chain([&self.now]);
        let values = all.map(|reading| reading.value).collect();
        (values, self.metric.worse)
    }

    /// Compares the metric as one of `metrics`.
    fn compare(&self, rule: &Rule, metrics: f64) -> Option<Comparison> {
        let worse = self.metric.worse;
        unpaired::compare(&self.stored, self.now, self.noise, worse, rule, metrics)
    }
}

/// Change of each metric; leaves out metrics without a value above 0.
pub(super) fn changes(seen: Vec<Seen>, rule: &Rule) -> Vec<Change> {
    let family = Family::of(&seen, rule);
    let tested: Vec<(Seen, Comparison)> = seen
        .into_iter()
        .filter_map(|seen| {
            let (rule, metrics) = family.share(&seen);
            let statistics = seen.compare(&rule, metrics)?;
            Some((seen, statistics))
        })
        .collect();
    let gated = |shares: bool| -> Vec<(Comparison, Worse)> {
        let of = tested.iter().filter(|(seen, _)| seen.metric.gated);
        of.filter(|(seen, _)| family.apart(seen) == shares)
            .map(|(seen, statistics)| (*statistics, seen.metric.worse))
            .collect()
    };
    let mut of_speeds = family.conclude(&gated(false)).into_iter();
    let mut of_shares = conclude(&gated(true), &family.shares).into_iter();
    let mut next =
        |seen: &Seen, statistics: &Comparison| match (seen.metric.gated, family.apart(seen)) {
            (true, false) => of_speeds.next(),
            (true, true) => of_shares.next(),
            (false, _) => conclude(&[(*statistics, seen.metric.worse)], rule).pop(),
        };
    let conclusions: Vec<Conclusion> = tested
        .iter()
        .map(|(seen, statistics)| next(seen, statistics).unwrap_or(Conclusion::Inconclusive))
        .collect();
    let change = |((seen, statistics), conclusion): ((Seen, Comparison), Conclusion)| Change {
        subject: seen.metric.name(),
        unit: seen.metric.unit(),
        worse: seen.metric.worse,
        a: seen.values.0.iter().sum::<f64>() / seen.values.0.len() as f64,
        b: seen.values.1,
        stored: seen.values.0,
        pairs: Vec::new(),
        gated: seen.metric.gated,
        statistics,
        conclusion,
    };
    tested.into_iter().zip(conclusions).map(change).collect()
}

/// How the gated metrics share the error.
struct Family {
    /// How latencies and throughput move together, if the stored runs show it. Else all metrics use Holm's
    /// steps.
    joint: Option<OfRuns>,
    speeds: Rule,
    shares: Rule,
    /// How many metrics latencies and throughput are worth.
    of_speeds: f64,
    of_shares: f64,
}

impl Family {
    fn of(seen: &[Seen], rule: &Rule) -> Self {
        let gated = || seen.iter().filter(|seen| seen.metric.gated);
        let of_speeds = || gated().filter(|seen| !seen.is_share());
        let stored = of_speeds().next().map_or(0, |seen| seen.stored.len());
        let scatter = of_speeds().all(|seen| matches!(seen.noise, Noise::OfRuns { .. }))
            && stored >= FEWEST_JOINT;
        let joint = if scatter {
            OfRuns::of(
                &of_speeds().map(Seen::readings).collect::<Vec<_>>(),
                unpaired::freedom(stored),
            )
        } else {
            None
        };
        let with = |part: f64| Rule {
            error: rule.error * part,
            ..*rule
        };
        let differs = gated().any(|seen| seen.is_share() && seen.differs());
        let (speeds, shares) = if joint.is_some() && differs {
            (with(OF_SPEEDS), with(1.0 - OF_SPEEDS))
        } else {
            (*rule, *rule)
        };
        Family {
            of_speeds: match &joint {
                Some(joint) => joint.effective_count(speeds.error),
                None => gated().count() as f64,
            },
            of_shares: gated().filter(|seen| seen.is_share()).count() as f64,
            joint,
            speeds,
            shares,
        }
    }

    /// Whether the metric is tested apart from latencies and throughput.
    fn apart(&self, seen: &Seen) -> bool {
        self.joint.is_some() && seen.is_share()
    }

    /// Rule of a metric, and the number of metrics that share it.
    fn share(&self, seen: &Seen) -> (Rule, f64) {
        if self.apart(seen) {
            (self.shares, self.of_shares)
        } else {
            (self.speeds, self.of_speeds)
        }
    }

    /// Conclusions for all metrics that are not apart.
    fn conclude(&self, comparisons: &[(Comparison, Worse)]) -> Vec<Conclusion> {
        match &self.joint {
            Some(joint) => joint.conclude(comparisons, &self.speeds),
            None => conclude(comparisons, &self.speeds),
        }
    }
}
