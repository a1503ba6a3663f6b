//! A name that is given twice is one error.
use goodput::llm_bench;

#[llm_bench(requests = 1)]
fn chat() {}

#[llm_bench(requests = 2)]
fn chat() {}

fn main() {}
