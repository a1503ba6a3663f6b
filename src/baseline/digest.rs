//! Digests: the numbers of a run that a baseline stores.

use crate::{
    clock::Nanos,
    grammar::{
        class::ClassName,
        slo::{Part, Subject},
    },
    judge::{self, Breakdown, Compared, Measured, standard_error},
    metrics::{Basis, Bucket, LatencyHistogram, Metrics, RequestTimes, gaps, limit_ratio, measure},
    record::Record,
    run::Run,
    stats::unpaired::Reading,
};
use goodput_grammar::goodput::RequestLimit;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// Maximum number of buckets of a histogram, which gets fewer digits until it fits.
const BUCKETS: usize = 300;

/// Summary of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Digest {
    /// Compared numbers, by their names in SLOs.
    pub numbers: BTreeMap<String, Number>,
    /// Where the time went.
    pub breakdown: Breakdown,
    /// Distributions of the latencies, by name.
    pub histograms: BTreeMap<String, Histogram>,
}

/// A number of a run with its uncertainty.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Number {
    /// Value in the unit of its SLO: ms, a ratio 0–1, or per second.
    pub value: f64,
    /// For a share: the number of requests that it is a share of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
    /// Standard error of the value's logarithm: nearly the relative standard error of the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<f64>,
    /// For a share: its relative change when all times change by one per cent, in per cent. 0 means that no
    /// request is close to a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<f64>,
    /// Degrees of freedom of that error; absent if the error already includes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freedom: Option<f64>,
}

impl Number {
    fn of(measured: Measured, run: &Run, metrics: &Metrics) -> Option<Self> {
        let (subject, turned) = match measured {
            Measured::Number(subject) => (subject, false),
            Measured::Succeeded => (Subject::Errors, true),
        };
        let turn = |value: f64| if turned { 1.0 - value } else { value };
        let sure = standard_error(&subject, run, metrics, turn)?;
        let counts = &metrics.counts;
        Some(Number {
            // The stored value, so that equal runs stay equal.
            value: rounded(turn(judge::value(&subject, metrics).ok()?)),
            of: match subject {
                Subject::Goodput => Some(metrics.goodput.counted),
                Subject::Errors => Some(counts.completed + counts.failed),
                _ => None,
            },
            sensitivity: match subject {
                Subject::Goodput => Some(sensitivity(run, metrics)),
                Subject::Errors => Some(0.0),
                _ => None,
            },
            error: sure.error,
            freedom: sure.freedom.is_finite().then_some(sure.freedom),
        })
    }

    /// Converts the number for a comparison. A share counts half a request more on either side, so that
    /// none and all also have ratios.
    pub(super) fn reading(&self) -> Reading {
        let value = match self.of {
            Some(of) => (self.value * of as f64 + 0.5) / (of as f64 + 1.0),
            None => self.value,
        };
        Reading {
            value,
            error: self.error,
            freedom: self.freedom.unwrap_or(f64::INFINITY),
            counted: self.of.is_some(),
        }
    }
}

/// Step for the sensitivity: 10 % faster or slower.
const STEP: f64 = 1.1;

/// How strongly goodput falls with slowness: the change of its logarithm over that of all times.
fn sensitivity(run: &Run, metrics: &Metrics) -> f64 {
    let (basis, limits) = (Basis::of_gate(run), &metrics.goodput.limits);
    let good = run.records.iter().filter(|record| record.ok());
    let limit_ratios: Vec<f64> = good
        .map(|record| limit_ratio(record, basis, limits).unwrap_or(0.0))
        .collect();
    let within = |slower: f64| {
        let good = limit_ratios
            .iter()
            .filter(|limit_ratio| **limit_ratio * slower <= 1.0);
        good.count() as f64 + 0.5
    };
    libm::log(within(1.0 / STEP) / within(STEP)) / (2.0 * libm::log(STEP))
}

/// Latencies in parallel columns.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Largest latency of each bucket, µs, ascending.
    pub micros: Vec<u64>,
    /// Number of latencies in each bucket.
    pub counts: Vec<u64>,
}

