//! What pairs of runs say about the numbers by which they are compared.

use super::{compared::Compared, comparison::Change};
use crate::{
    metrics::Metrics,
    stats::compare::{Comparison, Conclusion, Paired, Rule, compare, compare_together},
};

/// What pairs (A, B) of runs of the same plan say. Metrics without values on both sides of every pair
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
    let mut found = compare_together(gated, rule);
    found.extend(shown.iter().map(|paired| {
        let comparison = compare(&paired.pairs, paired.worse, rule)?;
        Some((comparison, Conclusion::Inconclusive))
    }));
    let mean = |side: fn(&(Metrics, Metrics)) -> &Metrics, metric: &Compared| {
        let values = pairs.iter().filter_map(|pair| metric.shown(side(pair)));
        values.sum::<f64>() / pairs.len() as f64
    };
    let change = |(metric, found): (&Compared, Option<(Comparison, Conclusion)>)| {
        let (statistics, conclusion) = found?;
        Some(Change {
            subject: metric.measured.to_string(),
            unit: metric.unit(),
            worse: metric.worse,
            a: mean(|pair| &pair.0, metric),
            b: mean(|pair| &pair.1, metric),
            gated: metric.gated,
            statistics,
            conclusion,
        })
    };
    measured.into_iter().zip(found).filter_map(change).collect()
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
        let changes = changes(&Compared::all(true, true), &pairs, &Rule::default());
        let worse = subjects(&changes, Conclusion::Worse);
        assert_eq!(worse, ["1 - errors", "goodput"]);
        let errors = changes.iter().find(|c| c.subject == "1 - errors").unwrap();
        assert!((errors.a - 1.0).abs() < 1e-9 && (errors.b - 0.8).abs() < 1e-9);
    }

    #[test]
    fn no_good_request_at_all_has_a_ratio_too() {
        let pairs: Vec<_> = (0..8).map(|_| (metrics(29, 0), metrics(31, 0))).collect();
        let changes = changes(&Compared::all(true, true), &pairs, &Rule::default());
        let goodput = changes.iter().find(|c| c.subject == "goodput").unwrap();
        assert_eq!((goodput.a, goodput.b), (1.0, 0.0));
        assert_eq!(goodput.conclusion, Conclusion::Worse);
    }
}
