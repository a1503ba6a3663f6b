//! goodput under another name, and re-exported by a crate of one's own.
#![deny(warnings)]

extern crate goodput as slo;

mod kit {
    pub use ::goodput as measuring;
    // What `::goodput` would be in a crate that has renamed it.
    pub mod goodput {}
}

#[slo::llm_bench(crate = slo, rate = 10, snapshot = false)]
async fn renamed(report: &slo::Report) -> Result<(), slo::Failed> {
    report.ensure_passed()
}

#[kit::measuring::llm_bench(crate = self::kit::measuring, requests = 3)]
fn exported() {}

#[slo::llm_bench(crate = "crate::kit::measuring")]
fn in_quotes() {}

fn main() {
    let entries = slo::__private::inventory::iter::<slo::__private::Entry>;
    let mut names: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
    names.sort();
    assert_eq!(names, ["exported", "in_quotes", "renamed"]);
}
