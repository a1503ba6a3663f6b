//! What the client knows about itself after a run.

use crate::{metrics::percentile, record::Record, run::Lateness};

/// How late the client took requests up, in milliseconds. Meaningful in open loop only: without a
/// schedule nothing can be late.
pub fn lateness(records: &[Record]) -> Option<Lateness> {
    let mut late: Vec<f64> = records
        .iter()
        .map(|record| (record.dispatched - record.intended).as_secs_f64() * 1e3)
        .collect();
    late.sort_by(f64::total_cmp);
    Some(Lateness {
        max: *late.last()?,
        p50: percentile(&late, 50.0),
        p99: percentile(&late, 99.0),
    })
}
