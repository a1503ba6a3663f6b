//! Latencies, vLLM's and the gate's.

use super::{
    percentile::Summary,
    request::{Basis, RequestTimes, gaps, millis},
    tokens::tokens_of_events,
};
use crate::record::{Channel, Record};
use serde::Serialize;

/// vLLM's latencies in milliseconds, over successes.
///
/// Source: `calculate_metrics` in `vllm/benchmarks/serve.py` of 0.32; 0.33 is the same.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Latencies {
    /// Time to the first token event, from sending.
    #[serde(rename = "ttft_ms")]
    pub ttft: Summary,
    /// Time per output token after the first.
    #[serde(rename = "tpot_ms")]
    pub tpot: Summary,
    /// Gaps between token events. A long request brings more of them than a short one.
    #[serde(rename = "itl_ms")]
    pub itl: Summary,
    /// Time to the last token event, from sending.
    #[serde(rename = "e2el_ms")]
    pub e2el: Summary,
    /// Wait for a slot of `max_concurrency`, from when the client took the request up.
    #[serde(rename = "client_queue_time_ms")]
    pub client_queue: Summary,
    /// The client's queue and the end-to-end latency together.
    #[serde(rename = "e2el_including_client_queue_ms")]
    pub e2el_with_client_queue: Summary,
}

impl Latencies {
    pub(super) fn of(records: &[Record]) -> Self {
        let times: Vec<_> = successes(records)
            .filter_map(|record| Some((record, RequestTimes::of(record, Basis::Sent)?)))
            .collect();
        let each = |value: &dyn Fn(&Record, &RequestTimes) -> f64| {
            Summary::of(times.iter().map(|(record, t)| value(record, t)).collect())
        };
        Latencies {
            ttft: ttft_of(times.iter().map(|(_, t)| t)),
            tpot: Summary::of(times.iter().filter_map(|(_, t)| t.tpot_ms()).collect()),
            itl: Summary::of_many(|| successes(records).flat_map(gaps).map(millis)),
            e2el: each(&|_, t| millis(t.e2el())),
            client_queue: each(&|record, _| millis(record.sent - record.dispatched)),
            e2el_with_client_queue: each(&|record, t| {
                millis(t.e2el() + (record.sent - record.dispatched))
            }),
        }
    }

    /// The latencies of these requests and of others.
    pub(super) fn with(&self, others: Latencies) -> Self {
        Latencies {
            ttft: self.ttft.with(others.ttft),
            tpot: self.tpot.with(others.tpot),
            itl: self.itl.with(others.itl),
            e2el: self.e2el.with(others.e2el),
            client_queue: self.client_queue.with(others.client_queue),
            e2el_with_client_queue: self
                .e2el_with_client_queue
                .with(others.e2el_with_client_queue),
        }
    }
}

/// The latencies that limits are compared with, and others that vLLM lacks, in milliseconds, over successes. TPOT and
/// ITL do not depend on when a request started: see [`Latencies`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GateLatencies {
    /// From when `ttft`, `ttfat` and `e2el` count.
    pub basis: Basis,
    /// Time to the first token event.
    #[serde(rename = "ttft_ms")]
    pub ttft: Summary,
    /// Time to the first event of the answer; requests without one are left out.
    #[serde(rename = "ttfat_ms")]
    pub ttfat: Summary,
    /// Time to the last token event.
    #[serde(rename = "e2el_ms")]
    pub e2el: Summary,
    /// Time for which a session was waiting for the server: the time in which at least one of its requests was due and had
    /// not ended. Only sessions count in which every request succeeded.
    #[serde(rename = "session_e2el_ms", skip_serializing_if = "Summary::is_empty")]
    pub session_e2el: Summary,
    /// Time of a whole round, from its start to the end of its last request. Only rounds count in which every request
    /// succeeded; empty for a run of one round.
    #[serde(rename = "round_e2el_ms", skip_serializing_if = "Summary::is_empty")]
    pub round_e2el: Summary,
    /// Time per token after the first event: each gap divided by the tokens that it brought,
    /// counted once a token. Counts per event are the server's, or even shares.
    #[serde(rename = "per_token_ms")]
    pub per_token: Summary,
    /// How long after its intended time a request was sent: the client's lateness and the wait
    /// for a slot.
    #[serde(rename = "queue_ms")]
    pub queue: Summary,
    /// Time to open a connection, for requests that needed one (DNS, TCP, TLS).
    #[serde(rename = "connect_ms")]
    pub connect: Summary,
    /// How late the client took requests up, failed ones included; empty without a schedule, as
    /// then nothing can be late.
    #[serde(rename = "lateness_ms")]
    pub lateness: Summary,
}

