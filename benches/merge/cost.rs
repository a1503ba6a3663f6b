//! The processor time and memory of a merge.

use crate::shards::{SENT, Sent, goodput};
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::{TimeVal, TimeValLike},
};
use std::time::Instant;

pub(super) fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // cargo test builds and runs benchmark targets too, without this argument.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let given = |flag: &str| {
        let place = arguments.iter().position(|argument| argument == flag)?;
        Some(arguments[place + 1].parse().unwrap())
    };
    let sizes = given("--requests").map_or(vec![10_000, 100_000], |size| vec![size]);
    let tokens: usize = given("--tokens").unwrap_or(8);
    let folder = tempfile::tempdir().unwrap();
    let sent = Sent::by_shards(tokens, folder.path());
    println!(
        "| requests of {tokens} tokens | files | merge | CPU | memory at its peak | CPU a request |"
    );
    println!("|---|---|---|---|---|---|");
    for size in sizes {
        let (files, bytes) = sent.longer(folder.path(), size / SENT);
        let before = cpu_of_children();
        let began = Instant::now();
        let merge = goodput(&["merge"]).args(&files).output().unwrap();
        let (took, cpu) = (began.elapsed(), cpu_of_children() - before);
        assert!(
            merge.status.success(),
            "{}",
            String::from_utf8_lossy(&merge.stderr)
        );
        // The largest process so far is the merge of this size, in KiB.
        let peak = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss();
        let requests = size / SENT * SENT;
        println!(
            "| {requests} | {} MB | {:.1} s | {cpu:.1} s | {} MiB | {:.1} µs |",
            bytes / 1_000_000,
            took.as_secs_f64(),
            peak / 1024,
            cpu * 1e6 / requests as f64
        );
    }
}

fn cpu_of_children() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let seconds = |time: TimeVal| time.num_microseconds() as f64 / 1e6;
    seconds(usage.user_time()) + seconds(usage.system_time())
}
