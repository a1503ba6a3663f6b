//! The same as a benchmark target: `cargo bench -p goodput-suite`.

use goodput::{Report, llm_bench};

#[llm_bench(backend = "openai-chat", rate = 10, goodput = "ttft:200")]
fn chat(report: &Report) {
    assert!(report.goodput_ratio() >= 0.99);
}

mod long {
    use goodput::llm_bench;

    #[llm_bench(
        dataset = "random(input = 512, output = 128)",
        rate = 20,
        requests = 300,
        slo = "p99(ttft) < 100ms, throughput(output) > 1000"
    )]
    fn completions() {}
}

#[llm_bench(target = "env:GOODPUT_SUITE_URL", requests = 5)]
fn live() {}

#[llm_bench(requests = 10, slo = "p99(ttft) < 10ms", ignore = "fails by design")]
fn must_fail() {}

#[llm_bench(rate = rate, requests = 20)]
#[rstest::rstest]
#[case::slow(5.0)]
#[case::fast(50.0)]
fn rates(#[case] rate: f64, report: &Report) {
    assert_eq!(report.run().setup.rate, Some(rate));
}

goodput::main!();
