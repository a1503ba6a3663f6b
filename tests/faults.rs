//! What the client says of each thing that can go wrong at a server, on virtual time; and that
//! nothing that goes wrong breaks the promises of a run.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use goodput::{
    Bench, Error, Report, Simulation,
    clock::{Clock, Nanos, runtime_virtual},
    grammar::{
        fault::{self, Fault, Kind, When},
        sim::Script,
    },
    llm_bench,
    record::{CountSource, Phase, Record, RequestError},
    sim::{InProcess, SimServer},
};
use proptest::prelude::*;
use rstest::rstest;
use std::{sync::Arc, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// One chat of four tokens, at 50, 60, 70 and 80 ms.
fn bench(faults: &str) -> Bench {
    Bench::new("faults")
        .target("sim(ttft = 50ms, itl = 10ms)")
        .backend("openai-chat")
        .dataset("random(input = 4, output = 4)")
        .tokenizer("none")
        .requests(1)
        .first_token_timeout(ms(1_000))
        .between_tokens_timeout(ms(500))
        .faults(faults)
}

fn only(report: &Report) -> &Record {
    let [record] = &report.run().records[..] else {
        panic!("{report}");
    };
    record
}

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
#[case::refuse("refuse", r#"could not connect: the connection was closed before an answer came | events at [] | "" | 0 tokens by estimate | over at 0"#)]
#[case::slow_headers(
    "slow_headers(65ms)",
    r#"ok | events at [65 65 70 80] | " the of and to" | 4 tokens by usage | over at 80"#
)]
#[case::stall(
    "stall(100ms, after = 2)",
    r#"ok | events at [50 60 170 180] | " the of and to" | 4 tokens by usage | over at 180"#
)]
#[case::reset("reset(after = 2)", r#"the stream ended early: error reading a body from connection: unexpected EOF during chunk size line | events at [50 60] | " the of" | 2 tokens by estimate | over at 70"#)]
#[case::reset_before_a_token("reset(after = 0)", r#"the stream ended early: error reading a body from connection: unexpected EOF during chunk size line | events at [] | "" | 0 tokens by estimate | over at 50"#)]
#[case::reset_before_the_last("reset(after = 99)", r#"the stream ended early: error reading a body from connection: unexpected EOF during chunk size line | events at [50 60 70] | " the of and" | 3 tokens by estimate | over at 80"#)]
#[case::cut("cut(after = 2)", r#"the stream ended early: error reading a body from connection: unexpected EOF during chunk size line | events at [50 60] | " the of" | 2 tokens by estimate | over at 70"#)]
#[case::end_early("end_early(after = 2)", r#"the stream ended early: after 2 token events, with neither a finish reason nor [DONE] | events at [50 60] | " the of" | 2 tokens by estimate | over at 70"#)]
#[case::truncated_utf8("truncated_utf8(after = 2)", r#"unreadable answer: invalid UTF-8 (invalid utf-8 sequence of 2 bytes from index 143) in the stream: {"id":"chatcmpl-goodput-0","object":"chat.completion.chunk","created":1700000000,"model":"simulated","choices":[{"index":0,"delta":{"content":"� and"},"logprobs":null,"finish_reason":null,"token_ids"… | events at [50 60] | " the of" | 2 tokens by estimate | over at 70"#)]
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
#[case::crlf_cut("crlf, cut(after = 1)", r#"the stream ended early: error reading a body from connection: unexpected EOF during chunk size line | events at [50] | " the" | 1 tokens by estimate | over at 60"#)]
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
#[case::cut("cut", r#"the stream ended early: error reading a body from connection: unexpected EOF during chunk size line | events at [] | "" | 0 tokens by estimate | over at 80"#)]
#[case::truncated_utf8("truncated_utf8", r#"unreadable answer: invalid JSON (invalid unicode code point at line 1 column 159): {"id":"chatcmpl-goodput-0","object":"chat.completion","created":1700000000,"model":"simulated","choices":[{"index":0,"message":{"role":"assistant","content":"� the of and to","refusal":null,"annotati… | events at [] | "" | 0 tokens by estimate | over at 80"#)]
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
#[case::truncated_utf8("truncated_utf8(after = 2)", r#"unreadable answer: invalid UTF-8 (invalid utf-8 sequence of 2 bytes from index 121) in the stream: {"id":"cmpl-goodput-0","object":"text_completion","created":1700000000,"model":"simulated","choices":[{"index":0,"text":"� and","logprobs":null,"finish_reason":null,"stop_reason":null,"prompt_token_i… | events at [50 60] | " the of" | 2 tokens by estimate | over at 70"#)]
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

