//! `goodput serve` beside the installed `vllm bench serve`: the same arguments, the same simulated
//! server, and then what either sent, printed and wrote, held against the other's.
//!
//! Ignored, because it needs vLLM (0.33): `docs/vllm.md` tells how to run it. It prints its table in Markdown.
#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test that cannot go on fails"
)]
#![cfg(feature = "cli")]

mod cases;
mod client;
mod compare;
#[path = "../support/folder.rs"]
mod folder;
mod recorder;
mod result;
mod table;

use cases::{CASES, Case};
use client::{Client, Ran};
use compare::Comparison;
use goodput::{
    sim::SimServer,
    tokenizer::{Tokenizer, TokenizerSpec},
};
use recorder::Recorder;
use std::{fmt::Write, path::Path, sync::Arc};

#[test]
#[ignore = "needs an installed vLLM: GOODPUT_VLLM=/path/to/vllm"]
fn vllm_bench_serve() {
    let vllm = std::env::var_os("GOODPUT_VLLM").unwrap_or_else(|| "vllm".into());
    let only = std::env::var("GOODPUT_PARITY").unwrap_or_default();
    let folder = client::folder();
    let clients = [Client::vllm(&vllm), Client::goodput()];
    let mut table = String::from(
        "| case | flags | sent | printed | written | measured, vLLM / goodput |\n|---|---|---|---|---|---|\n",
    );
    let mut differences = Vec::new();
    for case in CASES.iter().filter(|case| case.name.contains(&only)) {
        let [theirs, ours] = clients.each_ref().map(|client| run(case, client, &folder));
        let comparison = Comparison::of(case, &theirs, &ours);
        let row = comparison.row();
        println!("{row}");
        writeln!(table, "{row}").unwrap();
        let named = |difference| format!("{}: {difference}", case.name);
        differences.extend(comparison.differences.into_iter().map(named));
    }
    println!("\n{table}");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// A client against a server of its own, which is as new for either.
fn run(case: &Case, client: &Client, folder: &Path) -> Ran {
    let script = goodput::grammar::sim::parse(case.server).unwrap();
    let tokenizer = Tokenizer::load(&TokenizerSpec::default()).unwrap();
    let server = Arc::new(SimServer::new(script).tokenizer(tokenizer));
    let listening = server.listen(("127.0.0.1", 0)).unwrap();
    let recorder = Recorder::before(listening.address());
    client.run(case, recorder, folder)
}
