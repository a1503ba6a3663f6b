//! What goes over the wire, and what the server holds afterwards.

use crate::simulated::Simulated;
use goodput::{
    clock::{Nanos, on_virtual_time},
    grammar::{fault, sim::Script},
    sim::SimServer,
};
use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What the server writes for one request for two tokens, byte by byte, and how many generations it
/// holds afterwards.
fn written(faults: &str, path: &str) -> (String, u64) {
    on_virtual_time(async |clock| {
        let script = Script {
            faults: fault::parse(faults).unwrap(),
            ..Script::default()
        };
        let server = Simulated::new(SimServer::new(script), clock.clone());
        let mut connection = server.connect();
        let body = r#"{"model":"m","prompt":"x","messages":[{"role":"user","content":"x"}],"max_tokens":2,"stream":true}"#;
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
    }).unwrap()
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
