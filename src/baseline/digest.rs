//! What is kept of a run.

use crate::{
    clock::Nanos,
    grammar::slo::Subject,
    judge::{self, Anatomy, Compared, Measured, sureness},
    metrics::{
        Basis, Bucket, LatencyHistogram, Metrics, RequestTimes, gaps, goodput_strain, measure,
    },
    record::Record,
    run::Run,
    stats::unpaired::Reading,
};
use goodput_grammar::goodput::RequestLimit;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// A histogram has so many buckets at most; it gets fewer digits until it does.
const BUCKETS: usize = 300;

/// A run in small.
#[derive(Debug, Clone, PartialEq)]
pub struct Digest {
    /// The compared numbers, by their names in SLOs.
    pub numbers: BTreeMap<String, Number>,
    /// Where the time went.
    pub anatomy: Anatomy,
    /// How the latencies are spread, by name.
    pub histograms: BTreeMap<String, Histogram>,
}

/// A number of a run, and how sure the run is of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Number {
    /// In the unit of its SLO: ms, a ratio 0–1, per second.
    pub value: f64,
    /// Of a share: requests of which it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
    /// The standard error of its logarithm: nearly that of the value as a share of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<f64>,
    /// Of a share: by how much it changes, as a share of itself, when all times change by one. 0 says that
    /// no request is close to a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<f64>,
    /// Degrees of freedom of that error; left out when they are in it already.
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
        let sure = sureness(&subject, run, metrics, turn)?;
        let counts = &metrics.counts;
        Some(Number {
            // As it is stored, so that equal runs stay equal.
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

    /// As it is compared. Shares count half a request more on either side, so that none and all of them
    /// have ratios too.
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

/// A tenth faster or slower is asked about.
const STEP: f64 = 1.1;

/// How steeply goodput falls with slowness: the change of its logarithm over that of all times.
fn sensitivity(run: &Run, metrics: &Metrics) -> f64 {
    let (basis, limits) = (Basis::of_gate(run), &metrics.goodput.limits);
    let good = run.records.iter().filter(|record| record.ok());
    let strains: Vec<f64> = good
        .map(|record| goodput_strain(record, basis, limits).unwrap_or(0.0))
        .collect();
    let within = |slower: f64| {
        let good = strains.iter().filter(|strain| **strain * slower <= 1.0);
        good.count() as f64 + 0.5
    };
    libm::log(within(1.0 / STEP) / within(STEP)) / (2.0 * libm::log(STEP))
}

/// Latencies in columns of equal length.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// The largest latency of each bucket, µs, rising.
    pub micros: Vec<u64>,
    /// How many were in it.
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

    /// The latency, ms, that at least `q` per cent of the values are at or below, as far as the buckets
    /// tell; `None` when there is none, or the columns are damaged.
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
    /// Of the first `planned` requests of a run: what `max_extend` has added has another plan.
    pub fn of(run: &Run, metrics: &Metrics, limits: &[RequestLimit], planned: usize) -> Self {
        if run.setup.requests <= planned {
            return Digest::of_all(run, metrics);
        }
        let first = first(run, planned);
        Digest::of_all(&first, &measure(&first, limits))
    }

    fn of_all(run: &Run, of_run: &Metrics) -> Self {
        let limited = !of_run.goodput.limits.is_empty();
        let numbers = Compared::all(limited, run.setup.open_loop)
            .into_iter()
            .filter_map(|metric| {
                let number = Number::of(metric.measured, run, of_run)?;
                Some((metric.measured.to_string(), number))
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
            anatomy: Anatomy::of(run),
            histograms: histograms.map(|(name, one)| (name.to_owned(), one)).into(),
        }
    }
}

/// A run as it was before it grew.
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
        rate_changes: run
            .rate_changes
            .iter()
            .filter(|change| change.at <= duration)
            .copied()
            .collect(),
        audit: run.audit.clone(),
        partial: run.partial,
        records,
        // Of the whole run, and in no number that is kept.
        server: None,
        probes: Vec::new(),
    }
}

/// To eight digits. A number that is not finite stays what it is.
pub(super) fn rounded(number: f64) -> f64 {
    format!("{number:.7e}").parse().unwrap_or(number)
}
