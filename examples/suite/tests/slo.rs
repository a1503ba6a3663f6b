//! SLOs under `cargo test` and `cargo nextest run`.

use goodput::{Report, llm_bench};

#[llm_bench(backend = "openai-chat", rate = 10, goodput = "ttft:200")]
fn chat(report: &Report) {
    assert!(report.goodput_ratio() >= 0.99);
}

#[llm_bench(
    backend = "vllm",
    target = "sim(ttft = normal(80ms, 20ms), itl = 10ms)",
    dataset = "random(input = 256, output = 64)",
    rate = 10,
    requests = 600,
    seed = 7,
    goodput = "ttft:200 tpot:50",
    slo = "goodput >= 95%, p99(ttft) < 300ms, errors < 1%"
)]
fn completions() {}

/// A function that returns a `Result` may use `?`.
#[llm_bench(backend = "openai-chat", max_concurrency = 4, requests = 40)]
fn closed_loop(report: &Report) -> Result<(), goodput::grammar::Mistake> {
    assert!(report.metrics().peaks.exact_concurrent_requests <= 4);
    assert_eq!(report.value("errors")?, Some(0.0));
    Ok(())
}

#[llm_bench(requests = 3)]
async fn asynchronous(report: &Report) {
    async { assert_eq!(report.completed(), 3) }.await;
}

/// Runs where `LLM_URL` names a server; elsewhere it is ignored, and a line on stderr says so.
#[llm_bench(
    target = "env:LLM_URL",
    dataset = "random(input = 64, output = 16)",
    rate = 10,
    requests = 300,
    goodput = "ttft:2000",
    slo = "goodput >= 95%, errors < 1%"
)]
fn live() {}

/// The same server held to a limit that it cannot keep.
#[llm_bench(
    target = "env:LLM_URL",
    dataset = "random(input = 64, output = 16)",
    rate = 5,
    requests = 20,
    slo = "p99(ttft) < 1us",
    ignore = "fails by design"
)]
fn live_must_fail() {}

#[llm_bench(
    requests = 20,
    rate = 10,
    slo = "p99(ttft) < 10ms",
    ignore = "fails by design"
)]
fn must_fail() {}
