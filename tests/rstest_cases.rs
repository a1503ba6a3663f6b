//! `#[llm_bench]` with `rstest` parameters, in both orders of the attributes.

use goodput::{Report, llm_bench};
use rstest::{fixture, rstest};

#[fixture]
fn requests() -> usize {
    7
}

#[llm_bench(target = "sim", dataset = "random(input = 8, output = 4)", rate = rate, requests = count)]
#[rstest]
#[case::slow(5.0, 3)]
#[case::fast(100.0, 20)]
#[should_panic(expected = "no such number")]
#[case::wrong(100.0, 2)]
#[ignore = "only when asked for"]
#[case::later(100.0, 4)]
fn chat(#[case] rate: f64, #[case] count: usize, report: &Report) {
    assert_eq!(
        report.run().records.len(),
        count,
        "{rate} requests per second"
    );
    assert!(count != 2, "no such number");
}

/// What is used in the attribute alone is used.
#[llm_bench(target = format!("sim(ttft = {ttft}ms)"), dataset = "random(input = 8, output = 4)", rate = rate, requests = 3)]
#[rstest]
#[case::one(5.0, 3)]
fn for_the_attribute(#[case] rate: f64, #[case] ttft: usize, report: &Report) {
    assert!(report.ttft().max < 4.0);
}

#[llm_bench(target = "sim", dataset = "random(input = 8, output = 4)", model = name, seed = seed, requests = requests)]
#[rstest]
async fn matrix(
    #[values("small", "large")] name: &str,
    #[values(1, 2)] seed: u64,
    requests: usize,
    report: &Report,
) -> Result<(), std::fmt::Error> {
    std::future::ready(()).await;
    assert_eq!(report.run().records.len(), requests);
    assert!(!name.is_empty() && seed > 0);
    Ok(())
}

#[llm_bench(target = "sim", dataset = "random(input = 8, output = 4)", requests = requests)]
#[rstest]
fn fixture_alone(requests: usize) {
    assert_eq!(requests, 7);
}

#[rstest]
#[case::slow(5.0, 3)]
#[case::fast(100.0, 20)]
#[should_panic(expected = "no such number")]
#[case::wrong(100.0, 2)]
#[llm_bench(target = "sim", dataset = "random(input = 8, output = 4)", rate = rate, requests = count)]
fn rstest_first(#[case] rate: f64, #[case] count: usize, #[ignore] report: &Report) {
    assert_eq!(
        report.run().records.len(),
        count,
        "{rate} requests per second"
    );
    assert!(count != 2, "no such number");
}

#[rstest]
#[llm_bench(
    target = "sim",
    dataset = "random(input = 8, output = 4)",
    requests = requests,
    model = name.clone()
)]
fn rstest_first_matrix(
    #[values("small".to_owned(), "large".to_owned())] name: String,
    requests: usize,
    #[ignore] report: &Report,
) -> Result<(), String> {
    assert_eq!(report.run().records.len(), requests);
    (name.len() == 5).then_some(()).ok_or(name)
}

#[rstest]
#[llm_bench(target = "sim", dataset = "random(input = 8, output = 4)", requests = requests)]
fn rstest_first_fixture_alone(requests: usize, #[ignore] report: &Report) {
    assert_eq!(report.run().records.len(), requests);
}

#[test]
fn every_case_is_registered_under_its_own_name() {
    let mut benches: Vec<_> = goodput::__private::inventory::iter::<goodput::__private::Entry>
        .into_iter()
        .map(|entry| (entry.path(), entry.ignore, entry.should_panic))
        .collect();
    benches.sort();
    let plain = |path: &str| (path.to_owned(), None, false);
    let wrong = |path: &str| (path.to_owned(), None, true);
    assert_eq!(
        benches,
        [
            plain("chat::case_1_slow"),
            plain("chat::case_2_fast"),
            wrong("chat::case_3_wrong"),
            (
                "chat::case_4_later".to_owned(),
                Some("only when asked for"),
                false
            ),
            plain("fixture_alone"),
            plain("for_the_attribute::case_1_one"),
            plain("matrix::name_1___small__::seed_1_1"),
            plain("matrix::name_1___small__::seed_2_2"),
            plain("matrix::name_2___large__::seed_1_1"),
            plain("matrix::name_2___large__::seed_2_2"),
            plain("rstest_first::case_1_slow"),
            plain("rstest_first::case_2_fast"),
            wrong("rstest_first::case_3_wrong"),
            plain("rstest_first_fixture_alone"),
            plain("rstest_first_matrix::name_1___small___to_owned__"),
            plain("rstest_first_matrix::name_2___large___to_owned__"),
        ]
    );
}
