//! Benches with rstest cases, in both orders that rstest's users write.

use goodput::{Report, llm_bench};
use rstest::rstest;

#[llm_bench(backend = "openai-chat", rate = rate, requests = 300, slo = "errors < 1%")]
#[rstest]
#[case::slow(5.0)]
#[case::fast(50.0)]
fn rates(#[case] rate: f64, report: &Report) {
    assert_eq!(report.run().setup.rate, Some(rate));
}

#[rstest]
#[case("openai-chat")]
#[case("vllm")]
#[llm_bench(backend = backend, requests = 10)]
fn backends(#[case] backend: &'static str, #[ignore] report: &Report) {
    assert_eq!(report.run().setup.backend, backend);
    assert_eq!(report.completed(), 10);
}
