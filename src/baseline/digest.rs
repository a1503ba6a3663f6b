//! Digests: the numbers of a run that a baseline stores.

use crate::{
    clock::Nanos,
    judge::{Breakdown, Number, numbers},
    metrics::{Basis, Bucket, LatencyHistogram, Metrics, RequestTimes, gaps, measure},
    record::Record,
    run::Run,
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
            numbers: numbers(run, of_run),
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
