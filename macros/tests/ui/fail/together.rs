//! Settings that contradict each other: both places are shown.
use goodput::llm_bench;

#[llm_bench(rate = 1, seed = 2, rate = 3)]
fn twice() {}

#[llm_bench(rate = 1, ramp = "linear 1..10")]
fn rate_and_ramp() {}

#[llm_bench(ignore = "a")]
#[ignore = "b"]
fn ignored_twice() {}

fn main() {}
