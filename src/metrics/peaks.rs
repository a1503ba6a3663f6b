//! The fullest second of a run.

use super::{
    request::{Basis, RequestTimes},
    tokens::tokens_of_events,
};
use crate::{clock::Nanos, record::Record, run::Run};
use serde::Serialize;
use std::collections::BTreeMap;

/// Peaks over successes, from the first sending to the last token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Peaks {
    /// vLLM's `max_output_tokens_per_s`: token *events* in the fullest whole second since the
    /// first sending. Too low where an event carries several tokens.
    pub output_tokens_per_s: u64,
    /// vLLM's `max_concurrent_requests`: requests that touch the fullest of those seconds. Too
    /// high where requests follow each other within a second.
    pub concurrent_requests: u64,
    /// *Tokens* in the fullest of those seconds.
    pub exact_output_tokens_per_s: u64,
    /// Most requests between their sending and their last token at one instant; one that ends
    /// when another starts does not overlap it.
    pub exact_concurrent_requests: u64,
}

/// Token events and tokens in each second since the first sending, of a run that grows.
#[derive(Debug, Clone, Default)]
pub(super) struct Seconds {
    start: Nanos,
    /// How many of the run's requests are counted.
    counted: usize,
    tokens: BTreeMap<u64, (u64, u64)>,
}

impl Seconds {
    /// Counts the requests that are new.
    fn count(&mut self, run: &Run, start: Nanos) {
        if self.start != start {
            // The seconds are others now.
            *self = Seconds {
                start,
                ..Seconds::default()
            };
        }
        let new = run.records[self.counted..].iter();
        for record in new.filter(|record| is_counted(record)) {
            for (event, carried) in record.events.iter().zip(tokens_of_events(record)) {
                let second = (event.at - start).as_secs();
                let (events, exact) = self.tokens.entry(second).or_default();
                *events += 1;
                *exact = exact.saturating_add(carried.count);
            }
        }
        self.counted = run.records.len();
    }
}

fn is_counted(record: &Record) -> bool {
    record.ok() && RequestTimes::of(record, Basis::Sent).is_some()
}

impl Peaks {
    /// `seconds` has what was counted of the run's first requests.
    pub(super) fn of(run: &Run, seconds: &mut Seconds) -> Self {
        let requests: Vec<(&Record, Nanos)> = run
            .records
            .iter()
            .filter(|record| record.ok())
            .filter_map(|record| {
                let times = RequestTimes::of(record, Basis::Sent)?;
                Some((record, record.sent.after(times.e2el())))
            })
            .collect();
        let Some(start) = requests.iter().map(|(record, _)| record.sent).min() else {
            return Peaks::default();
        };
        seconds.count(run, start);
        let tokens = &seconds.tokens;
        let second = |at: Nanos| (at - start).as_secs();
        let spans =
            |start: fn(&Record) -> Nanos| requests.iter().map(move |(r, end)| (start(r), *end));
        let seconds = spans(|record| record.sent).map(|(from, to)| (second(from), second(to) + 1));
        let instants = spans(|record| record.sent).map(|(from, to)| (from.0, to.0));
        Peaks {
            output_tokens_per_s: tokens
                .values()
                .map(|(events, _)| *events)
                .max()
                .unwrap_or(0),
            concurrent_requests: deepest_overlap(seconds),
            exact_output_tokens_per_s: tokens.values().map(|(_, exact)| *exact).max().unwrap_or(0),
            // A request that took no time at all was in flight nevertheless.
            exact_concurrent_requests: deepest_overlap(instants).max(1),
        }
    }
}

/// How many of the half-open spans overlap at most.
fn deepest_overlap(spans: impl Iterator<Item = (u64, u64)>) -> u64 {
    let mut changes: BTreeMap<u64, i64> = BTreeMap::new();
    for (from, to) in spans {
        *changes.entry(from).or_default() += 1;
        *changes.entry(to).or_default() -= 1;
    }
    let depths = changes.values().scan(0, |depth, change| {
        *depth += change;
        Some(*depth)
    });
    depths.max().unwrap_or(0).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{record, run_of};

    fn of(run: &Run) -> Peaks {
        Peaks::of(run, &mut Seconds::default())
    }

    #[test]
    fn requests_in_a_row_do_not_overlap() {
        let run = run_of(
            (0..4)
                .map(|i| record(i * 200, &[i * 200 + 200], 1))
                .collect(),
        );
        let peaks = of(&run);
        assert_eq!(peaks.exact_concurrent_requests, 1);
        assert_eq!(peaks.concurrent_requests, 4);
    }

    #[test]
    fn the_fullest_second_by_events_and_by_tokens() {
        let run = run_of(vec![
            record(500, &[600, 700, 800], 3),
            record(1400, &[1600, 1700], 20),
        ]);
        let peaks = of(&run);
        assert_eq!(peaks.output_tokens_per_s, 3);
        assert_eq!(peaks.exact_output_tokens_per_s, 20);
    }

    #[test]
    fn a_request_that_took_no_time_was_in_flight() {
        let peaks = of(&run_of(vec![record(5, &[5], 1)]));
        assert_eq!(
            (peaks.exact_concurrent_requests, peaks.concurrent_requests),
            (1, 1)
        );
    }
}
