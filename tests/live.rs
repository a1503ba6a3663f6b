//! `--live`: the page of a run in progress.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(all(feature = "cli", unix))]

#[path = "support/mod.rs"]
mod support;

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::atomic::Ordering,
    time::Duration,
};
use support::program::{Program, good_server, goodput, read, until};

/// All that a server sends until it closes the connection.
fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_run_is_watched_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let server = good_server();
    let mut command = goodput(folder.path());
    command
        .args(["serve", "--live", "--base-url", &server.url, "--model", "m"])
        .args([
            "--num-prompts",
            "60",
            "--request-rate",
            "30",
            "--disable-tqdm",
        ])
        .args([
            "--random-input-len",
            "4",
            "--prompt-token-ids",
            "--label",
            "watched",
        ])
        .args(["--slo", "errors <= 100%"]);
    let mut program = Program::start(&mut command);
    let printed = folder.path().join("stderr");
    until("the address is printed", || {
        read(&printed).contains("live: http://")
    });
    let said = read(&printed);
    let address = said.split("live: http://").nth(1).unwrap();
    let address = address.split('/').next().unwrap();
    assert!(address.starts_with("127.0.0.1:"), "{said}");
    let events = get(address, "/events");
    assert_eq!(program.ended().code(), Some(0), "{}", read(&printed));
    assert!(events.starts_with("HTTP/1.1 200 OK\r\n"), "{events}");
    let last = events
        .split("event: end")
        .nth(1)
        .unwrap_or_else(|| panic!("{events}"));
    assert!(
        last.contains("watched: pass") && last.contains("requests planned"),
        "{last}"
    );
    assert_eq!(server.answered.load(Ordering::SeqCst), 60);
}

#[test]
fn an_address_that_cannot_be_used_is_refused_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let server = good_server();
    for address in ["http://x", "203.0.113.7:80"] {
        let mut command = goodput(folder.path());
        command
            .args([
                "serve",
                "--live",
                "--live-address",
                address,
                "--base-url",
                &server.url,
            ])
            .args(["--num-prompts", "5", "--model", "m", "--disable-tqdm"]);
        let mut program = Program::start(&mut command);
        assert_eq!(program.ended().code(), Some(2));
        let said = read(&folder.path().join("stderr"));
        assert!(
            said.contains(&format!("--live-address = {address}: ")),
            "{said}"
        );
    }
    assert_eq!(server.answered.load(Ordering::SeqCst), 0);
}

/// Whoever opens the page to others is warned.
#[test]
fn an_open_address_has_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = goodput(folder.path());
    command
        .args([
            "serve",
            "--live",
            "--live-address",
            "0.0.0.0:0",
            "--target",
            "sim",
        ])
        .args(["--num-prompts", "5", "--disable-tqdm"]);
    let mut program = Program::start(&mut command);
    assert_eq!(program.ended().code(), Some(0));
    let said = read(&folder.path().join("stderr"));
    assert!(
        said.contains("warning: --live-address: all who can reach this address"),
        "{said}"
    );
}