/// What the server writes for one request for two tokens, byte by byte, and how many generations it
/// holds afterwards.
fn written(faults: &str, path: &str) -> (String, u64) {
    runtime_virtual().unwrap().block_on(async {
        let clock = Clock::virtual_time();
        let script = Script {
            faults: fault::parse(faults).unwrap(),
            ..Script::default()
        };
        let server = InProcess::new(Arc::new(SimServer::new(script)), clock.clone());
        let mut connection = server.connect();
        let body = r#"{"model":"m","prompt":"x","messages":[],"max_tokens":2,"stream":true}"#;
        let request = format!(
            "POST {path} HTTP/1.1\r\nx-request-id: 7\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let read = connection.read_to_end(&mut answer);
        // A stall has no end.
        let _ = clock.timeout_at(Nanos(1_000_000_000), read).await;
        let answer = String::from_utf8_lossy(&answer).replace('\r', "␍");
        (answer, server.server().in_flight())
    })
}

#[rstest]
#[case::limited("limited", "status(429, retry_after = 3)")]
#[case::in_words("in_words", "status(503, body = 'busy')")]
#[case::crlf_cut("crlf_cut", "crlf, cut")]
#[case::error_event("error_event", "error_event")]
#[case::drip("drip", "drip(1ms, bytes = 100), tokens_per_chunk(2)")]
fn bytes_on_the_wire(#[case] name: &str, #[case] faults: &str) {
    let (answer, held) = written(faults, "/v1/completions");
    insta::assert_snapshot!(name, answer);
    assert_eq!(held, 0);
}

#[rstest]
#[case::stall("stall", 1)]
#[case::slow_headers("slow_headers(2s)", 1)]
#[case::reset("reset", 0)]
#[case::cut("cut", 0)]
#[case::status("status(500)", 0)]
fn a_stall_holds_its_place_and_a_reset_frees_it(#[case] faults: &str, #[case] held: u64) {
    assert_eq!(written(faults, "/v1/chat/completions").1, held);
}

#[test]
fn only_the_requests_that_are_meant_are_hit() {
    let faults = "reset@req:3..5, status(503)@t:1s..1500ms, no_tokens@10%";
    let report = bench(faults)
        .requests(60)
        .rate(20)
        .burstiness(f64::INFINITY)
        .run_blocking()
        .unwrap();
    let hit = |is: fn(&RequestError) -> bool| -> Vec<usize> {
        let records = report.run().records.iter();
        records
            .filter(|record| record.error.as_ref().is_some_and(is))
            .map(|record| record.index)
            .collect()
    };
    // One request each 50 ms, the first after 50 ms.
    assert_eq!(hit(|e| matches!(e, RequestError::Truncated { .. })), [3, 4]);
    assert_eq!(
        hit(|e| matches!(e, RequestError::Status { .. })),
        (19..29).collect::<Vec<_>>()
    );
    let empty = hit(|e| matches!(e, RequestError::NoTokens));
    assert!((1..15).contains(&empty.len()), "{empty:?}");
}

#[test]
fn a_refused_connection_does_not_spoil_the_next() {
    let report = bench("refuse@req:0..2")
        .requests(4)
        .max_concurrency(1)
        .run_blocking()
        .unwrap();
    let errors: Vec<_> = (report.run().records.iter())
        .map(|record| record.error.clone().map(|error| error.to_string()))
        .collect();
    assert!(errors[0].is_some() && errors[1].is_some(), "{errors:?}");
    assert_eq!(errors[2..], [None, None]);
}

/// Over TCP a reset is one, and a cut is not.
#[rstest]
#[case::reset("reset(after = 2)@req:1", "reset", 2)]
#[case::cut("cut(after = 2)@req:1", "unexpected EOF", 2)]
fn on_a_port(#[case] faults: &str, #[case] told: &str, #[case] events: usize) {
    let server = Simulation::new().on_real_clock().faults(faults);
    let report = bench("crlf@req:0")
        .target(server)
        .requests(3)
        .max_concurrency(1)
        .run_blocking()
        .unwrap();
    assert_eq!(report.completed(), 2, "{report}");
    let record = &report.run().records[1];
    let Some(RequestError::Truncated { message }) = &record.error else {
        panic!("{record:?}");
    };
    assert!(message.contains(told), "{message}");
    assert_eq!(record.events.len(), events);
}

#[llm_bench(
    backend = "openai-chat",
    dataset = "random(input = 8, output = 4)",
    rate = 10,
    requests = 20,
    faults = "reset@req:3",
    slo = "errors <= 5%"
)]
fn from_the_attribute(report: &Report) {
    assert_eq!((report.completed(), report.failed()), (19, 1));
    assert!(report.run().setup.target.ends_with("with reset@req:3"));
}

