//! Waits between two cases until the server has nothing left of the first.

use crate::{
    address::Endpoint, bench::Bench, clock::Nanos, inspect::Inspector, scrape::Reading, stop::Stop,
    targets::Place,
};
use std::time::{Duration, Instant};

/// How long a case waits for the requests of the one before it.
const LIMIT: Duration = Duration::from_secs(60);

/// Pause between two looks at the server.
const PAUSE: Duration = Duration::from_millis(100);

/// Waits until the bench's server reports no request, if it reports them. A server without `/metrics` has none left once
/// all answers are here. Returns what is left after the limit, as a sentence.
pub(super) fn wait(bench: &Bench, stop: &Stop) -> Option<String> {
    let inspector = |endpoint: &Endpoint| Inspector::new(endpoint, bench.client.insecure).ok();
    let inspectors: Option<Vec<_>> = endpoint(bench)?.frontends().iter().map(inspector).collect();
    let inspectors = inspectors?;
    let began = Instant::now();
    loop {
        let left = inspectors
            .iter()
            .map(|inspector| requests(inspector, bench));
        let left = left.sum::<Option<f64>>()?;
        if left == 0.0 || stop.is_requested() {
            return None;
        }
        if began.elapsed() >= LIMIT {
            return Some(format!(
                "the server still had {left} requests {} s after the case, and the next one starts with them",
                LIMIT.as_secs()
            ));
        }
        if stop.pause(PAUSE) {
            return None;
        }
    }
}

/// Where a running server is; nothing for a simulation.
fn endpoint(bench: &Bench) -> Option<Endpoint> {
    let target = bench.target.as_ref()?;
    if !target.has_metrics() || target.in_turn() {
        return None;
    }
    match target.open().ok()?.place {
        Place::Endpoint(endpoint) => Some(endpoint),
        _ => None,
    }
}

/// Requests that the server works on or that wait for it, if it reports them.
fn requests(inspector: &Inspector, bench: &Bench) -> Option<f64> {
    let page = inspector.metrics_page(&bench.wire.headers, true)?;
    let reading = Reading::of(&page)?;
    let sample = reading.sample(Nanos(0), &reading);
    let known = [sample.running, sample.waiting];
    known
        .iter()
        .any(Option::is_some)
        .then(|| known.iter().flatten().sum())
}
