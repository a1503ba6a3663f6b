//! One bench as a test of libtest, nextest or any other runner of `#[test]` functions.

use super::{
    nextest,
    registry::{Case, Entry},
};
use crate::{baseline::Settings, error::Error, judge::Verdict, report::Report};
use std::io::{self, Write};

/// What became of a bench.
pub(super) enum Finished {
    /// Verdict pass, and its function had nothing to say against it.
    Passed,
    /// Everything else that was measured; the reason.
    Failed(String),
    /// Not applicable here; the reason.
    Ignored(String),
}

/// Runs a bench as a `#[test]`: panics unless it passes.
///
/// # Panics
/// With the reasons, when the verdict is not *pass* or the bench's function fails.
#[track_caller]
#[allow(clippy::panic, reason = "a failing test panics")]
pub fn run_test(entry: &Entry) {
    nextest::advise(entry);
    match run_case(entry, &Settings::default(), &mut |report| {
        println!("{report}")
    }) {
        Finished::Passed => {}
        Finished::Ignored(why) => {
            // libtest cannot be told at run time; past its capture, so that it is seen.
            let _ = writeln!(io::stderr(), "goodput: {} ignored: {why}", entry.path());
        }
        Finished::Failed(why) => panic!("{why}"),
    }
}

/// Runs a bench under its test's name, shows its report, and asks its function.
pub(super) fn run_case(
    entry: &Entry,
    baselines: &Settings,
    show: &mut dyn FnMut(&Report),
) -> Finished {
    let Case { bench, check } = (entry.case)();
    let bench = bench
        .named(entry.path())
        .baselines(at_home(entry, baselines));
    let report = match bench.run_blocking() {
        Ok(report) => report,
        Err(Error::Skipped(why)) if !live_is_required() => return Finished::Ignored(why),
        Err(e) => return Finished::Failed(e.to_string()),
    };
    show(&report);
    let mut reasons = Vec::new();
    if !report.passed() {
        reasons.push(format!(
            "verdict {}: {}",
            report.verdict(),
            report.reasons()
        ));
    }
    // An invalid run has no numbers that a function could judge.
    if report.verdict() != Verdict::Invalid
        && let Err(why) = check(&report)
    {
        reasons.push(format!("the bench's function returned an error: {why}"));
    }
    if reasons.is_empty() {
        Finished::Passed
    } else {
        Finished::Failed(reasons.join("\n"))
    }
}

/// Baselines lie in the crate of the bench, whatever the runner's folder, and different binaries of a
/// crate may have benches of one name.
fn at_home(entry: &Entry, baselines: &Settings) -> Settings {
    Settings {
        home: Some(entry.manifest_dir.into()),
        entry: Some(format!("{}::{}", entry.module, entry.name)),
        ..baselines.clone()
    }
}

/// `GOODPUT_REQUIRE_LIVE=1`: a bench without its server is a failure, for CI jobs that must not
/// pass by measuring nothing.
fn live_is_required() -> bool {
    std::env::var("GOODPUT_REQUIRE_LIVE").is_ok_and(|value| !value.is_empty() && value != "0")
}
