//! The lines about rounds.

use crate::{
    judge::number,
    metrics::{Metrics, Rounds},
};
use goodput_grammar::slo::Latency;

/// Lines about each round, and how later ones compare with the first; none for a run of one round.
pub(super) fn lines(metrics: &Metrics) -> Vec<(&'static str, String)> {
    let Some(rounds) = &metrics.rounds else {
        return Vec::new();
    };
    let mut lines: Vec<String> = rounds
        .each
        .iter()
        .map(|round| {
            let mut parts = vec![format!(
                "round {}: {} s",
                round.round + 1,
                number(round.duration)
            )];
            if round.failed > 0 {
                parts.push(format!("{} failed", round.failed));
            }
            if let Some(share) = round.cached_share {
                parts.push(format!("{} % cached", number(share * 100.0)));
            }
            for (name, latency) in [("TTFT", &round.ttft), ("E2EL", &round.e2el)] {
                if !latency.is_empty() {
                    let (p50, p99) = (number(latency.median), number(latency.percentile(99.0)));
                    parts.push(format!("{name} p50 {p50} ms, p99 {p99} ms"));
                }
            }
            parts.join(", ")
        })
        .collect();
    lines.extend(warm(rounds));
    lines.into_iter().map(|line| ("rounds", line)).collect()
}

fn warm(rounds: &Rounds) -> Option<String> {
    let shown = [Latency::Ttft, Latency::E2el].into_iter();
    let shown: Vec<String> = shown
        .filter_map(|latency| {
            let ratio = rounds.warm(latency)?;
            Some(format!("mean {latency} {} %", number(ratio * 100.0)))
        })
        .collect();
    (!shown.is_empty()).then(|| format!("later rounds over the first: {}", shown.join(", ")))
}