impl GateLatencies {
    /// All but [`per_token`](Self::per_token), which needs the whole run.
    pub(super) fn of(records: &[Record], basis: Basis) -> Self {
        let times: Vec<_> = successes(records)
            .filter_map(|record| RequestTimes::of(record, basis))
            .collect();
        GateLatencies {
            basis,
            ttft: ttft_of(times.iter()),
            ttfat: Summary::of(
                successes(records)
                    .filter_map(|record| ttfat_ms(record, basis))
                    .collect(),
            ),
            e2el: Summary::of(times.iter().map(|t| millis(t.e2el())).collect()),
            session_e2el: Summary::of(
                successes(records)
                    .filter_map(|record| Some(record.session_e2el?.as_secs_f64() * 1e3))
                    .collect(),
            ),
            round_e2el: Summary::of(
                successes(records)
                    .filter_map(|record| Some(record.round_e2el?.as_secs_f64() * 1e3))
                    .collect(),
            ),
            per_token: Summary::default(),
            queue: Summary::of(
                successes(records)
                    .map(|record| millis(record.sent - record.intended))
                    .collect(),
            ),
            connect: Summary::of(
                successes(records)
                    .filter_map(|record| Some(millis(record.connected? - record.sent)))
                    .collect(),
            ),
            lateness: Summary::of(
                scheduled(records, basis)
                    .map(|record| millis(record.dispatched - record.intended))
                    .collect(),
            ),
        }
    }

    /// The latencies of these requests and of others, as [`of`](Self::of).
    pub(super) fn with(self, others: GateLatencies) -> Self {
        GateLatencies {
            basis: self.basis,
            ttft: self.ttft.with(others.ttft),
            ttfat: self.ttfat.with(others.ttfat),
            e2el: self.e2el.with(others.e2el),
            session_e2el: self.session_e2el.with(others.session_e2el),
            round_e2el: self.round_e2el.with(others.round_e2el),
            per_token: Summary::default(),
            queue: self.queue.with(others.queue),
            connect: self.connect.with(others.connect),
            lateness: self.lateness.with(others.lateness),
        }
    }
}

fn ttft_of<'a>(times: impl Iterator<Item = &'a RequestTimes>) -> Summary {
    Summary::of(times.filter_map(|t| t.ttft().map(millis)).collect())
}

/// Time to the first event of the answer, ms.
pub(super) fn ttfat_ms(record: &Record, basis: Basis) -> Option<f64> {
    let answer = |event: &crate::record::TokenEvent| event.channel == Channel::Answer;
    let first = record.events.iter().find(answer)?;
    Some(millis(first.at - basis.start(record)))
}

/// Whether the gaps between the events of successes are those between their tokens.
pub(super) fn one_token_an_event(records: &[Record]) -> bool {
    successes(records).all(|record| {
        let mut tokens = tokens_of_events(record).into_iter().skip(1);
        tokens.all(|tokens| tokens.count == 1 && tokens.share == 1.0)
    })
}

/// Latencies per token, where events brought several.
pub(super) fn per_token(records: &[Record]) -> Summary {
    Summary::weighted(|| successes(records).flat_map(per_token_of))
}

/// Latency per token and how many tokens had it. Time that ends at an event without tokens is
/// carried over to the next one that has some.
fn per_token_of(record: &Record) -> Vec<(f64, u64)> {
    let tokens = tokens_of_events(record);
    let mut waited = 0.0;
    gaps(record)
        .zip(tokens.iter().skip(1))
        .filter_map(|(gap, tokens)| {
            waited += millis(gap);
            (tokens.share > 0.0).then(|| (std::mem::take(&mut waited) / tokens.share, tokens.count))
        })
        .collect()
}

