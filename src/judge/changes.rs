//! What pairs of runs say about the numbers that they are compared by.

use super::{compared::Compared, comparison::Change, quantity::Unit};
use crate::{
    metrics::Metrics,
    stats::compare::{Comparison, Conclusion, Paired, Rule, compare, compare_together},
};

/// The part of the error that latencies and throughput have where shares differ too. Latencies and throughput move
/// together and count as hardly more than one metric; shares scatter by themselves, and if all were tested as one
/// family, a goodput that hovers at its limit would hide a slower server.
pub(crate) const OF_SPEEDS: f64 = 0.8;

/// The changes that pairs (A, B) of runs of the same plan show. Metrics without values on both sides of every pair
/// are left out.
pub(crate) fn changes(
    compared: &[Compared],
    pairs: &[(Metrics, Metrics)],
    rule: &Rule,
) -> Vec<Change> {
    let (mut measured, mut paired) = (Vec::new(), Vec::new());
    for metric in compared {
        let of = |(a, b): &(Metrics, Metrics)| Some((metric.value(a)?, metric.value(b)?));
        if let Some(pairs) = pairs.iter().map(of).collect() {
            let worse = metric.worse;
            measured.push(metric);
            paired.push(Paired { pairs, worse });
        }
    }
    let gates = measured.iter().take_while(|metric| metric.gated).count();
    let (gated, shown) = paired.split_at(gates);
    let mut found = concluded(&measured[..gates], gated, rule);
    found.extend(shown.iter().map(|paired| {
        let comparison = compare(&paired.pairs, paired.worse, rule)?;
        Some((comparison, Conclusion::Inconclusive))
    }));
    let mean = |side: fn(&(Metrics, Metrics)) -> &Metrics, metric: &Compared| {
        let values = pairs.iter().filter_map(|pair| metric.shown(side(pair)));
        values.sum::<f64>() / pairs.len() as f64
    };
    let shown = |metric: &Compared| {
        let of = |(a, b): &(Metrics, Metrics)| Some((metric.shown(a)?, metric.shown(b)?));
        pairs.iter().filter_map(of).collect()
    };
    let change = |(metric, found): (&Compared, Option<(Comparison, Conclusion)>)| {
        let (statistics, conclusion) = found?;
        Some(Change {
            subject: metric.name(),
            unit: metric.unit(),
            worse: metric.worse,
            a: mean(|pair| &pair.0, metric),
            b: mean(|pair| &pair.1, metric),
            stored: Vec::new(),
            pairs: shown(metric),
            gated: metric.gated,
            statistics,
            conclusion,
        })
    };
    measured.into_iter().zip(found).filter_map(change).collect()
}

