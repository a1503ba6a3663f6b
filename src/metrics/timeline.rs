//! The slowest requests of a run, each with what it waited for.

use super::request::{Basis, gaps, millis};
use crate::{clock::Nanos, record::Record, run::Run};
use serde::{Deserialize, Serialize};

/// The number of requests for each latency.
const EACH: usize = 4;

/// The number of gaps that a request shows.
const GAPS: usize = 5;

/// How many times the request's median a gap must be.
const TIMES: f64 = 5.0;

/// A request of a run and what it waited for. Times are milliseconds from when its latency starts: from its intended time
/// in open loop, else from when it was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// Position in the plan.
    pub index: usize,
    /// The latency by which it is among the slowest: `ttft`, `itl` (by its longest gap) or `e2el`.
    pub by: String,
    /// When its latency starts, s since the run's start.
    pub start_s: f64,
    /// When it was sent; later than 0 if it waited for the client or for a slot.
    pub sent_ms: f64,
    /// When the head of the answer arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_ms: Option<f64>,
    /// When the first token event arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_token_ms: Option<f64>,
    /// When the last token event arrived, or the answer without tokens.
    pub last_ms: f64,
    /// The gaps of more than five times the request's median gap: the five longest in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
    /// Time in the server's queue, ms, if the server reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_queue_ms: Option<f64>,
    /// Time from the end of that queue to the first token, ms, if the server reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_prefill_ms: Option<f64>,
    /// Prompt tokens.
    pub input_tokens: u64,
    /// Generated tokens.
    pub output_tokens: u64,
}

/// A gap between two token events.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// When it begins, ms from when the latency of its request starts.
    pub from_ms: f64,
    /// How long it is, ms.
    pub ms: f64,
}

impl Timeline {
    /// The successes with the longest TTFT, with the longest gap and with the longest E2EL: four of each, the slowest
    /// first. Each is there once, by the first of these.
    pub fn of_slowest(run: &Run) -> Vec<Self> {
        let basis = Basis::of_gate(run);
        let start = |record: &Record| basis.start(record);
        let last = |record: &Record| record.events.last_at().or(record.answered);
        type Value<'a> = &'a dyn Fn(&Record) -> Option<u128>;
        let by: [(&str, Value<'_>); 3] = [
            ("ttft", &|record| {
                Some((record.events.first_at()? - start(record)).as_nanos())
            }),
            ("itl", &|record| {
                gaps(record).map(|gap| gap.as_nanos()).max()
            }),
            ("e2el", &|record| {
                Some((last(record)? - start(record)).as_nanos())
            }),
        ];
        let mut slowest: Vec<Timeline> = Vec::new();
        for (name, value) in by {
            let new = |record: &&Record| slowest.iter().all(|shown| shown.index != record.index);
            let successes = run.records.iter().filter(|record| record.ok()).filter(new);
            let mut values: Vec<(u128, &Record)> = successes
                .filter_map(|record| Some((value(record)?, record)))
                .collect();
            values.sort_by(|(a, one), (b, other)| b.cmp(a).then(one.index.cmp(&other.index)));
            let found: Vec<_> = values
                .into_iter()
                .take(EACH)
                .filter_map(|(_, record)| {
                    Some(Timeline::of(record, name, start(record), last(record)?))
                })
                .collect();
            slowest.extend(found);
        }
        slowest
    }

    fn of(record: &Record, by: &str, start: Nanos, last: Nanos) -> Self {
        let since = |at: Nanos| millis(at - start);
        let mut longest: Vec<Gap> = record
            .events
            .iter()
            .zip(gaps(record))
            .map(|(event, gap)| Gap {
                from_ms: since(event.at),
                ms: millis(gap),
            })
            .collect();
        longest.sort_by(|a, b| b.ms.total_cmp(&a.ms));
        let usual = longest.get(longest.len() / 2).map_or(0.0, |gap| gap.ms);
        longest.retain(|gap| gap.ms > TIMES * usual);
        longest.truncate(GAPS);
        longest.sort_by(|a, b| a.from_ms.total_cmp(&b.from_ms));
        Timeline {
            index: record.index,
            by: by.to_owned(),
            start_s: start.as_secs_f64(),
            sent_ms: since(record.sent),
            head_ms: record.head.map(since),
            first_token_ms: record.events.first_at().map(since),
            last_ms: since(last),
            gaps: longest,
            server_queue_ms: record.server_times.queue_ms,
            server_prefill_ms: record.server_times.ttft_ms,
            input_tokens: record.input.tokens,
            output_tokens: record.output.tokens,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        metrics::testing::{record, run_of},
        record::{RequestError, ServerTimes},
    };

    #[test]
    fn each_latency_has_its_slowest_and_each_request_is_there_once() {
        let mut records: Vec<Record> = (0..20)
            .map(|k| Record {
                index: k as usize,
                ..record(k * 10, &[k * 10 + 50 + k, k * 10 + 60 + k], 2)
            })
            .collect();
        // The longest gap is of a request with a short TTFT; another one has the most tokens.
        records[2].events = record(0, &[60, 300, 310], 3).events;
        records[3].events =
            record(0, &(0..200).map(|k| 80 + k * 10).collect::<Vec<_>>(), 200).events;
        records[4].error = Some(RequestError::NoTokens);
        let slowest = Timeline::of_slowest(&run_of(records));
        let by = |name: &str| -> Vec<usize> {
            let of = slowest.iter().filter(|shown| shown.by == name);
            of.map(|shown| shown.index).collect()
        };
        assert_eq!(by("ttft"), [19, 18, 17, 16]);
        assert_eq!(by("itl")[0], 2);
        assert_eq!(by("e2el")[0], 15);
        assert_eq!(slowest.len(), 12);
        let gap = slowest.iter().find(|shown| shown.index == 2).unwrap().gaps[0];
        assert_eq!((gap.from_ms, gap.ms), (40.0, 240.0));
    }

    #[test]
    fn times_count_from_the_plan_in_open_loop() {
        let mut late = record(100, &[150, 170], 2);
        late.intended = Nanos(70_000_000);
        late.head = Some(Nanos(120_000_000));
        late.server_times = ServerTimes {
            queue_ms: Some(20.0),
            ttft_ms: Some(25.0),
        };
        let mut run = run_of(vec![late]);
        let shown = Timeline::of_slowest(&run).remove(0);
        assert_eq!(
            (
                shown.start_s,
                shown.sent_ms,
                shown.head_ms,
                shown.first_token_ms,
                shown.last_ms
            ),
            (0.07, 30.0, Some(50.0), Some(80.0), 100.0)
        );
        assert_eq!(
            (shown.server_queue_ms, shown.server_prefill_ms),
            (Some(20.0), Some(25.0))
        );
        run.setup.open_loop = false;
        let shown = Timeline::of_slowest(&run).remove(0);
        assert_eq!((shown.start_s, shown.sent_ms), (0.1, 0.0));
    }
}
