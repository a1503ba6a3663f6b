//! Every shape of function, without a warning, in a program that is not a test: there the tests vanish and only the
//! registrations keep the functions alive.
#![deny(warnings, clippy::all)]

use goodput::{Report, llm_bench};

fn helper() {}

#[llm_bench]
fn empty() {}

/// Documentation of a bench.
#[llm_bench(requests = 3)]
fn unnamed_report(_: &Report) {
    helper();
}

#[llm_bench(requests = 3)]
async fn asynchronous(report: &Report) {
    std::future::ready(report).await;
}

#[llm_bench(requests = 3)]
fn fallible(report: &goodput::Report) -> Result<(), std::num::ParseIntError> {
    assert!(report.passed());
    "7".parse::<usize>().map(drop)
}

#[llm_bench(requests = 3)]
async fn asynchronous_and_fallible() -> Result<(), std::fmt::Error> {
    std::future::ready(Ok(())).await
}

#[llm_bench(requests = 3)]
#[ignore = "not now"]
#[should_panic(expected = "x")]
#[allow(unused_variables)]
fn with_attributes(report: &Report) {}

#[llm_bench(requests = 3)]
#[expect(clippy::assertions_on_constants)]
fn with_an_expectation() {
    assert!(true);
}

#[llm_bench(requests = 3)]
#[cfg(any())]
fn configured_away(report: &Missing) {}

#[llm_bench(requests = 3)]
fn r#type() {}

#[llm_bench(requests = 3)]
fn report(report: &Report) {
    assert!(report.passed());
}

mod inner {
    use super::*;

    #[llm_bench(requests = 4)]
    pub(crate) fn empty() {}
}

mod renamed {
    // The expansion finds its words whatever the user calls theirs.
    #![allow(dead_code, non_camel_case_types)]
    struct Bench;
    struct Report;
    struct Result;
    struct Option;
    struct f64;
    mod core {}
    mod std {}

    #[goodput::llm_bench(rate = "inf", burstiness = 2, ignore = "x")]
    fn empty(_: &::goodput::Report) {}
}

fn main() {
    let mut names: Vec<_> = goodput::__private::inventory::iter::<goodput::__private::Entry>
        .into_iter()
        .map(|entry| (entry.path(), entry.ignore, entry.should_panic))
        .collect();
    names.sort();
    let name = |name: &str| (name.to_owned(), None, false);
    assert_eq!(
        names,
        [
            name("asynchronous"),
            name("asynchronous_and_fallible"),
            name("empty"),
            name("fallible"),
            name("inner::empty"),
            ("renamed::empty".to_owned(), Some("x"), false),
            name("report"),
            name("type"),
            name("unnamed_report"),
            name("with_an_expectation"),
            ("with_attributes".to_owned(), Some("not now"), true),
        ]
    );
}
