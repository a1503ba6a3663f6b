//! Targets with several URLs, several local addresses, and plans that this machine has no room for.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use goodput::{
    Bench, Error,
    grammar::sim::Script,
    sim::{Listening, SimServer},
};
use rstest::rstest;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    net::Ipv4Addr,
    sync::{Arc, Mutex, atomic::Ordering},
};
use support::{RawServer, good_stream, http};

fn bench(target: &str) -> Bench {
    Bench::new("frontends")
        .target(target)
        .dataset("random(input = 4, output = 2)")
        .model("m")
        .requests(12)
        .max_concurrency(3)
        .exclusive(false)
}

/// A server that answers well, and the first lines and hosts of what it was asked.
fn listening() -> (RawServer, Arc<Mutex<BTreeSet<String>>>) {
    let asked: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let notes = asked.clone();
    let server = RawServer::start(move |stream, request| {
        if request.starts_with("POST /a/tokenize") {
            let none = http("404 Not Found", "text/plain", "");
            return stream.write_all(none.as_bytes()).is_ok();
        }
        let lines = request.lines();
        let about = lines.filter(|line| line.starts_with("POST") || line.starts_with("host"));
        notes.lock().unwrap().extend(about.map(str::to_owned));
        stream.write_all(good_stream().as_bytes()).is_ok()
    });
    (server, asked)
}

#[test]
fn urls_share_the_requests_and_errors_name_theirs() {
    let (good, asked) = listening();
    let bad = RawServer::sending(http("500 Internal Server Error", "text/plain", "out"), true);
    let target = format!("{}/a {}", good.url, bad.url);
    let report = bench(&target).run_blocking().unwrap();
    let run = report.run();
    let frontends: Vec<_> = run.records.iter().map(|record| record.frontend).collect();
    assert_eq!(frontends[..4], [Some(0), Some(1), Some(0), Some(1)]);
    assert_eq!((report.completed(), report.failed()), (6, 6), "{report}");
    let shown = report.to_string();
    let line = |url: &str, rest: &str| {
        let line = format!("{url}: 6 requests, {rest}");
        assert!(shown.contains(&line), "{line}\n{shown}");
    };
    line(&format!("{}/a", good.url), "mean ttft");
    line(&bad.url, "6 failed (6 status)");
    // Each has its own path and name.
    let host = good.url.strip_prefix("http://").unwrap();
    let expected = [
        "POST /a/v1/completions HTTP/1.1".to_owned(),
        format!("host: {host}"),
    ];
    assert_eq!(*asked.lock().unwrap(), BTreeSet::from(expected));
}

#[test]
fn a_slow_url_gets_less_of_the_load() {
    let (good, _) = listening();
    let slow = RawServer::start(|stream, _| {
        std::thread::sleep(std::time::Duration::from_millis(300));
        stream.write_all(good_stream().as_bytes()).is_ok()
    });
    let target = format!("{} {}", good.url, slow.url);
    let report = bench(&target)
        .balance("least-in-flight")
        .run_blocking()
        .unwrap();
    let to = |frontend| {
        let records = report.run().records.iter();
        records
            .filter(|record| record.frontend == Some(frontend))
            .count()
    };
    assert_eq!(report.completed(), 12, "{report}");
    assert!(to(0) > to(1), "{} and {}", to(0), to(1));
}

#[test]
fn a_session_stays_at_its_url() {
    let servers = [(); 2].map(|()| {
        let server = Arc::new(SimServer::new(Script::default()));
        server.listen((Ipv4Addr::LOCALHOST, 0)).unwrap()
    });
    let target = servers.each_ref().map(Listening::url).join(" ");
    let report = bench(&target)
        .dataset("conversations(\"fixtures/plan/datasets/conversations.json\", output = 2)")
        .backend("openai-chat")
        .balance("session")
        .run_blocking()
        .unwrap();
    let mut places: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for record in &report.run().records {
        let name = record.turn.as_deref().unwrap().name.clone();
        places.entry(name).or_default().extend(record.frontend);
    }
    assert!(
        places.len() > 1 && places.values().all(|at| at.len() == 1),
        "{places:?}"
    );
    let all: BTreeSet<u32> = places.into_values().flatten().collect();
    assert_eq!(all, BTreeSet::from([0, 1]));
}

/// Linux has all of 127.0.0.0/8.
#[cfg(target_os = "linux")]
#[test]
fn connections_leave_from_local_addresses_in_turn() {
    let peers: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let notes = peers.clone();
    let server = RawServer::start(move |stream, _| {
        let peer = stream.peer_addr().unwrap().ip().to_string();
        notes.lock().unwrap().insert(peer);
        stream.write_all(good_stream().as_bytes()).is_ok()
    });
    let bench = bench(&server.url).bind(["127.0.0.2", "127.0.0.3"]);
    let report = bench.run_blocking().unwrap();
    assert_eq!(report.completed(), 12, "{report}");
    let expected = ["127.0.0.2", "127.0.0.3"].map(str::to_owned);
    assert_eq!(*peers.lock().unwrap(), BTreeSet::from(expected));
}

fn refused(bench: Bench) -> String {
    match bench.run_blocking().unwrap_err() {
        error @ Error::Invalid(_) => error.to_string(),
        other => panic!("{other}"),
    }
}

#[rstest]
#[case::not_of_this_machine(&["192.0.2.1"], "192.0.2.1: is not an address of this machine")]
#[case::not_an_address(&["eth0"], "is not an IP address")]
#[case::twice(&["127.0.0.1", "127.0.0.1"], "is given twice")]
fn other_addresses_are_refused(#[case] bind: &[&str], #[case] why: &str) {
    let (server, _) = listening();
    let told = refused(bench(&server.url).bind(bind.to_vec()));
    assert!(told.contains(why), "{told}");
    assert_eq!(server.connections.load(Ordering::SeqCst), 0);
}

/// More connections than there are port numbers.
#[cfg(target_os = "linux")]
#[test]
fn a_plan_that_cannot_fit_is_refused_before_anything_is_sent() {
    let (server, _) = listening();
    let bench = bench(&server.url)
        .dataset("random(input = 1, output = 1)")
        .requests(70_000)
        .max_concurrency(70_000);
    let told = refused(bench);
    let needs = "max_concurrency = 70000: the run needs 70000 connections to 127.0.0.1:";
    assert!(told.contains(needs) && told.contains("`bind`"), "{told}");
    assert_eq!(server.connections.load(Ordering::SeqCst), 0);
}

#[test]
fn what_one_server_alone_can_do_is_refused() {
    let (server, _) = listening();
    let target = format!("{} {}/v1", server.url, server.url);
    let told = refused(bench(&target).profile(true).server_metrics_interval("1s"));
    assert!(
        told.contains("profile = true: needs a target with one URL")
            && told.contains("server_metrics_interval"),
        "{told}"
    );
}
