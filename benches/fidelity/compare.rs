//! What a client said against what the server did.

use crate::{
    client::{ID_PREFIX, Seen},
    launch::Launch,
    machine::Fallible,
    points::Point,
    server::Pace,
    spread::{Spread, difference},
    trace::Trace,
};
use std::collections::HashMap;

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
    /// Tokens a second between the first complete answer and the last request.
    pub(crate) events_per_second: f64,
    /// Processor time in the same period, in cores.
    pub(crate) cpu_share: f64,
    pub(crate) peak_rss_mib: f64,
}

pub(crate) fn compare(
    point: &Point,
    client: &Seen,
    follows_schedule: bool,
    server: &[Trace],
    launch: &Launch,
) -> Fallible<Outcome> {
    let (ttft, itl) = match client {
        Seen::Tokens(seen) => differences(point, seen, server)?,
        Seen::FirstTokens(seen) => (first_differences(seen, server), Spread::NONE),
        Seen::Summary { ttft, .. } => {
            let answered = server.iter().filter_map(|t| Some((t, t.tokens.first()?)));
            let truth = answered.map(|(t, first)| span(t.start, *first));
            (ttft.differences(Spread::of(truth.collect())), Spread::NONE)
        }
    };
    let lateness = if follows_schedule {
        lateness(point, server)
    } else {
        Spread::NONE
    };
    let first = server.iter().map(|t| t.start).min().unwrap_or_default();
    let last_start = server.iter().map(|t| t.start).max().unwrap_or_default();
    let last = server.iter().filter_map(|t| t.tokens.last()).max();
    let last = last.copied().unwrap_or_default();
    let events: usize = server.iter().map(|t| t.tokens.len()).sum();
    let complete = server.iter().filter_map(|t| t.tokens.last()).min();
    let full = complete.copied().unwrap_or_default()..last_start;
    let in_full = server.iter().flat_map(|t| &t.tokens);
    let in_full = in_full.filter(|at| full.contains(at)).count() as f64;
    // A burst has no such period.
    let full_length = Some(span(full.start, full.end)).filter(|length| *length > 0.0);
    let full_length = full_length.unwrap_or(f64::NAN);
    let arrived = (server.len().saturating_sub(1)) as f64 / (last_start - first) as f64 * 1e9;
    let asked = if point.rate.is_finite() {
        // The schedule's first gap is before the first request, so it belongs to neither.
        let times = point.schedule();
        let span = times[times.len() - 1].0 - times[0].0;
        (times.len() - 1) as f64 / span as f64 * 1e9
    } else {
        1.0
    };
    Ok(Outcome {
        completed: client.completed() as f64 / point.requests as f64,
        rate: arrived / asked,
        server: Spread::of(server_errors(point.pace, server)),
        lateness,
        ttft,
        itl,
        cpu_per_event: launch.cpu_between(first, last) / events as f64 / 1e3,
        events_per_second: in_full / full_length * 1e9,
        cpu_share: launch.cpu_between(full.start, full.end) / full_length,
        peak_rss_mib: launch.peak_rss_kib as f64 / 1024.0,
    })
}

/// How far the times to the first token are off, and the gaps.
fn differences(point: &Point, client: &[Trace], server: &[Trace]) -> Fallible<(Spread, Spread)> {
    let seen = by_id(client);
    let (mut ttft, mut itl) = (Vec::new(), Vec::new());
    for truth in server.iter().filter(|truth| compares(point, truth)) {
        let Some(seen) = seen.get(truth.id.as_str()) else {
            continue;
        };
        if seen.tokens.len() != truth.tokens.len() {
            return Err(format!(
                "{}: the client saw {} tokens, the server sent {}",
                truth.id,
                seen.tokens.len(),
                truth.tokens.len()
            )
            .into());
        }
        ttft.push(ttft_difference(seen, truth));
        let gaps = seen.tokens.windows(2).zip(truth.tokens.windows(2));
        itl.extend(
            gaps.map(|(seen, truth)| difference(span(seen[0], seen[1]), span(truth[0], truth[1]))),
        );
    }
    Ok((Spread::of(ttft), Spread::of(itl)))
}

fn first_differences(client: &[Trace], server: &[Trace]) -> Spread {
    let seen = by_id(client);
    let both = server.iter().filter_map(|truth| {
        let seen = seen.get(truth.id.as_str())?;
        Some(ttft_difference(seen, truth))
    });
    Spread::of(both.collect())
}

fn by_id(traces: &[Trace]) -> HashMap<&str, &Trace> {
    traces.iter().map(|t| (t.id.as_str(), t)).collect()
}

/// Whether the times of a request are compared; those of clients that number theirs otherwise are.
fn compares(point: &Point, truth: &Trace) -> bool {
    number_of(truth).is_none_or(|number| point.compares(number))
}

/// A request's place in the schedule.
fn number_of(trace: &Trace) -> Option<usize> {
    trace.id.strip_prefix(ID_PREFIX)?.parse().ok()
}

/// Arrivals after their intended times, the schedule laid so that the earliest is on time.
fn lateness(point: &Point, server: &[Trace]) -> Spread {
    let schedule = point.schedule();
    let late = server.iter().filter_map(|truth| {
        let number = number_of(truth).filter(|number| point.compares(*number))?;
        Some(truth.start as f64 - schedule.get(number)?.0 as f64)
    });
    let late: Vec<f64> = late.collect();
    let earliest = late.iter().copied().fold(f64::INFINITY, f64::min);
    Spread::of(late.iter().map(|late| late - earliest).collect())
}

fn ttft_difference(seen: &Trace, truth: &Trace) -> f64 {
    difference(
        span(seen.start, seen.tokens[0]),
        span(truth.start, truth.tokens[0]),
    )
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
