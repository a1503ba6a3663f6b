//! Keys that do not exist, or are written otherwise.
use goodput::llm_bench;

#[llm_bench(raet = 10, num_prompts = 5, trace)]
fn unknown() {}

#[llm_bench(slo("errors < 1%"), rate: 10, max-concurrency = 8, seed = , 5, requests = 1 2)]
fn otherwise() {}

#[llm_bench(rate, backend, stream = "yes")]
fn alone() {}

fn main() {}
