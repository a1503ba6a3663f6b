//! Snapshots without the library's feature for them, and tolerances that are none.
use goodput::{Bench, llm_bench};

#[llm_bench(snapshot)]
fn alone() {}

#[llm_bench(snapshot = "10%")]
fn with_tolerance() {}

#[llm_bench(snapshot = "10")]
fn without_unit() {}

#[llm_bench(snapshot = 10)]
fn number() {}

fn main() {
    let report = Bench::new("builder").run_blocking().unwrap();
    goodput::assert_snapshot!(report);
}
