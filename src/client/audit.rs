//! What the client knows about itself after a run.

use crate::{metrics::Summary, record::Record, run::Lateness};

/// How late the client took requests up, in milliseconds. Meaningful in open loop only: without a
/// schedule nothing can be late.
pub fn lateness(records: &[Record]) -> Option<Lateness> {
    let late = records
        .iter()
        .map(|record| (record.dispatched - record.intended).as_secs_f64() * 1e3);
    let late = Summary::of(late.collect());
    (!late.is_empty()).then(|| Lateness {
        p50: late.percentile(50.0),
        p99: late.percentile(99.0),
        max: late.max,
    })
}
