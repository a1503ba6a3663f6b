//! A mistake in the attribute says nothing about the function, and the function's own mistakes
//! are still found.
use goodput::{Report, llm_bench};
use rstest::rstest;

#[llm_bench(raet = 1)]
fn bench(report: &Report) {
    let _: u32 = report.passed();
}

#[llm_bench(raet = 1)]
#[rstest]
#[case(1.0)]
fn below(#[case] rate: f64, report: &Report) {}

#[rstest]
#[case(1.0)]
#[llm_bench(raet = 1)]
fn above(#[case] rate: f64, #[ignore] report: &Report) {}

fn main() {
    let _ = bench;
}
