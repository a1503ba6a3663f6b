//! The driver's promises, on virtual time: open loop never waits for a slow server, closed loop
//! never exceeds its limit, every request is accounted for.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use goodput::{
    Bench, Verdict,
    bench::Control,
    observer::Observer,
    record::{Record, RequestError},
    stop::{Stop, Stopper},
};
use proptest::prelude::*;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

fn bench() -> Bench {
    Bench::new("load").dataset("random(input = 8, output = 4)")
}

#[test]
fn open_loop_never_waits_for_a_slow_server() {
    let report = bench()
        .target("sim(ttft = 30s, itl = 1s)")
        .rate(100)
        .requests(500)
        .run_blocking()
        .unwrap();
    assert_eq!(report.completed(), 500);
    for record in &report.run().records {
        // Virtual time has steps of 1 ns, and sending takes none: a microsecond is room for rounding.
        assert!(
            (record.sent - record.intended).as_micros() <= 1,
            "{record:?}"
        );
    }
    assert_eq!(report.metrics().peaks.exact_concurrent_requests, 500);
}

#[test]
fn a_cap_makes_scheduled_requests_wait_and_the_wait_counts() {
    let report = bench()
        .target("sim(ttft = 1s, itl = 0ms)")
        .rate(10)
        .burstiness(f64::INFINITY)
        .max_concurrency(2)
        .requests(20)
        .run_blocking()
        .unwrap();
    assert_eq!(report.metrics().peaks.exact_concurrent_requests, 2);
    // The tenth pair starts 9 s after the first; the last request is the second of it (0.2 + 9 s)
    // and was due at 2 s.
    let last = &report.run().records[19];
    assert_eq!((last.sent - last.intended).as_millis(), 7200);
    assert!(report.ttft().max >= 8200.0, "{}", report.ttft().max);
    assert!(report.metrics().latency.ttft.max < 1001.0);
    assert_eq!(report.metrics().gate.lateness.max, 0.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_request_is_accounted_for_once(
        requests in 1usize..60,
        limit in 1usize..8,
        rate in prop_oneof![Just(f64::INFINITY), 0.5f64..200.0],
        burstiness in 0.3f64..4.0,
        ttft_ms in 0u64..500,
        itl_us in 0u64..20_000,
        seed in 0u64..1000,
    ) {
        let target = format!("sim(ttft = lognormal({ttft_ms}ms, 20ms), itl = {itl_us}us, seed = {seed})");
        let target = if ttft_ms == 0 { format!("sim(itl = {itl_us}us)") } else { target };
        let run = || bench()
            .target(target.as_str())
            .rate(rate)
            .burstiness(burstiness)
            .max_concurrency(limit)
            .requests(requests)
            .seed(seed)
            .run_blocking()
            .unwrap();
        let report = run();
        let indices: Vec<usize> = report.run().records.iter().map(|r| r.index).collect();
        prop_assert_eq!(indices, (0..requests).collect::<Vec<_>>());
        prop_assert!(report.metrics().peaks.exact_concurrent_requests <= limit as u64);
        for record in &report.run().records {
            prop_assert!(record.ok(), "{:?}", record.error);
            prop_assert!(record.intended <= record.sent && record.dispatched <= record.sent);
            // Without a schedule all of them wait from the start.
            prop_assert!(rate.is_infinite() || record.intended <= record.dispatched);
            prop_assert_eq!(record.output.tokens, 4);
            prop_assert_eq!(record.events.len(), 4);
            prop_assert!(record.events.iter().is_sorted_by_key(|event| event.at));
            prop_assert!(record.events.last_at().unwrap() <= record.end);
        }
        // Same seed, same bytes.
        let again = run();
        prop_assert_eq!(report.run(), again.run());
    }
}

/// Stops the run once some requests have finished.
struct StopAfter {
    left: AtomicUsize,
    stopper: Stopper,
}

impl Observer for StopAfter {
    fn finished(&self, _record: &Record) {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.stopper.stop();
        }
    }
}

#[test]
fn a_stopped_run_keeps_what_was_measured() {
    let (stopper, stop) = Stop::pair();
    let observer = Arc::new(StopAfter {
        left: AtomicUsize::new(10),
        stopper,
    });
    let report = bench()
        .target("sim(ttft = 200ms, itl = 50ms)")
        .rate(20)
        .requests(100)
        .run_blocking_with(Control { stop, observer })
        .unwrap();
    assert!(report.run().partial);
    assert_eq!(report.verdict(), Verdict::Invalid);
    assert_eq!(report.completed(), 10);
    let cancelled: Vec<_> = (report.run().records.iter())
        .filter(|r| r.error == Some(RequestError::Cancelled))
        .collect();
    assert!(!cancelled.is_empty());
    assert!(report.run().records.len() < 100);
    // A request cut off between two tokens keeps those it had.
    assert!(cancelled.iter().any(|record| !record.events.is_empty()));
}

#[test]
fn an_answer_in_one_piece_is_one_event_with_all_tokens() {
    for backend in ["openai-chat", "vllm"] {
        let report = bench()
            .backend(backend)
            .target("sim(ttft = 100ms, itl = 10ms)")
            .stream(false)
            .requests(3)
            .run_blocking()
            .unwrap();
        for record in &report.run().records {
            assert_eq!(record.error, None);
            assert_eq!((record.events.len(), record.output.tokens), (1, 4));
            assert_eq!(
                (record.events.first_at().unwrap() - record.sent).as_millis(),
                130
            );
        }
    }
}

#[test]
fn without_a_tokenizer_lengths_are_estimates_and_the_notes_say_so() {
    let report = bench()
        .tokenizer("none")
        .requests(3)
        .run_blocking()
        .unwrap();
    assert!(
        report.notes().iter().any(|note| note.contains("estimate")),
        "{:?}",
        report.notes()
    );
    assert_eq!(report.completed(), 3);
}

#[test]
fn ten_virtual_minutes_do_not_take_ten_minutes() {
    let report = bench().rate(2).requests(1200).run_blocking().unwrap();
    assert_eq!(report.run().duration.as_secs_f64().round(), 600.0);
}
