//! goodput's own gates, on the built-in simulation: `cargo bench`.

use goodput::{Report, llm_bench};

#[llm_bench(
    backend = "openai-chat",
    target = "sim(ttft = lognormal(80ms, 30ms), itl = 10ms)",
    rate = 10,
    requests = 600,
    goodput = "ttft:200 tpot:50",
    slo = "p99(ttft) < 300ms, goodput >= 95%, errors < 0.1%"
)]
fn chat() {}

/// A queue in front of the server counts: latency is from the planned send time.
#[llm_bench(
    target = "sim(ttft = 100ms, itl = 5ms)",
    dataset = "random(input = 128, output = 21)",
    rate = 30,
    max_concurrency = 8,
    requests = 600
)]
fn queueing(report: &Report) {
    let gated = report.ttft().percentile(99.0);
    let from_sent = report.metrics().latency.ttft.percentile(99.0);
    assert!(gated > from_sent, "{gated} > {from_sent}");
}

goodput::main!();
