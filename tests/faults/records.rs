//! What the client says of each fault.

use super::{bench, ms, only};
use goodput::{
    clock::Nanos,
    record::{CountSource, Phase, Record, RequestError},
};
use rstest::rstest;

fn millis(at: Nanos) -> String {
    format!("{}", at.as_millis_f64())
}

/// Everything that a record says, on a line.
fn told(record: &Record) -> String {
    let outcome = match &record.error {
        None => "ok".to_owned(),
        Some(error) => error.to_string(),
    };
    let times: Vec<String> = record.events.iter().map(|event| millis(event.at)).collect();
    let source = match record.output.source {
        CountSource::Usage => "usage",
        CountSource::Tokenizer => "tokenizer",
        CountSource::Estimate => "estimate",
    };
    format!(
        "{outcome} | events at [{}] | {:?} | {} tokens by {source} | over at {}",
        times.join(" "),
        record.text,
        record.output.tokens,
        millis(record.end)
    )
}

#[rstest]
#[case::nothing(
    "crlf@req:1",
    r#"ok | events at [50 60 70 80] | " the of and to" | 4 tokens by usage | over at 80"#
)]
#[case::refuse("refuse", r#"could not connect: the server closed the connection before it took the request | events at [] | "" | 0 tokens by estimate | over at 0"#)]
#[case::slow_headers(
    "slow_headers(65ms)",
    r#"ok | events at [65 65 70 80] | " the of and to" | 4 tokens by usage | over at 80"#
)]
#[case::stall(
    "stall(100ms, after = 2)",
    r#"ok | events at [50 60 170 180] | " the of and to" | 4 tokens by usage | over at 180"#
)]
#[case::reset("reset(after = 2)", r#"the stream ended early: the connection was closed before the answer was complete | events at [50 60] | " the of" | 2 tokens by estimate | over at 70"#)]
#[case::reset_before_a_token("reset(after = 0)", r#"the stream ended early: the connection was closed before the answer was complete | events at [] | "" | 0 tokens by estimate | over at 50"#)]
#[case::reset_before_the_last("reset(after = 99)", r#"the stream ended early: the connection was closed before the answer was complete | events at [50 60 70] | " the of and" | 3 tokens by estimate | over at 80"#)]
#[case::cut("cut(after = 2)", r#"the stream ended early: the connection was closed before the answer was complete | events at [50 60] | " the of" | 2 tokens by estimate | over at 70"#)]
#[case::end_early("end_early(after = 2)", r#"the stream ended early: after 2 token events, with neither a finish reason nor [DONE] | events at [50 60] | " the of" | 2 tokens by estimate | over at 70"#)]
#[case::truncated_utf8(
    "truncated_utf8(after = 2)",
    r#"ok | events at [50 60 70 80] | " the of� and to" | 4 tokens by usage | over at 80"#
)]
#[case::error_event("error_event(after = 2, message = 'out of memory')", r#"error event in the stream: out of memory | events at [50 60] | " the of" | 2 tokens by estimate | over at 70"#)]
#[case::error_event_at_once("error_event(after = 0)", r#"error event in the stream: injected fault: the engine died | events at [] | "" | 0 tokens by estimate | over at 50"#)]
#[case::status("status(503)", r#"HTTP status 503: injected fault: 503 Service Unavailable | events at [] | "" | 0 tokens by estimate | over at 0"#)]
#[case::status_with_a_body(
    "status(429, body = 'slow down', retry_after = 3)",
    r#"HTTP status 429: slow down | events at [] | "" | 0 tokens by estimate | over at 0"#
)]
#[case::slow_status("slow_headers(200ms), status(500)", r#"HTTP status 500: injected fault: 500 Internal Server Error | events at [] | "" | 0 tokens by estimate | over at 200"#)]
#[case::no_usage(
    "no_usage",
    r#"ok | events at [50 60 70 80] | " the of and to" | 4 tokens by estimate | over at 80"#
)]
#[case::wrong_usage(
    "wrong_usage(7)",
    r#"ok | events at [50 60 70 80] | " the of and to" | 7 tokens by usage | over at 80"#
)]
#[case::no_done(
    "no_done",
    r#"ok | events at [50 60 70 80] | " the of and to" | 4 tokens by usage | over at 80"#
)]
#[case::no_usage_and_no_done(
    "no_usage, no_done",
    r#"ok | events at [50 60 70 80] | " the of and to" | 4 tokens by estimate | over at 80"#
)]
#[case::duplicate(
    "duplicate(after = 2)",
    r#"ok | events at [50 60 70 70 80] | " the of and and to" | 4 tokens by usage | over at 80"#
)]
#[case::role_only(
    "role_only(after = 2)",
    r#"ok | events at [50 60 70 80] | " the of and to" | 4 tokens by usage | over at 80"#
)]
#[case::empty(
    "empty(after = 2)",
    r#"ok | events at [50 60 70 70 80] | " the of and to" | 4 tokens by usage | over at 80"#
)]
#[case::usage_only(
    "usage_only(after = 2)",
    r#"ok | events at [50 60 70 80] | " the of and to" | 4 tokens by usage | over at 80"#
)]
#[case::usage_in_the_middle_is_no_end("usage_only(after = 1), end_early(after = 3)", r#"the stream ended early: after 3 token events, with neither a finish reason nor [DONE] | events at [50 60 70] | " the of and" | 3 tokens by estimate | over at 80"#)]
#[case::several_tokens(
    "tokens_per_chunk(3)",
    r#"ok | events at [70 80] | " the of and to" | 4 tokens by usage | over at 80"#
)]
#[case::crlf(
    "crlf",
    r#"ok | events at [50 60 70 80] | " the of and to" | 4 tokens by usage | over at 80"#
)]
#[case::crlf_cut("crlf, cut(after = 1)", r#"the stream ended early: the connection was closed before the answer was complete | events at [50] | " the" | 1 tokens by estimate | over at 60"#)]
#[case::drip(
    "drip(1ms, bytes = 50)",
    r#"ok | events at [60 65 74 84] | " the of and to" | 4 tokens by usage | over at 90"#
)]
#[case::no_tokens("no_tokens", r#"a complete answer without a single token (zero-token success) | events at [] | "" | 0 tokens by estimate | over at 50"#)]
#[case::no_tokens_and_no_usage("no_tokens, no_usage", r#"a complete answer without a single token (zero-token success) | events at [] | "" | 0 tokens by estimate | over at 50"#)]
fn what_the_client_says_of_a_stream(#[case] faults: &str, #[case] expected: &str) {
    let report = bench(faults).run_blocking().unwrap();
    assert_eq!(told(only(&report)), expected);
}

