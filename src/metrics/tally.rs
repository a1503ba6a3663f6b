//! The numbers of a run that grows: what was counted of its first requests is kept.

use super::{
    ClassMetrics, Counts, ErrorGroup, Fairness, GateLatencies, Goodput, Latencies, Metrics, Peaks,
    Probes, Rounds, Sessions, Structured, Throughput, cached::cached_share, latency,
    peaks::Seconds, request::Basis,
};
use crate::run::Run;
use goodput_grammar::goodput::RequestLimit;

/// Measures a run each time that it has grown, and goes through the token events of new requests only.
///
/// The numbers are those of [`measure`](super::measure), to the last bit: samples are kept in rising order, in which
/// they are summed up. Two things are counted anew each time: what has one value a request, which is quickly done, and
/// latencies per token where events brought several tokens, as the sum of their weights depends on how equal values are
/// ordered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// How many of the run's requests are counted below.
    counted: usize,
    latency: Latencies,
    gate: Option<GateLatencies>,
    seconds: Seconds,
    /// Whether an event of theirs brought another number of tokens than one.
    uneven: bool,
}

impl Tally {
    /// Every number of the run, which must begin with the requests that were counted before.
    pub(crate) fn measure(&mut self, run: &Run, limits: &[RequestLimit]) -> Metrics {
        let run = &*run.steady();
        let basis = Basis::of_gate(run);
        let new = &run.records[self.counted..];
        self.counted = run.records.len();
        self.latency = self.latency.with(Latencies::of(new));
        let gate = GateLatencies::of(new, basis);
        let mut gate = match self.gate.take() {
            Some(kept) => kept.with(gate),
            None => gate,
        };
        self.uneven |= !latency::one_token_an_event(new);
        gate.per_token = if self.uneven {
            latency::per_token(&run.records)
        } else {
            self.latency.itl.clone()
        };
        self.gate = Some(gate.clone());
        let counts = Counts::of(run);
        Metrics {
            counts,
            throughput: Throughput::of(run, &counts),
            gate,
            latency: self.latency.clone(),
            peaks: Peaks::of(run, &mut self.seconds),
            goodput: Goodput::of(run, limits),
            cached_share: cached_share(&run.records).or_else(|| by_its_page(run)),
            structured: Structured::of(run),
            errors: ErrorGroup::of(run),
            probes: Probes::of(run),
            sessions: Sessions::of(run),
            rounds: Rounds::of(run),
            classes: ClassMetrics::of(run, limits),
            fairness: Fairness::of(run),
        }
    }
}

/// The share of cached prompt tokens by the server's own counters.
fn by_its_page(run: &Run) -> Option<f64> {
    let counted = run.server.as_ref()?.counted.as_ref()?;
    counted.prefix_cache?.hit_ratio()
}
