//! Reads the result file of `vllm bench serve --save-detailed`, which goodput writes too.

use super::ID_PREFIX;
use crate::{machine::Fallible, trace::Trace};
use serde::Deserialize;
use std::{fs::File, io::BufReader, path::Path};

#[derive(Deserialize)]
struct Detailed {
    start_times: Vec<f64>,
    ttfts: Vec<f64>,
    itls: Vec<Vec<f64>>,
    errors: Vec<String>,
}

/// Requests that succeeded, in seconds since an origin of the client's own.
pub(super) fn traces(path: &Path) -> Fallible<Vec<Trace>> {
    let detailed: Detailed = serde_json::from_reader(BufReader::new(File::open(path)?))?;
    let origin = detailed
        .start_times
        .iter()
        .copied()
        .fold(f64::INFINITY, f64::min);
    let nanos = |seconds: f64| ((seconds - origin) * 1e9) as u64;
    let rows = detailed
        .start_times
        .iter()
        .zip(&detailed.ttfts)
        .zip(&detailed.itls);
    let mut traces = Vec::new();
    for (index, ((start, ttft), gaps)) in rows.enumerate() {
        if detailed
            .errors
            .get(index)
            .is_some_and(|error| !error.is_empty())
        {
            continue;
        }
        let mut at = start + ttft;
        let mut tokens = vec![nanos(at)];
        for gap in gaps {
            at += gap;
            tokens.push(nanos(at));
        }
        traces.push(Trace {
            id: format!("{ID_PREFIX}{index}"),
            start: nanos(*start),
            tokens,
        });
    }
    Ok(traces)
}
