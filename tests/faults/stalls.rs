//! Stalls hold what their request holds inside the engine: here its only slot.

use super::ms;
use goodput::{Bench, Report};
use rstest::rstest;
use std::time::Duration;

/// Two requests of four tokens at once, at an engine with one slot and steps of 10 ms.
fn run(faults: &str) -> Report {
    Bench::new("held")
        .target("sim(engine = linear, max_num_seqs = 1)")
        .backend("openai")
        .dataset("random(input = 4, output = 4)")
        .tokenizer("none")
        .requests(2)
        .between_tokens_timeout(ms(500))
        .first_token_timeout(ms(2_000))
        .faults(faults)
        .run_blocking()
        .unwrap()
}

/// When the tokens of a request came.
fn tokens(report: &Report, request: usize) -> Vec<Duration> {
    let record = &report.run().records[request];
    let events = record.events.iter();
    events.map(|event| event.at - record.sent).collect()
}

#[rstest]
#[case::nothing("crlf@req:9", &[10, 20, 30, 40], 0)]
#[case::before_the_first("stall(103ms, after = 0)@req:0", &[113, 123, 133, 143], 103)]
#[case::between("stall(103ms, after = 2)@req:0", &[10, 20, 133, 143], 103)]
#[case::before_the_last("stall(103ms, after = 9)@req:0", &[10, 20, 30, 143], 103)]
#[case::twice("stall(103ms, after = 1)@req:0, stall(50ms, after = 2)@req:0", &[10, 123, 183, 193], 153)]
#[case::grouped("stall(103ms, after = 1)@req:0, tokens_per_chunk(3)@req:0", &[133, 143], 103)]
#[case::drips_are_of_the_network("drip(20ms, bytes = 100)@req:0", &[50, 110, 170, 230], 0)]
#[case::so_are_heads("slow_headers(300ms)@req:0", &[300, 300, 300, 300], 0)]
fn a_stall_delays_the_next_by_exactly_its_time(
    #[case] faults: &str,
    #[case] first: &[u64],
    #[case] delay: u64,
) {
    let report = run(faults);
    let first: Vec<_> = first.iter().copied().map(ms).collect();
    assert_eq!(tokens(&report, 0), first);
    let second = [50, 60, 70, 80].map(|at| ms(at + delay));
    assert_eq!(tokens(&report, 1), second);
}

/// The first request is over at this time, in ms; then the second has the slot.
#[rstest]
#[case::silence_until_the_client_leaves("stall(after = 2)@req:0", &[10, 20], 520)]
#[case::silence_after_all_tokens("stall(after = 3)@req:0", &[10, 20, 30], 530)]
#[case::a_reset_frees_at_once("reset(after = 2)@req:0", &[10, 20], 30)]
#[case::so_does_a_cut("cut(after = 2)@req:0", &[10, 20], 30)]
#[case::so_does_an_early_end("end_early(after = 2)@req:0", &[10, 20], 30)]
fn endings_free_the_slot_at_the_next_boundary(
    #[case] faults: &str,
    #[case] first: &[u64],
    #[case] over_at: u64,
) {
    let report = run(faults);
    let record = &report.run().records[0];
    let first: Vec<_> = first.iter().copied().map(ms).collect();
    assert_eq!(
        (tokens(&report, 0), record.end - record.sent),
        (first, ms(over_at))
    );
    assert!(!record.ok());
    // An idle engine steps at once; one that has begun a step for what is gone makes it first.
    let next = if over_at > 500 { over_at } else { over_at + 10 };
    let second = [10, 20, 30, 40].map(|step| ms(next + step));
    assert_eq!(tokens(&report, 1), second);
}