#[rstest]
#[case::status("status(503)", r#"HTTP status 503: injected fault: 503 Service Unavailable | events at [] | "" | 0 tokens by estimate | over at 0"#)]
#[case::slow_headers(
    "slow_headers(200ms)",
    r#"ok | events at [200] | " the of and to" | 4 tokens by usage | over at 200"#
)]
#[case::stall(
    "stall(100ms)",
    r#"ok | events at [180] | " the of and to" | 4 tokens by usage | over at 180"#
)]
#[case::reset("reset", r#"the stream ended early: the connection was closed before an answer came | events at [] | "" | 0 tokens by estimate | over at 80"#)]
#[case::cut("cut", r#"the stream ended early: the connection was closed before the answer was complete | events at [] | "" | 0 tokens by estimate | over at 80"#)]
#[case::truncated_utf8(
    "truncated_utf8",
    r#"ok | events at [80] | "� the of and to" | 4 tokens by usage | over at 80"#
)]
#[case::error("error_event(message = 'out of memory')", r#"error event in the stream: out of memory | events at [] | "" | 0 tokens by estimate | over at 80"#)]
#[case::no_usage(
    "no_usage",
    r#"ok | events at [80] | " the of and to" | 1 tokens by estimate | over at 80"#
)]
#[case::wrong_usage(
    "wrong_usage(7)",
    r#"ok | events at [80] | " the of and to" | 7 tokens by usage | over at 80"#
)]
#[case::no_tokens("no_tokens", r#"a complete answer without a single token (zero-token success) | events at [] | "" | 0 tokens by estimate | over at 80"#)]
#[case::forms_of_streams(
    "crlf, drip(1ms), empty, duplicate, end_early, no_done",
    r#"ok | events at [80] | " the of and to" | 4 tokens by usage | over at 80"#
)]
fn what_the_client_says_of_an_answer_in_one_piece(#[case] faults: &str, #[case] expected: &str) {
    let report = bench(faults).stream(false).run_blocking().unwrap();
    assert_eq!(told(only(&report)), expected);
}

#[rstest]
#[case::role_only_means_nothing(
    "role_only(after = 2)",
    r#"ok | events at [50 60 70 80] | " the of and to" | 4 tokens by usage | over at 80"#
)]
#[case::empty(
    "empty(after = 2)",
    r#"ok | events at [50 60 70 70 80] | " the of and to" | 4 tokens by usage | over at 80"#
)]
#[case::truncated_utf8(
    "truncated_utf8(after = 2)",
    r#"ok | events at [50 60 70 80] | " the of� and to" | 4 tokens by usage | over at 80"#
)]
#[case::no_tokens("no_tokens", r#"a complete answer without a single token (zero-token success) | events at [] | "" | 0 tokens by estimate | over at 50"#)]
#[case::several_tokens(
    "tokens_per_chunk(2)",
    r#"ok | events at [60 80] | " the of and to" | 4 tokens by usage | over at 80"#
)]
fn what_the_client_says_of_completions(#[case] faults: &str, #[case] expected: &str) {
    let report = bench(faults).backend("openai").run_blocking().unwrap();
    assert_eq!(told(only(&report)), expected);
}

/// Limits: 1 s to the first token, 500 ms between two, 2 s in all.
#[rstest]
#[case::slow_headers("slow_headers(2s)", Some(Phase::FirstToken), 1_000, 0)]
#[case::slow_headers_in_time("slow_headers(999ms)", None, 999, 4)]
#[case::before_the_first_token("stall(after = 0)", Some(Phase::FirstToken), 1_000, 0)]
#[case::between_tokens("stall(after = 2)", Some(Phase::BetweenTokens), 560, 2)]
#[case::between_tokens_for_a_time("stall(491ms, after = 2)", Some(Phase::BetweenTokens), 560, 2)]
#[case::between_tokens_in_time("stall(489ms, after = 2)", None, 569, 4)]
#[case::before_the_last("stall(2s, after = 9)", Some(Phase::BetweenTokens), 570, 3)]
#[case::a_drip_is_no_silence("drip(400ms, bytes = 300)", Some(Phase::Total), 2_000, 4)]
fn limits_ring_when_they_should(
    #[case] faults: &str,
    #[case] phase: Option<Phase>,
    #[case] over_at: u64,
    #[case] events: usize,
) {
    let report = bench(faults)
        .total_timeout(ms(2_000))
        .run_blocking()
        .unwrap();
    let record = only(&report);
    let found = match &record.error {
        None => None,
        Some(RequestError::Timeout { phase, .. }) => Some(*phase),
        Some(other) => panic!("{other}"),
    };
    assert_eq!((found, record.end - record.sent), (phase, ms(over_at)));
    assert_eq!(record.events.len(), events);
}
