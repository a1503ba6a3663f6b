//! A server that the bench starts and stops.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(all(unix, feature = "cli"))]

#[path = "support/folder.rs"]
mod folder;

use folder::Folder;
use goodput::{Bench, Error, ServerProcess};
use std::{
    net::TcpStream,
    time::{Duration, Instant},
};

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
    let folder = Folder::new("measured");
    let log = folder.join("log");
    let server = ServerProcess::new(command).port(port).log(&log);
    let report = bench(server).run_blocking().unwrap();
    assert_eq!(report.completed(), 5, "{report}");
    // The model's name came from the server itself.
    assert_eq!(report.model(), "served");
    let text = std::fs::read_to_string(log).unwrap();
    assert!(text.contains("goodput sim serves on"), "{text}");
    assert!(
        TcpStream::connect(("127.0.0.1", port)).is_err(),
        "still listening"
    );
}

/// When the first answer is there, the server is told to end, and the run goes on when it has.
#[cfg(target_os = "linux")]
#[derive(Debug)]
struct EndsTheServer(std::path::PathBuf);

#[cfg(target_os = "linux")]
impl goodput::observer::Observer for EndsTheServer {
    fn finished(&self, _: &goodput::record::Record) {
        let stop = self.0.join("stop");
        if stop.exists() {
            return;
        }
        std::fs::write(stop, "").unwrap();
        let pid = std::fs::read_to_string(self.0.join("pid")).unwrap();
        let stat = format!("/proc/{}/stat", pid.trim());
        let began = Instant::now();
        // Nobody has asked about it yet, so it stays in the list of processes.
        while !std::fs::read_to_string(&stat).unwrap().contains(") Z ") {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "it has not ended"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_that_ends_during_the_run_fails_the_bench_and_the_end_of_its_log_tells_no_key() {
    let folder = Folder::new("process-ends");
    let script = format!(
        "cd {}; {} sim --port {{port}} --model served & echo $$ > pid; while [ ! -e stop ]; do sleep 0.02; done; \
         kill $!; echo out of memory with $SERVER_TOKEN and --api-key Ck4-of-the-command; exit 3",
        folder.display(),
        env!("CARGO_BIN_EXE_goodput")
    );
    let server = ServerProcess::new(format!("sh -c '{script}'"))
        .env("SERVER_TOKEN", "Qx7-of-the-server")
        .log(folder.join("log"));
    let control = goodput::bench::Control {
        observer: std::sync::Arc::new(EndsTheServer(folder.to_path_buf())),
        ..Default::default()
    };
    let bench = bench(server).max_concurrency(1);
    let report = bench.run_blocking_with(control).unwrap();
    assert!(!report.passed() && report.completed() >= 1, "{report}");
    let text = format!("{report}\n{report:?}\n{}", report.reasons());
    for part in [
        "the server ended during the run",
        "exit status: 3",
        "out of memory with *** and --api-key ***",
        &folder.join("log").display().to_string(),
    ] {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
    for secret in ["Qx7-of", "Ck4-of"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn a_command_that_ends_shows_its_log() {
    let folder = Folder::new("ends");
    let command = "sh -c 'echo out of memory; exit 3'";
    let server = ServerProcess::new(command).log(folder.join("log"));
    let error = bench(server).run_blocking().unwrap_err();
    assert!(matches!(error, Error::Target(_)));
    let text = error.to_string();
    for part in [
        "ended before it was ready",
        "exit status: 3",
        "out of memory",
        "log",
    ] {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
}

#[test]
fn a_command_that_never_serves_is_given_up_and_its_children_are_stopped() {
    let started = Instant::now();
    let folder = Folder::new("never");
    let server = ServerProcess::new("sh -c 'sleep 600 & sleep 600'")
        .ready_timeout(Duration::from_millis(300))
        .log(folder.join("log"));
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
