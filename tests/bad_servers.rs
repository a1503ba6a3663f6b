//! What a bench says of servers that misbehave. Each message must name the thing and the fix.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use goodput::{Bench, Error, Report, Verdict, record::RequestError};
use rstest::rstest;
use std::{
    io::Write,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use support::{RawServer, STREAM_HEAD, chunk, event, good_stream, http};

fn bench(url: &str) -> Bench {
    Bench::new("bad")
        .target(url)
        .model("m")
        .dataset("random(input = 4, output = 2)")
        .requests(3)
        .max_concurrency(1)
        .exclusive(false)
}

fn run(url: &str) -> Report {
    bench(url).run_blocking().unwrap()
}

#[rstest]
#[case::unauthorized(
    "401 Unauthorized",
    r#"{"error":{"message":"Invalid API key"}}"#,
    &["401", "Invalid API key", "OPENAI_API_KEY"]
)]
#[case::wrong_path("404 Not Found", r#"{"detail":"Not Found"}"#, &["404", "Not Found", "endpoint"])]
#[case::limited("429 Too Many Requests", "slow down", &["429", "slow down", "rate"])]
#[case::broken(
    "500 Internal Server Error",
    "<html><title>Oops</title></html>",
    &["500", "Oops", "server's log"]
)]
fn refusals_make_the_run_invalid(#[case] status: &str, #[case] body: &str, #[case] told: &[&str]) {
    let server = RawServer::sending(http(status, "application/json", body), true);
    let report = run(&server.url);
    assert_eq!(report.verdict(), Verdict::Invalid);
    assert_eq!(report.failed(), 3);
    let reasons = report.reasons();
    for part in told {
        assert!(reasons.contains(part), "`{part}` is missing in: {reasons}");
    }
    // The connection was read to its end each time, so it was kept.
    assert_eq!(
        server.connections.load(Ordering::SeqCst),
        2,
        "probe and one for all"
    );
}

#[rstest]
#[case::html(
    http("200 OK", "text/html", "<html><title>Welcome</title></html>"),
    "HTML"
)]
#[case::json(http("200 OK", "application/json", r#"{"hello":1}"#), "JSON")]
#[case::not_http("SSH-2.0-OpenSSH_9.2\r\n".to_owned(), "not HTTP")]
#[case::error_event(
    format!("{STREAM_HEAD}{}0\r\n\r\n", chunk("data: {\"error\":{\"message\":\"engine died\"}}\n\n")),
    "engine died"
)]
#[case::no_tokens(
    format!("{STREAM_HEAD}{}0\r\n\r\n", chunk("data: [DONE]\n\n")),
    "without a single token"
)]
fn answers_that_are_not_completions(#[case] answer: String, #[case] told: &str) {
    let server = RawServer::sending(answer, false);
    let report = run(&server.url);
    assert_eq!(report.verdict(), Verdict::Invalid);
    assert!(report.reasons().contains(told), "{}", report.reasons());
}

#[rstest]
#[case::between_events(format!("{STREAM_HEAD}{}0\r\n\r\n", chunk(&event("a", None))))]
#[case::connection_cut(format!("{STREAM_HEAD}{}", chunk(&event("a", None))))]
#[case::mid_event(format!("{STREAM_HEAD}{}", chunk("data: {\"choi")))]
fn a_stream_that_ends_early_is_a_failure_that_keeps_its_tokens(#[case] answer: String) {
    let tokens = usize::from(answer.contains("\"a\""));
    let server = RawServer::sending(answer, false);
    let report = run(&server.url);
    let record = &report.run().records[0];
    assert!(
        matches!(
            record.error,
            Some(RequestError::Truncated { .. } | RequestError::Malformed { .. })
        ),
        "{:?}",
        record.error
    );
    assert_eq!(record.events.len(), tokens);
}

#[test]
fn nobody_listens() {
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let error = bench(&format!("http://{address}"))
        .run_blocking()
        .unwrap_err();
    assert!(matches!(error, Error::Dial(_)), "{error:?}");
    assert_eq!(error.exit_code(), 4);
    let text = error.to_string();
    assert!(
        text.contains(&address.to_string()) && text.contains("running"),
        "{text}"
    );
}

#[rstest]
#[case::first_token("first_token", "waiting for the first token")]
#[case::between_tokens("between", "waiting for the next token")]
#[case::total("total", "the whole request")]
fn each_phase_has_its_timeout(#[case] phase: &'static str, #[case] told: &str) {
    let server = RawServer::start(move |stream, _| {
        let start = match phase {
            "between" => format!("{STREAM_HEAD}{}", chunk(&event("a", None))),
            _ => STREAM_HEAD.to_owned(),
        };
        // Then nothing more; the client hangs up.
        stream.write_all(start.as_bytes()).is_ok()
    });
    let limit = Duration::from_millis(30);
    let bench = match phase {
        "first_token" => bench(&server.url).first_token_timeout(limit),
        "between" => bench(&server.url).between_tokens_timeout(limit),
        _ => bench(&server.url).total_timeout(limit),
    };
    let report = bench.requests(1).run_blocking().unwrap();
    assert!(report.reasons().contains(told), "{}", report.reasons());
    assert!(report.reasons().contains("30 ms"), "{}", report.reasons());
}

