//! Faults of `goodput sim`.

use goodput::exit_code::UNUSABLE;
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
    assert_eq!(output.status.code(), Some(UNUSABLE.into()));
    let stderr = String::from_utf8(output.stderr).unwrap();
    // The terminal's width decides where lines end.
    let words = stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(told), "{stderr}");
}
