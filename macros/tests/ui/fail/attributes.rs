//! Attributes that make tests of their own.
use goodput::{Report, llm_bench};
use rstest::{fixture, rstest};

#[llm_bench]
#[test]
fn test() {}

#[llm_bench]
#[tokio::test]
async fn tokio_test(report: &Report) {}

#[llm_bench(rate = 1)]
#[llm_bench(rate = 2)]
fn twice() {}

#[fixture]
async fn name() -> String {
    String::new()
}

#[llm_bench]
#[rstest]
#[timeout(std::time::Duration::from_secs(1))]
async fn with_rstest(#[future] name: String, report: Report) {}

fn main() {}
