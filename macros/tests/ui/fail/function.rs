//! Functions that cannot be a bench.
use goodput::{Report, llm_bench};

#[llm_bench]
fn by_value(report: Report) {}

#[llm_bench]
fn mutable(report: &mut Report) {}

#[llm_bench]
fn parameter(rate: f64) {}

#[llm_bench]
fn two(report: &Report, rate: f64) {}

#[llm_bench]
fn generic<T>(report: &Report) {}

#[llm_bench]
const unsafe extern "C" fn qualified() {}

#[llm_bench]
fn anything() -> impl Sized {}

struct Suite;

impl Suite {
    #[llm_bench]
    fn method(&self) {}
}

#[llm_bench]
struct NotAFunction;

fn main() {
    let _ = NotAFunction;
}
