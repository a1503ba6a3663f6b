//! Numbers of the rounds in which a plan was sent, cold and warm.

use super::{
    cached::cached_share,
    definition::definition,
    percentile::Summary,
    request::{Basis, RequestTimes, millis},
};
use crate::{record::Record, run::Run};
use goodput_grammar::slo::{Latency, Part, Place, Span};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// The rounds in which a plan was sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rounds {
    /// Each round, from the first.
    pub each: Vec<RoundMetrics>,
    /// The mean of a latency in the later rounds over that in the first, over the requests that have it in both.
    pub warm: Vec<Warm>,
}

/// A latency in the later rounds over the first.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Warm {
    /// The latency.
    #[serde(serialize_with = "name")]
    pub latency: Latency,
    /// The ratio of the means.
    pub ratio: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn name<S: Serializer>(latency: &Latency, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(latency.name())
}

/// One round of a run. Latencies are in milliseconds, over successes; NaN without any.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RoundMetrics {
    /// Number of the round, from 0.
    pub round: u64,
    /// Requests that succeeded.
    pub completed: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Time from the first intended send to the end of the last request, s.
    pub duration: f64,
    /// Share of the prompt tokens that came from the server's cache, 0–1, by its usage; `None` if it reports none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_share: Option<f64>,
    /// Time to first token, from the intended time in open loop.
    #[serde(rename = "ttft_ms")]
    pub ttft: Summary,
    /// End-to-end latency, from the intended time in open loop.
    #[serde(rename = "e2el_ms")]
    pub e2el: Summary,
}

impl Rounds {
    /// Measures the rounds of a run; `None` for a run of one.
    pub(super) fn of(run: &Run) -> Option<Self> {
        let rounds = run.setup.rounds;
        let span = |round: usize| Span {
            first: u32::try_from(round + 1).unwrap_or(u32::MAX),
            and_later: false,
        };
        let part = |round| run.part(Part::at(Place::Round(span(round))));
        (rounds > 1).then(|| Rounds {
            each: (0..rounds)
                .map(|round| RoundMetrics::of(round, &part(round)))
                .collect(),
            warm: Latency::ALL
                .iter()
                .filter_map(|latency| Warm::of(run, *latency))
                .collect(),
        })
    }

    /// The ratio of a latency; `None` if no request had one in the first round and in a later one.
    pub fn warm(&self, latency: Latency) -> Option<f64> {
        let found = self.warm.iter().find(|warm| warm.latency == latency);
        found.map(|warm| warm.ratio)
    }
}

impl Warm {
    fn of(run: &Run, latency: Latency) -> Option<Self> {
        let pairs = warm_and_cold(run, latency);
        let warm: f64 = pairs.iter().map(|(warm, _)| warm).sum();
        let cold: f64 = pairs.iter().map(|(_, cold)| cold).sum();
        (cold > 0.0).then(|| Warm {
            latency,
            ratio: warm / cold,
        })
    }
}

impl RoundMetrics {
    fn of(round: usize, run: &Run) -> Self {
        let basis = Basis::of_gate(run);
        let good: Vec<&Record> = run.records.iter().filter(|record| record.ok()).collect();
        let completed = good.len() as u64;
        let summary = |of: &dyn Fn(&RequestTimes) -> Option<f64>| {
            let times = good
                .iter()
                .filter_map(|record| RequestTimes::of(record, basis));
            Summary::of(times.filter_map(|times| of(&times)).collect())
        };
        RoundMetrics {
            round: round as u64,
            completed,
            failed: run.records.len() as u64 - completed,
            duration: run.duration.as_secs_f64(),
            cached_share: cached_share(good.iter().copied()),
            ttft: summary(&|times| times.ttft().map(millis)),
            e2el: summary(&|times| Some(millis(times.e2el()))),
        }
    }
}

/// A latency of each request, ms: the mean of its later rounds, and its first round. Requests that lack either are left
/// out.
pub(crate) fn warm_and_cold(run: &Run, latency: Latency) -> Vec<(f64, f64)> {
    let values = definition(latency).values;
    let basis = Basis::of_gate(run);
    let each = (run.setup.requests / run.setup.rounds.max(1)).max(1);
    let mut requests: BTreeMap<usize, [Vec<f64>; 2]> = BTreeMap::new();
    for record in run.records.iter().filter(|record| record.ok()) {
        let round = run.round_of(record);
        let of_request = requests.entry(record.index - round * each).or_default();
        of_request[usize::from(round > 0)].extend(mean(&values(record, basis)));
    }
    requests
        .values()
        .filter_map(|[cold, warm]| Some((mean(warm)?, mean(cold)?)))
        .collect()
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
