//! A server that the bench starts and stops.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(all(unix, feature = "cli"))]

use goodput::{Bench, Error, ServerProcess};
use std::{
    net::TcpStream,
    path::PathBuf,
    time::{Duration, Instant},
};

fn log(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.log"))
}

fn bench(server: ServerProcess) -> Bench {
    Bench::new("process")
        .target(server)
        .dataset("random(input = 8, output = 3)")
        .requests(5)
        .exclusive(false)
}

#[test]
fn a_command_is_started_measured_and_stopped() {
    let port = {
        let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        free.local_addr().unwrap().port()
    };
    let command = format!(
        "{} sim --port {{port}} --ttft 5ms --itl 1ms --model served",
        env!("CARGO_BIN_EXE_goodput")
    );
    let server = ServerProcess::new(command).port(port).log(log("measured"));
    let report = bench(server).run_blocking().unwrap();
    assert_eq!(report.completed(), 5, "{report}");
    // The model's name came from the server itself.
    assert_eq!(report.model(), "served");
    let text = std::fs::read_to_string(log("measured")).unwrap();
    assert!(text.contains("goodput sim serves on"), "{text}");
    assert!(
        TcpStream::connect(("127.0.0.1", port)).is_err(),
        "still listening"
    );
}

#[test]
fn a_command_that_ends_shows_its_log() {
    let server = ServerProcess::new("sh -c 'echo out of memory; exit 3'").log(log("ends"));
    let error = bench(server).run_blocking().unwrap_err();
    assert!(matches!(error, Error::Target(_)));
    let text = error.to_string();
    for part in [
        "ended before it was ready",
        "exit status: 3",
        "out of memory",
        "ends.log",
    ] {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
}

#[test]
fn a_command_that_never_serves_is_given_up_and_its_children_are_stopped() {
    let started = Instant::now();
    let server = ServerProcess::new("sh -c 'sleep 600 & sleep 600'")
        .ready_timeout(Duration::from_millis(300))
        .log(log("never"));
    let text = bench(server).run_blocking().unwrap_err().to_string();
    assert!(text.contains("did not answer 200 on /health"), "{text}");
    // Far below what the sleeps would take if they were waited for.
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_command_that_does_not_exist_is_named() {
    let text = bench(ServerProcess::new("no-such-server --port {port}"))
        .run_blocking()
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("no-such-server") && text.contains("PATH"),
        "{text}"
    );
}
