//! Faults from the attribute, the builder and text; and what is said of unusable ones.

use super::{bench, only};
use goodput::{
    Bench, Error, Report, Simulation, grammar::fault::Kind, llm_bench, record::RequestError,
};
use rstest::rstest;

#[llm_bench(
    backend = "openai-chat",
    dataset = "random(input = 8, output = 4)",
    rate = 10,
    requests = 20,
    faults = "reset@req:3",
    slo = "errors <= 30%"
)]
fn from_the_attribute(report: &Report) {
    assert_eq!((report.completed(), report.failed()), (19, 1));
    assert!(report.run().setup.target.ends_with("with reset@req:3"));
}

#[test]
fn faults_add_up_from_everywhere() {
    let server = Simulation::new()
        .faults("crlf")
        .faults(vec![Kind::NoDone.always()]);
    let report = bench("no_usage").target(server).run_blocking().unwrap();
    assert!(
        report
            .run()
            .setup
            .target
            .ends_with("with crlf, no_done, no_usage"),
        "{}",
        report.run().setup.target
    );
    assert!(only(&report).usage.is_none() && only(&report).ok());
}

#[rstest]
#[case::text(bench("rest@5%, crlf(1)"), &["faults = \"rest@5%, crlf(1)\": unknown fault `rest`; did you mean `reset`?", "takes no value"])]
#[case::simulation(bench("crlf").target(Simulation::new().faults("stall(2)")), &["faults = \"stall(2)\": `stall`: `2` has no unit"])]
#[case::target(bench("crlf@5%").target("http://127.0.0.1:1"), &["faults = \"crlf@5%\": only a simulation can have faults", "http://127.0.0.1:1", "Remove `faults`"])]
#[case::in_the_target(bench("crlf").target("sim(faults = 'rest')"), &["unknown fault `rest`"])]
fn unusable_faults_are_refused(#[case] bench: Bench, #[case] told: &[&str]) {
    let error = bench.run_blocking().unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error:?}");
    let text = error.to_string();
    for part in told {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
}

#[test]
fn faults_of_a_target_in_text() {
    let report = bench("crlf@req:9")
        .target("sim(ttft = 50ms, faults = \"reset@req:0\")")
        .run_blocking()
        .unwrap();
    assert!(matches!(
        only(&report).error,
        Some(RequestError::Truncated { .. })
    ));
}