/// All requests, if they have a schedule.
fn scheduled(records: &[Record], basis: Basis) -> impl Iterator<Item = &Record> {
    records.iter().filter(move |_| basis == Basis::Intended)
}

/// The requests that latencies are measured over.
fn successes(records: &[Record]) -> impl Iterator<Item = &Record> {
    records.iter().filter(|record| record.ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Nanos,
        metrics::testing::{record, run_of},
        record::RequestError,
        run::Run,
    };

    fn ms(n: u64) -> Nanos {
        Nanos(n * 1_000_000)
    }

    fn gate_of(run: &Run) -> GateLatencies {
        GateLatencies::of(&run.records, Basis::of_gate(run))
    }

    #[test]
    fn the_gate_counts_from_the_intended_time_in_open_loop_only() {
        let mut late = record(100, &[150, 170], 2);
        late.intended = ms(70);
        let mut run = run_of(vec![late]);
        assert!(run.setup.open_loop);
        let (vllm, gate) = (Latencies::of(&run.records), gate_of(&run));
        assert_eq!((vllm.ttft.max, vllm.e2el.max), (50.0, 70.0));
        assert_eq!(
            (gate.ttft.max, gate.e2el.max, gate.queue.max),
            (80.0, 100.0, 30.0)
        );
        run.setup.open_loop = false;
        let gate = gate_of(&run);
        assert_eq!(
            (gate.basis, gate.ttft.max, gate.queue.max),
            (Basis::Sent, 50.0, 30.0)
        );
    }

    #[test]
    fn vllms_queue_time_starts_when_the_request_was_taken_up() {
        let mut waited = record(100, &[150], 1);
        waited.intended = ms(60);
        waited.dispatched = ms(75);
        let vllm = Latencies::of(&[waited]);
        assert_eq!(vllm.client_queue.max, 25.0);
        assert_eq!(vllm.e2el_with_client_queue.max, 75.0);
    }

    #[test]
    fn ttfat_skips_reasoning_and_requests_without_an_answer() {
        let mut thinks = record(0, &[10, 20, 30], 3);
        thinks.events.change(|events| {
            events[0].channel = Channel::Reasoning;
            events[1].channel = Channel::Silent;
        });
        let mut calls = record(0, &[10], 1);
        calls
            .events
            .change(|events| events[0].channel = Channel::Tool);
        let gate = gate_of(&run_of(vec![thinks, calls]));
        assert_eq!((gate.ttfat.count, gate.ttfat.max), (1, 30.0));
        assert_eq!((gate.ttft.count, gate.ttft.max), (2, 10.0));
    }

    #[test]
    fn a_gap_is_divided_over_the_tokens_that_came_with_it() {
        let mut bursts = record(0, &[10, 20, 50, 110], 7);
        bursts.events.change(|events| {
            for (event, tokens) in events.iter_mut().zip([1, 1, 0, 3]) {
                event.tokens = tokens;
            }
        });
        // The 30 ms that ended without a token belong to the three tokens after them.
        assert_eq!(per_token_of(&bursts), [(10.0, 1), (30.0, 3)]);
        let spread = record(0, &[10, 20, 50], 6);
        assert_eq!(per_token_of(&spread), [(5.0, 2), (15.0, 2)]);
    }

    #[test]
    fn connecting_counts_only_where_it_happened() {
        let mut opened = record(10, &[30], 1);
        opened.connected = Some(ms(14));
        let gate = gate_of(&run_of(vec![opened, record(20, &[30], 1)]));
        assert_eq!((gate.connect.count, gate.connect.max), (1, 4.0));
    }

    #[test]
    fn failures_have_no_latency_even_if_they_streamed() {
        let mut broken = record(0, &[10, 20], 2);
        broken.error = Some(RequestError::Truncated {
            message: "eof".into(),
        });
        let run = run_of(vec![broken]);
        assert_eq!(Latencies::of(&run.records), Latencies::default());
        assert!(gate_of(&run).queue.is_empty());
    }
}
