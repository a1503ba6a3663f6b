//! Which metrics two servers are compared by, and what pairs of runs say about them.
//!
//! Few metrics are gated, because each is a further chance of a false alarm: the middle and the body
//! of TTFT, the means of TPOT and E2EL, the share of requests that succeed, that of good ones
//! where limits say what is good, and output tokens a second where the server sets the pace. A change
//! in the p99 of a thousand requests is made by ten of them; tails are shown and decide nothing.

use super::{comparison::Change, quantity::Unit, slo::value};
use crate::{
    metrics::Metrics,
    stats::compare::{Comparison, Conclusion, Paired, Rule, Worse, compare, compare_together},
};
use goodput_grammar::slo::{Latency, Stat, Subject, Throughput};

/// A number by which servers are compared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Compared {
    measured: Measured,
    worse: Worse,
    gated: bool,
}

#[derive(Debug, Clone, Copy)]
enum Measured {
    Number(Subject),
    /// Requests within their limits, of all.
    Good,
    /// Requests that succeeded, of all: the errors, in a form whose ratios mean something.
    Succeeded,
}

impl Compared {
    /// All of a bench, gated ones first; `limited` if it says which requests are good.
    pub(crate) fn all(limited: bool, open_loop: bool) -> Vec<Compared> {
        let compared = |measured, worse, gated| Compared {
            measured,
            worse,
            gated,
        };
        let latency = |stat, latency, gated| {
            let subject = Subject::Latency(stat, latency);
            compared(Measured::Number(subject), Worse::Higher, gated)
        };
        // In open loop the plan sets the pace.
        let output = Measured::Number(Subject::Throughput(Throughput::Output));
        let output = compared(output, Worse::Lower, !open_loop);
        let mut all = vec![
            latency(Stat::Mean, Latency::Ttft, true),
            latency(Stat::Percentile(50.0), Latency::Ttft, true),
            latency(Stat::Percentile(90.0), Latency::Ttft, true),
            latency(Stat::Mean, Latency::Tpot, true),
            latency(Stat::Mean, Latency::E2el, true),
            compared(Measured::Succeeded, Worse::Lower, true),
        ];
        if limited {
            all.push(compared(Measured::Good, Worse::Lower, true));
        }
        all.push(output);
        all.extend([
            latency(Stat::Percentile(99.0), Latency::Ttft, false),
            latency(Stat::Percentile(99.0), Latency::Itl, false),
            latency(Stat::Percentile(99.0), Latency::E2el, false),
        ]);
        all
    }

    pub(crate) fn subject(&self) -> String {
        match self.measured {
            Measured::Number(subject) => subject.to_string(),
            Measured::Good => Subject::Goodput.to_string(),
            Measured::Succeeded => "1 - errors".to_owned(),
        }
    }

    pub(crate) fn gated(&self) -> bool {
        self.gated
    }

    fn unit(&self) -> Unit {
        match self.measured {
            Measured::Number(subject) => Unit::of(&subject),
            Measured::Good | Measured::Succeeded => Unit::Ratio,
        }
    }

    /// The value as it is shown.
    fn shown(&self, metrics: &Metrics) -> Option<f64> {
        match self.measured {
            Measured::Number(subject) => value(&subject, metrics).ok(),
            Measured::Good => Some(metrics.goodput.ratio),
            Measured::Succeeded => Some(1.0 - metrics.counts.error_ratio()),
        }
    }

    /// The value as ratios are taken of it. Shares count half a request more on either side, so that
    /// none and all of them have ratios too.
    pub(crate) fn value(&self, metrics: &Metrics) -> Option<f64> {
        let share = |part: u64, all: u64| Some((part as f64 + 0.5) / (all as f64 + 1.0));
        let counts = &metrics.counts;
        match self.measured {
            Measured::Number(_) => self.shown(metrics),
            Measured::Good => share(metrics.goodput.good, metrics.goodput.counted),
            Measured::Succeeded => share(counts.completed, counts.completed + counts.failed),
        }
    }
}

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
    let gates = measured.iter().take_while(|metric| metric.gated()).count();
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
            subject: metric.subject(),
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
    fn gated_ones_come_first_and_tails_decide_nothing() {
        let list = |limited, open_loop| -> Vec<String> {
            let all = Compared::all(limited, open_loop);
            assert!(all.is_sorted_by_key(|metric| !metric.gated()));
            let gated = all.iter().filter(|metric| metric.gated());
            gated.map(Compared::subject).collect()
        };
        let latencies = [
            "mean(ttft)",
            "p50(ttft)",
            "p90(ttft)",
            "mean(tpot)",
            "mean(e2el)",
        ];
        let (in_open_loop, in_closed) = (list(false, true), list(true, false));
        assert_eq!(in_open_loop[..5], latencies);
        assert_eq!(in_open_loop[5..], ["1 - errors"]);
        assert_eq!(in_closed[..5], latencies);
        assert_eq!(
            in_closed[5..],
            ["1 - errors", "goodput", "throughput(output)"]
        );
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
