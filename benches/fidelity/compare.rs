//! What a client said against what the server did.

use crate::{launch::Launch, machine::Fallible, points::Point, server::Pace, trace::Trace};
use std::collections::HashMap;

/// Microseconds at the median, the 99th percentile and at worst.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Spread {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Spread {
    fn of(mut nanos: Vec<f64>) -> Self {
        nanos.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| {
            let rank = (share * nanos.len() as f64).ceil() as usize;
            nanos
                .get(rank.saturating_sub(1))
                .map_or(f64::NAN, |n| n / 1e3)
        };
        Spread {
            p50: at(0.5),
            p99: at(0.99),
            max: at(1.0),
        }
    }
}

/// The comparison of one run.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    /// Requests that the client calls successes, as a share of those asked for.
    pub(crate) completed: f64,
    /// Requests a second at the server by the rate asked for; of a burst, which asks for no rate,
    /// the requests a second that arrived.
    pub(crate) rate: f64,
    /// The server's writes, against the time they were due: the instrument's own error.
    pub(crate) server: Spread,
    /// Arrivals at the server after their intended time. The client's clock is laid so that the
    /// earliest is 0.
    pub(crate) lateness: Spread,
    /// |reported − true| time to the first token.
    pub(crate) ttft: Spread,
    /// |reported − true| gap between two tokens.
    pub(crate) itl: Spread,
    /// Processor time between the first arrival and the last token, by token, in microseconds.
    pub(crate) cpu_per_event: f64,
    pub(crate) peak_rss_mib: f64,
}

pub(crate) fn compare(
    point: &Point,
    client: &[Trace],
    server: &[Trace],
    launch: &Launch,
) -> Fallible<Outcome> {
    let truth: HashMap<&str, &Trace> = server.iter().map(|t| (t.id.as_str(), t)).collect();
    let seen: HashMap<&str, &Trace> = client.iter().map(|t| (t.id.as_str(), t)).collect();
    let (mut ttft, mut itl, mut arrivals) = (Vec::new(), Vec::new(), Vec::new());
    for (index, intended) in point.schedule().iter().enumerate() {
        let id = format!("{}{index}", crate::client::ID_PREFIX);
        let Some(truth) = truth.get(id.as_str()) else {
            continue;
        };
        if !point.compares(index) {
            continue;
        }
        arrivals.push((truth.start as f64 - intended.0 as f64, truth.start));
        let Some(seen) = seen.get(id.as_str()) else {
            continue;
        };
        if seen.tokens.len() != truth.tokens.len() {
            return Err(format!(
                "{id}: the client saw {} tokens, the server sent {}",
                seen.tokens.len(),
                truth.tokens.len()
            )
            .into());
        }
        ttft.push(difference(
            span(seen.start, seen.tokens[0]),
            span(truth.start, truth.tokens[0]),
        ));
        let gaps = seen.tokens.windows(2).zip(truth.tokens.windows(2));
        itl.extend(
            gaps.map(|(seen, truth)| difference(span(seen[0], seen[1]), span(truth[0], truth[1]))),
        );
    }
    let earliest = arrivals
        .iter()
        .map(|(late, _)| *late)
        .fold(f64::INFINITY, f64::min);
    let first = server.iter().map(|t| t.start).min().unwrap_or_default();
    let last_start = server.iter().map(|t| t.start).max().unwrap_or_default();
    let last = server.iter().filter_map(|t| t.tokens.last()).max();
    let last = last.copied().unwrap_or_default();
    let events: usize = server.iter().map(|t| t.tokens.len()).sum();
    let arrived = (server.len().saturating_sub(1)) as f64 / (last_start - first) as f64 * 1e9;
    let asked = match point.rate.is_finite() {
        // The schedule's first gap is before the first request, so it is no part of either.
        true => {
            let times = point.schedule();
            let span = times[times.len() - 1].0 - times[0].0;
            (times.len() - 1) as f64 / span as f64 * 1e9
        }
        false => 1.0,
    };
    Ok(Outcome {
        completed: client.len() as f64 / point.requests as f64,
        rate: arrived / asked,
        server: Spread::of(server_errors(point.pace, server)),
        lateness: Spread::of(arrivals.iter().map(|(late, _)| late - earliest).collect()),
        ttft: Spread::of(ttft),
        itl: Spread::of(itl),
        cpu_per_event: launch.cpu_between(first, last) / events as f64 / 1e3,
        peak_rss_mib: launch.peak_rss_kib as f64 / 1024.0,
    })
}

/// How long after its due time each write returned.
pub(crate) fn server_errors(pace: Pace, server: &[Trace]) -> Vec<f64> {
    let late = |trace: &Trace| {
        let first = trace.start + pace.ttft;
        let due = move |index: usize| first + index as u64 * pace.itl;
        let late = |(index, at): (usize, &u64)| *at as f64 - due(index) as f64;
        trace
            .tokens
            .iter()
            .enumerate()
            .map(late)
            .collect::<Vec<_>>()
    };
    server.iter().flat_map(late).collect()
}

fn span(from: u64, to: u64) -> f64 {
    to as f64 - from as f64
}

fn difference(a: f64, b: f64) -> f64 {
    (a - b).abs()
}