#[test]
fn faults_add_up_from_everywhere() {
    let server = Simulation::new()
        .faults("crlf")
        .faults(vec![Kind::NoDone.always()]);
    let report = bench("no_usage").target(server).run_blocking().unwrap();
    assert!(
        report
            .run()
            .setup
            .target
            .ends_with("with crlf, no_done, no_usage"),
        "{}",
        report.run().setup.target
    );
    assert!(only(&report).usage.is_none() && only(&report).ok());
}

#[rstest]
#[case::text(bench("rest@5%, crlf(1)"), &["faults = \"rest@5%, crlf(1)\": unknown fault `rest`; did you mean `reset`?", "takes no value"])]
#[case::simulation(bench("crlf").target(Simulation::new().faults("stall(2)")), &["faults = \"stall(2)\": `stall`: `2` has no unit"])]
#[case::target(bench("crlf@5%").target("http://127.0.0.1:1"), &["faults = \"crlf@5%\": only a simulation can misbehave on purpose", "http://127.0.0.1:1", "Remove `faults`"])]
#[case::in_the_target(bench("crlf").target("sim(faults = 'rest')"), &["unknown fault `rest`"])]
fn unusable_faults_are_refused(#[case] bench: Bench, #[case] told: &[&str]) {
    let error = bench.run_blocking().unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error:?}");
    let text = error.to_string();
    for part in told {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
}

#[test]
fn faults_of_a_target_in_text() {
    let report = bench("crlf@req:9")
        .target("sim(ttft = 50ms, faults = \"reset@req:0\")")
        .run_blocking()
        .unwrap();
    assert!(matches!(
        only(&report).error,
        Some(RequestError::Truncated { .. })
    ));
}

fn any_kind() -> impl Strategy<Value = Kind> {
    let after = 0..6_u64;
    let span = || (0..700_u64).prop_map(ms);
    prop_oneof![
        Just(Kind::Refuse),
        span().prop_map(Kind::SlowHeaders),
        (prop::option::of(span()), after.clone())
            .prop_map(|(time, after)| Kind::Stall { time, after }),
        after.clone().prop_map(|after| Kind::Reset { after }),
        after.clone().prop_map(|after| Kind::Cut { after }),
        after.clone().prop_map(|after| Kind::EndEarly { after }),
        after
            .clone()
            .prop_map(|after| Kind::TruncatedUtf8 { after }),
        after.clone().prop_map(|after| Kind::ErrorEvent {
            after,
            message: None
        }),
        (400..600_u16, prop::option::of(Just("busy".to_owned()))).prop_map(|(code, body)| {
            Kind::Status {
                code,
                body,
                retry_after: Some(1),
            }
        }),
        Just(Kind::NoUsage),
        Just(Kind::NoDone),
        after.clone().prop_map(|after| Kind::Duplicate { after }),
        after.clone().prop_map(|after| Kind::RoleOnly { after }),
        after.clone().prop_map(|after| Kind::Empty { after }),
        after.prop_map(|after| Kind::UsageOnly { after }),
        (1..6_u64).prop_map(Kind::TokensPerChunk),
        Just(Kind::Crlf),
        (0..30_u64, 1..300_u64).prop_map(|(every, bytes)| Kind::Drip {
            every: ms(every),
            bytes
        }),
        Just(Kind::NoTokens),
    ]
}