/// The conclusions about the gated metrics, which share the rule's error.
fn concluded(
    metrics: &[&Compared],
    paired: &[Paired],
    rule: &Rule,
) -> Vec<Option<(Comparison, Conclusion)>> {
    let is_share = |metric: &&Compared| metric.unit() == Unit::Ratio;
    let with = |part: f64| Rule {
        error: rule.error * part,
        ..*rule
    };
    // If no share differs in any pair, that is so whichever way labels are swapped: shares need no part then.
    let differs = |paired: &Paired| paired.pairs.iter().any(|(a, b)| a != b);
    let shares = metrics
        .iter()
        .zip(paired)
        .filter(|(metric, _)| is_share(metric));
    let (of_speeds, of_shares) = if shares.clone().any(|(_, paired)| differs(paired)) {
        (with(OF_SPEEDS), with(1.0 - OF_SPEEDS))
    } else {
        (*rule, *rule)
    };
    let shares: Vec<Paired> = shares.map(|(_, paired)| paired.clone()).collect();
    let speeds = metrics
        .iter()
        .zip(paired)
        .filter(|(metric, _)| !is_share(metric));
    let speeds: Vec<Paired> = speeds.map(|(_, paired)| paired.clone()).collect();
    let mut shares = compare_together(&shares, &of_shares).into_iter();
    let mut speeds = compare_together(&speeds, &of_speeds).into_iter();
    let mut next = |metric: &&Compared| {
        if is_share(metric) {
            shares.next().flatten()
        } else {
            speeds.next().flatten()
        }
    };
    metrics.iter().map(&mut next).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        judge::Criteria,
        metrics::testing::{limit, record, run_of},
        record::{Record, RequestError},
    };
    use goodput_grammar::goodput::RequestMetric;

    /// Forty requests that take a tenth of the time that they wait, the first ones failing.
    fn metrics(ttft: u64, failed: usize) -> Metrics {
        let records = (0..40).map(|index| {
            let at = index * 100;
            let mut record = Record {
                index: index as usize,
                ..record(at, &[at + ttft, at + 2 * ttft], 2)
            };
            if record.index < failed {
                record.error = Some(RequestError::NoTokens);
            }
            record
        });
        let criteria = Criteria {
            limits: vec![limit(RequestMetric::Ttft, 30)],
            ..Criteria::default()
        };
        criteria.assess(&run_of(records.collect())).0
    }

    fn subjects(changes: &[Change], conclusion: Conclusion) -> Vec<&str> {
        let changes = changes.iter().filter(|c| c.conclusion == conclusion);
        changes.map(|change| change.subject.as_str()).collect()
    }

    #[test]
    fn requests_that_fail_are_a_regression_although_the_others_are_as_fast() {
        let pairs: Vec<_> = (0..8).map(|_| (metrics(20, 0), metrics(20, 8))).collect();
        let changes = changes(&Compared::all(true, true, &[]), &pairs, &Rule::default());
        let worse = subjects(&changes, Conclusion::Worse);
        assert_eq!(worse, ["1 - errors", "goodput"]);
        let errors = changes.iter().find(|c| c.subject == "1 - errors").unwrap();
        assert!((errors.a - 1.0).abs() < 1e-9 && (errors.b - 0.8).abs() < 1e-9);
    }

    #[test]
    fn shares_that_scatter_leave_most_of_the_error_to_speeds() {
        let concluded = |failed: [(usize, usize); 5]| {
            let ttfts = [(100, 121), (104, 123), (98, 122), (101, 118), (99, 124)];
            let pairs: Vec<_> = ttfts
                .into_iter()
                .zip(failed)
                .map(|((a, b), failed)| (metrics(a, failed.0), metrics(b, failed.1)))
                .collect();
            changes(&Compared::all(false, true, &[]), &pairs, &Rule::default())
        };
        let interval = |changes: &[Change]| changes[0].statistics.interval;
        let steady = concluded([(0, 0); 5]);
        let scattered = concluded([(0, 3), (2, 0), (1, 1), (0, 2), (3, 0)]);
        for changes in [&steady, &scattered] {
            let worse = subjects(changes, Conclusion::Worse);
            assert!(worse.contains(&"mean(ttft)"), "{worse:?}");
            assert!(!worse.contains(&"1 - errors"), "{worse:?}");
        }
        // 0.8 % of error on either side instead of 1 %.
        let wider = |end: fn(crate::stats::Interval) -> Option<f64>| {
            let [narrow, wide] = [&steady, &scattered].map(|c| end(interval(c)).unwrap());
            wide / narrow
        };
        assert!(wider(|i| i.high) > 1.0 && wider(|i| i.low) < 1.0);
    }

    #[test]
    fn no_good_request_at_all_has_a_ratio_too() {
        let pairs: Vec<_> = (0..8).map(|_| (metrics(29, 0), metrics(31, 0))).collect();
        let changes = changes(&Compared::all(true, true, &[]), &pairs, &Rule::default());
        let goodput = changes.iter().find(|c| c.subject == "goodput").unwrap();
        assert_eq!((goodput.a, goodput.b), (1.0, 0.0));
        assert_eq!(goodput.conclusion, Conclusion::Worse);
    }
}