#[test]
fn connections_are_reused_and_a_closed_one_is_replaced() {
    let served = AtomicUsize::new(0);
    let server = RawServer::start(move |stream, _| {
        stream.write_all(good_stream().as_bytes()).unwrap();
        // Hangs up after every second request, without announcing it.
        served.fetch_add(1, Ordering::SeqCst).is_multiple_of(2)
    });
    let report = bench(&server.url)
        .requests(6)
        .rate(25)
        // Time enough for the server to hang up.
        .burstiness(f64::INFINITY)
        .run_blocking()
        .unwrap();
    assert_eq!(report.completed(), 6, "{}", report.reasons());
    assert_eq!(report.run().audit.connections, 3);
}

/// An idle connection that the server closes as it is used again costs no request, and is counted.
#[test]
fn a_request_on_a_dead_connection_is_sent_again_and_counted() {
    let served = AtomicUsize::new(0);
    let server = RawServer::start(move |stream, _| {
        // Every second request on a connection finds it closing.
        match served.fetch_add(1, Ordering::SeqCst) % 3 {
            1 => false,
            _ => stream.write_all(good_stream().as_bytes()).is_ok(),
        }
    });
    let report = bench(&server.url).requests(6).run_blocking().unwrap();
    assert_eq!(report.completed(), 6, "{}", report.reasons());
    let retried = report.run().records.iter().filter(|record| record.retried);
    assert_eq!(retried.count(), 3);
    assert_eq!(report.metrics().counts.retried, 3);
    let told = report.notes().join("\n");
    assert!(
        told.contains("3 requests were sent a second time"),
        "{told}"
    );
}

/// One answer without end among others: it fails, and they do not.
#[rstest]
#[case::tokens(|n: usize| chunk(&event(&"a".repeat(1000), None)).repeat(n))]
#[case::line(|n: usize| chunk(&"x".repeat(1000)).repeat(n))]
fn an_answer_without_end_fails_alone(#[case] piece: fn(usize) -> String) {
    let served = AtomicUsize::new(0);
    let server = RawServer::start(move |stream, _| {
        if served.fetch_add(1, Ordering::SeqCst) > 0 {
            return stream.write_all(good_stream().as_bytes()).is_ok();
        }
        let _ = stream.write_all(STREAM_HEAD.as_bytes());
        let piece = piece(64);
        while stream.write_all(piece.as_bytes()).is_ok() {}
        false
    });
    let report = bench(&server.url)
        .requests(8)
        .max_concurrency(4)
        .run_blocking()
        .unwrap();
    assert_eq!((report.completed(), report.failed()), (7, 1));
    let failed = report.run().records.iter().find(|record| !record.ok());
    let error = failed.unwrap().error.as_ref().unwrap().to_string();
    assert!(
        error.contains("does not end: the server sent more than 4 MiB"),
        "{error}"
    );
}

/// Counts that are not to be believed, and counts that are believed but said.
#[test]
fn tokens_far_beyond_the_request_are_said() {
    let usage = r#"{"prompt_tokens":3,"completion_tokens":10000001}"#;
    let answer = [
        STREAM_HEAD.to_owned(),
        chunk(&event("a", Some("stop"))),
        chunk(&format!("data: {{\"choices\":[],\"usage\":{usage}}}\n\n")),
        chunk("data: [DONE]\n\n"),
        "0\r\n\r\n".to_owned(),
    ];
    let report = run(&RawServer::sending(answer.concat(), true).url);
    let told = report.notes().join("\n");
    assert!(told.contains("up to 10000001 where 2 were"), "{told}");
}

#[test]
fn several_answers_are_not_measured() {
    let server = RawServer::sending(good_stream(), true);
    let error = bench(&server.url)
        .extra_body(r#"{"n": 2}"#)
        .run_blocking()
        .unwrap_err();
    assert_eq!(error.exit_code(), 2);
    let text = error.to_string();
    assert!(
        text.contains("n = 2") && text.contains("several answers"),
        "{text}"
    );
}

#[test]
fn what_was_measured_before_a_failure_is_kept() {
    let served = AtomicUsize::new(0);
    let server = RawServer::start(move |stream, _| {
        let answer = match served.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => good_stream(),
            _ => http("503 Service Unavailable", "text/plain", "overloaded"),
        };
        stream.write_all(answer.as_bytes()).is_ok()
    });
    let report = run(&server.url);
    assert_eq!((report.completed(), report.failed()), (2, 1));
    assert_eq!(report.value("errors").unwrap(), Some(1.0 / 3.0));
}

#[test]
fn the_request_carries_what_was_asked_and_no_secret_is_shown() {
    static SEEN: Mutex<String> = Mutex::new(String::new());
    let server = RawServer::start(|stream, request| {
        *SEEN.lock().unwrap() = request.to_owned();
        stream.write_all(good_stream().as_bytes()).is_ok()
    });
    let bench = bench(&server.url)
        .requests(1)
        .api_key("sk-secret")
        .headers(["x-team: blue-secret"])
        .extra_body(r#"{"temperature": 0}"#);
    assert!(!format!("{bench:?}").contains("secret"), "{bench:?}");
    let report = bench.run_blocking().unwrap();
    let seen = SEEN.lock().unwrap().clone();
    for part in [
        "POST /v1/completions HTTP/1.1",
        "authorization: Bearer sk-secret",
        "x-team: blue-secret",
        "x-request-id: goodput-0",
        concat!("user-agent: goodput/", env!("CARGO_PKG_VERSION")),
        "accept: */*",
        "accept-encoding: identity",
        "\"temperature\":0}",
    ] {
        assert!(seen.contains(part), "`{part}` is missing in: {seen}");
    }
    assert!(!format!("{report:?}{report}").contains("secret"));
}