impl Histogram {
    fn of(latencies: impl Iterator<Item = Duration>) -> Self {
        let mut histogram = LatencyHistogram::new();
        latencies.for_each(|latency| histogram.record(latency));
        let buckets = histogram.at_most(BUCKETS);
        Histogram {
            micros: buckets.iter().map(|bucket| bucket.micros).collect(),
            counts: buckets.iter().map(|bucket| bucket.count).collect(),
        }
    }

    /// Latency in ms that at least `q` per cent of the values do not exceed, with the precision of the
    /// buckets; `None` if there is none, or the columns are damaged.
    pub fn percentile_ms(&self, q: f64) -> Option<f64> {
        let pairs = self.micros.iter().zip(&self.counts);
        let buckets: Vec<Bucket> = pairs
            .map(|(micros, count)| Bucket {
                micros: *micros,
                count: *count,
            })
            .collect();
        let histogram = LatencyHistogram::from_buckets(&buckets).ok()?;
        (histogram.count() > 0).then(|| histogram.percentile_ms(q))
    }
}

impl Digest {
    /// Summarises the first `planned` requests of a run: those that `max_extend` added have another plan.
    pub fn of(run: &Run, metrics: &Metrics, limits: &[RequestLimit], planned: usize) -> Self {
        if run.setup.requests <= planned {
            return Digest::of_all(run, metrics);
        }
        let first = first(run, planned);
        Digest::of_all(&first, &measure(&first, limits))
    }

    fn of_all(run: &Run, of_run: &Metrics) -> Self {
        let limited = !of_run.goodput.limits.is_empty();
        let classes: Vec<ClassName> = run.classes().collect();
        let parts: BTreeMap<ClassName, Run> = classes
            .iter()
            .map(|class| (*class, run.part(Part::of_class(*class))))
            .collect();
        let numbers = Compared::all(limited, run.setup.open_loop, &classes)
            .into_iter()
            .filter_map(|metric| {
                let part = metric.class.and_then(|class| parts.get(&class));
                let number = Number::of(
                    metric.measured,
                    part.unwrap_or(run),
                    metric.of_class(of_run)?,
                )?;
                Some((metric.name(), number))
            });
        let basis = Basis::of_gate(run);
        let good = || run.records.iter().filter(|record| record.ok());
        let times = || good().filter_map(|record| RequestTimes::of(record, basis));
        let per_token = |times: RequestTimes| {
            let ms = times.tpot_ms()?;
            Some(Duration::from_nanos((ms * 1e6) as u64))
        };
        let histograms = [
            ("e2el", Histogram::of(times().map(|times| times.e2el()))),
            ("itl", Histogram::of(good().flat_map(gaps))),
            ("tpot", Histogram::of(times().filter_map(per_token))),
            (
                "ttft",
                Histogram::of(times().filter_map(|times| times.ttft())),
            ),
        ];
        Digest {
            numbers: numbers.collect(),
            breakdown: Breakdown::of(run),
            histograms: histograms.map(|(name, one)| (name.to_owned(), one)).into(),
        }
    }
}

/// The run as it was before it was extended.
fn first(run: &Run, planned: usize) -> Run {
    let records: Vec<Record> = run
        .records
        .iter()
        .filter(|record| record.index < planned)
        .cloned()
        .collect();
    let mut setup = run.setup.clone();
    setup.requests = planned;
    let duration = records.iter().map(|record| record.end).max();
    let duration = duration.unwrap_or(Nanos(0));
    Run {
        setup,
        duration,
        warm_up: None,
        rate_changes: run
            .rate_changes
            .iter()
            .filter(|change| change.at <= duration)
            .copied()
            .collect(),
        audit: run.audit.clone(),
        partial: run.partial,
        ending: run.ending,
        steady: run.steady,
        records,
        // Of the whole run, and not part of any stored number.
        server: None,
        abandoned: Vec::new(),
        probes: Vec::new(),
    }
}

/// Rounds to eight digits. Infinite values and NaN stay.
pub(super) fn rounded(number: f64) -> f64 {
    format!("{number:.7e}").parse().unwrap_or(number)
}