fn any_when() -> impl Strategy<Value = When> {
    prop_oneof![
        Just(When::Always),
        (1..=100_u8).prop_map(|percent| When::Percent(f64::from(percent))),
        (0..40_u64, 1..40_u64).prop_map(|(from, more)| When::Requests {
            from,
            until: from + more
        }),
        (0..2_000_u64, 1..2_000_u64).prop_map(|(from, more)| When::Window {
            from: ms(from),
            until: ms(from + more)
        }),
    ]
}

/// A random plan against a server with random faults.
#[derive(Debug, Clone)]
struct Trial {
    faults: Vec<Fault>,
    requests: usize,
    output: u64,
    limit: usize,
    rate: f64,
    chat: bool,
    stream: bool,
    seed: u64,
}

fn any_trial() -> impl Strategy<Value = Trial> {
    let faults = prop::collection::vec((any_kind(), any_when()), 0..4);
    let rate = prop_oneof![Just(f64::INFINITY), 1.0..100.0];
    (
        faults,
        1..40_usize,
        1..9_u64,
        1..8_usize,
        rate,
        any::<bool>(),
        prop::bool::weighted(0.8),
        0..1000_u64,
    )
        .prop_map(
            |(faults, requests, output, limit, rate, chat, stream, seed)| Trial {
                faults: faults
                    .into_iter()
                    .map(|(kind, when)| kind.when(when))
                    .collect(),
                requests,
                output,
                limit,
                rate,
                chat,
                stream,
                seed,
            },
        )
}

impl Trial {
    fn run(&self) -> Report {
        Bench::new("trial")
            .target(format!(
                "sim(ttft = lognormal(50ms, 20ms), itl = gamma(10ms, 5ms), seed = {})",
                self.seed
            ))
            .backend(if self.chat { "openai-chat" } else { "openai" })
            .dataset(format!("random(input = 4, output = {})", self.output))
            .tokenizer("none")
            .requests(self.requests)
            .max_concurrency(self.limit)
            .rate(self.rate)
            .stream(self.stream)
            .seed(self.seed)
            .first_token_timeout(ms(400))
            .between_tokens_timeout(ms(200))
            .total_timeout(ms(900))
            .faults(self.faults.clone())
            .run_blocking()
            .unwrap()
    }

    /// How often this may have happened to one request at most.
    fn most(&self, is: fn(&Kind) -> bool) -> u64 {
        self.faults.iter().filter(|fault| is(&fault.kind)).count() as u64
    }
}

