//! Made-up benches and outcomes.

use super::kept::BenchId;
use crate::{
    judge::Criteria,
    metrics::testing::{record, run_of},
    report::{End, Outcome, testing::report},
};
use std::time::Duration;

/// A bench of this name in `tests/slo.rs`.
pub(super) fn id(name: &str) -> BenchId {
    BenchId {
        home: "/home/user/app".to_owned(),
        package: "app".to_owned(),
        group: "slo".to_owned(),
        source: "tests/slo.rs".to_owned(),
        name: name.to_owned(),
    }
}

pub(super) fn ignored() -> Outcome {
    Outcome {
        group: "slo".to_owned(),
        name: "chat".to_owned(),
        took: Duration::from_secs(1),
        end: End::Ignored("LLM_URL is not set".to_owned()),
        measured: None,
        lineup: None,
    }
}

/// Ten requests with this TTFT in milliseconds, which ended in `word`.
pub(super) fn measured(word: &str, ttft: f64) -> Outcome {
    let records = (0..10).map(|index| {
        let at = index * 100;
        record(at, &[at + ttft as u64, at + ttft as u64 + 10], 2)
    });
    let mut run = run_of(records.collect());
    run.setup.name = "chat".to_owned();
    let report = report(run, Criteria::default());
    let mut outcome = Outcome::of("slo", &report, Duration::from_secs(1));
    if word == "fail" {
        outcome.end = End::Failed("too slow".to_owned());
    }
    outcome
}
