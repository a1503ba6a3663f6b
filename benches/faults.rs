//! Every fault against every backend, 10,000 requests each, on virtual time: `cargo bench --bench faults`.
//!
//! Each request must be accounted for exactly once, with what the fault leaves of its answer; the
//! suite does the same with fewer (`tests/faults/matrix.rs`). The table says how many succeeded.

#![allow(clippy::unwrap_used, reason = "a bench that cannot run panics")]

#[path = "../tests/support/matrix.rs"]
mod matrix;

use goodput::grammar::names::BACKENDS;
use std::time::Instant;

const REQUESTS: usize = 10_000;

fn main() {
    // cargo test builds and runs benchmark targets too, without this argument.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let started = Instant::now();
    let mut sent = 0;
    println!("| fault | requests | succeeded |");
    println!("|---|---|---|");
    for (fault, hit) in matrix::FAULTS {
        let of = |backend: &&str| matrix::account(backend, fault, hit, REQUESTS);
        let succeeded: usize = BACKENDS.iter().map(of).sum();
        let requests = REQUESTS * BACKENDS.len();
        println!("| `{fault}` | {requests} | {succeeded} |");
        sent += requests;
    }
    println!(
        "{sent} requests, each accounted for once, in {:.0?}",
        started.elapsed()
    );
}