/// The text of so many tokens of the simulation.
fn text_of(tokens: u64) -> String {
    const WORDS: &str = " the of and to in for is on that by this with you it not are";
    WORDS
        .split_inclusive(' ')
        .take(tokens as usize + 1)
        .collect::<String>()
        .trim_end()
        .to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn nothing_that_goes_wrong_breaks_a_promise(trial in any_trial()) {
        let report = trial.run();
        let run = report.run();

        // Every request is accounted for exactly once.
        let indices: Vec<usize> = run.records.iter().map(|record| record.index).collect();
        prop_assert_eq!(indices, (0..trial.requests).collect::<Vec<_>>());
        prop_assert_eq!(report.completed() + report.failed(), trial.requests as u64);

        // Never more at a time than allowed, failures included.
        let mut edges: Vec<(Nanos, i64)> = run.records.iter()
            .flat_map(|record| [(record.sent, 1), (record.end, -1)])
            .collect();
        edges.sort();
        let mut at_once = 0;
        for (_, step) in edges {
            at_once += step;
            prop_assert!(at_once <= trial.limit as i64);
        }

        let copies = trial.most(|kind| matches!(kind, Kind::Duplicate { .. }));
        let empty = trial.most(|kind| matches!(kind, Kind::Empty { .. }));
        for record in &run.records {
            // What was received is what was sent, up to the point where it broke.
            prop_assert!(record.events.len() as u64 <= trial.output + copies + empty);
            let words = record.text.split_whitespace().count() as u64;
            prop_assert!(words <= trial.output * (1 + copies), "{:?}", record.text);
            if copies == 0 && !record.text.contains('\u{fffd}') {
                prop_assert!(text_of(trial.output).starts_with(&record.text), "{:?}", record.text);
            }
            if record.ok() && record.output.source == CountSource::Usage {
                prop_assert!(record.output.tokens <= trial.output);
            }

            // Time goes forward, and limits are kept to the microsecond that time has for a step.
            let step = Duration::from_micros(1);
            let times = [record.intended, record.dispatched, record.sent].into_iter()
                .chain(record.head)
                .chain(record.events.iter().map(|event| event.at))
                .chain([record.end]);
            prop_assert!(times.is_sorted(), "{record:?}");
            prop_assert!(record.end - record.sent <= ms(900) + step);
            if let Some(RequestError::Timeout { phase, limit_ms }) = &record.error {
                let since = match phase {
                    Phase::Connect => unreachable!("pipes connect at once"),
                    Phase::FirstToken | Phase::Total => record.sent,
                    // The last read may have brought a part of an event only.
                    Phase::BetweenTokens => Nanos(record.end.0 - limit_ms * 1_000_000).max(record.events[0].at),
                };
                let over = record.end - since;
                prop_assert!(over >= ms(*limit_ms) && over <= ms(*limit_ms) + step, "{record:?}");
            }
        }

        // What lies between the first token and the last is the gaps, nothing else.
        let latency = &report.metrics().latency;
        let total = |summary: &goodput::metrics::Summary| match summary.count {
            0 => 0.0,
            count => summary.mean * count as f64,
        };
        let decode = total(&latency.e2el) - total(&latency.ttft);
        prop_assert!((decode - total(&latency.itl)).abs() < 1e-6 * (1.0 + decode), "{latency:?}");

        // Same seed, same bytes.
        let again = trial.run();
        prop_assert_eq!(
            serde_json::to_string(run).unwrap(),
            serde_json::to_string(again.run()).unwrap()
        );
    }
}

#[cfg(feature = "cli")]
mod command {
    use rstest::rstest;
    use std::{
        io::{BufRead, BufReader},
        process::{Child, Command, Stdio},
    };

    /// A child that does not outlive its test.
    struct Server(Child);

    impl Drop for Server {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn sim_takes_faults() {
        let mut server = Command::new(env!("CARGO_BIN_EXE_goodput"))
            .args(["sim", "--port", "0", "--ttft", "1ms", "--itl", "0ms"])
            .args([
                "--fault",
                "status(503, body = 'busy')@req:0",
                "--fault",
                "crlf, no_tokens@req:1",
            ])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = server.stdout.take().unwrap();
        let server = Server(server);
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let url = line
            .split_whitespace()
            .find(|word| word.starts_with("http"))
            .unwrap();
        let report = goodput::Bench::new("sim")
            .target(url)
            .dataset("random(input = 4, output = 2)")
            .requests(3)
            .max_concurrency(1)
            .exclusive(false)
            .run_blocking()
            .unwrap();
        drop(server);
        let errors: Vec<_> = (report.run().records.iter())
            .map(|record| record.error.as_ref().map(ToString::to_string))
            .collect();
        let [Some(refused), Some(empty), None] = &errors[..] else {
            panic!("{errors:?}");
        };
        assert_eq!(refused, "HTTP status 503: busy");
        assert!(empty.contains("without a single token"), "{empty}");
    }

    #[rstest]
    #[case("rest@5%", "did you mean `reset`?")]
    #[case("stall(2), crlf(1)", "`stall`: `2` has no unit")]
    fn sim_refuses_what_it_cannot_read(#[case] fault: &str, #[case] told: &str) {
        let output = Command::new(env!("CARGO_BIN_EXE_goodput"))
            .args(["sim", "--fault", fault])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        let stderr = String::from_utf8(output.stderr).unwrap();
        // The terminal's width decides where lines end.
        let words = stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(told), "{stderr}");
    }
}
