//! Benches with a `main` of their own: `cargo run --example gates -- --help`.
//!
//! In a project this is a `[[bench]]` target with `harness = false`; see `examples/suite`.

use goodput::{Report, llm_bench};

#[llm_bench(
    backend = "openai-chat",
    rate = 10,
    requests = 50,
    goodput = "ttft:200"
)]
fn chat(report: &Report) {
    assert!(report.goodput_ratio() >= 0.99);
}

mod long {
    use goodput::llm_bench;

    #[llm_bench(
        target = "sim(ttft = normal(60ms, 10ms), itl = 8ms, seed = 3)",
        dataset = "random(input = 512, output = 64)",
        rate = 20,
        requests = 600,
        slo = "p99(ttft) < 100ms, throughput(output) > 1000"
    )]
    fn completions() {}
}

/// Measures a real server where `GATES_URL` names one.
#[llm_bench(
    target = "env:GATES_URL",
    model = "any",
    requests = 5,
    max_concurrency = 1
)]
fn live() {}

#[llm_bench(
    requests = 10,
    slo = "p99(ttft) < 10ms, errors < 1%",
    ignore = "fails by design"
)]
fn too_slow() {}

#[llm_bench(requests = 10, ignore = "fails by design")]
fn displeased(report: &Report) -> Result<(), String> {
    Err(format!("{} requests are not enough", report.completed()))
}

/// The gate itself: a server as slow as this must not pass.
#[llm_bench(requests = 10, slo = "max(ttft) < 10ms", expect = "fail")]
fn must_fail() {}

goodput::main!();
