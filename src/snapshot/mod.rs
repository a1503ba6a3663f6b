//! Snapshots: numbers of a run as insta snapshots, to review when they change. Use the key `snapshot` of
//! `#[llm_bench(…)]`, or [`assert_snapshot!`](crate::assert_snapshot!) in any test.
//!
//! A snapshot of a simulation on virtual time must match to the last digit. On real time counts must match
//! exactly, and latencies, throughput and goodput within a tolerance, which the snapshot states. A snapshot
//! records *readings*: to set limits for a server, write an SLO.
//!
//! Snapshots are kept in git, so they contain no URL, host, command, path, id, header or text of an answer;
//! errors are counted by kind.
//!
//! goodput re-exports insta, so that the same version writes and reads snapshots. `cargo insta review`
//! works as usual; insta's `Settings` that are bound around the assertion apply, too, if the crate's own
//! `insta` is any version 1 from 1.49 on.

mod compare;
mod redact;
mod text;

use crate::{
    grammar::{Mistake, tolerance},
    report::Report,
};
use insta::Settings;

/// Default tolerance for readings on real time: 20 %.
const TOLERANCE: f64 = 0.2;

/// A snapshot before its comparison, for [`assert_snapshot!`](crate::assert_snapshot!).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    name: String,
    text: String,
}

impl Snapshot {
    /// Creates a snapshot of a report, named after its bench. `module` is the module of the assertion;
    /// `tolerance` is a share such as `10%`. Without it, a simulation on virtual time must match to the
    /// last digit, and any other run within 20 %.
    ///
    /// # Errors
    /// The tolerance is not a share.
    pub fn of(report: &Report, module: &str, tolerance: Option<&str>) -> Result<Self, Mistake> {
        let tolerance = match tolerance {
            Some(text) => Some(tolerance::parse(text)?),
            None if report.run().is_deterministic() => None,
            None => Some(TOLERANCE),
        };
        Ok(Snapshot {
            name: name(&report.run().setup.name, module),
            text: text::text(report, tolerance),
        })
    }

    /// Name of the snapshot, to which insta adds the module's.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Text of the snapshot.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// insta's settings for the comparison, on top of the bound ones.
    pub fn settings(&self) -> Settings {
        let mut settings = Settings::clone_current();
        settings.set_comparator(Box::new(compare::WithinTolerance));
        settings.set_omit_expression(true);
        settings
    }
}

/// Name of a bench without the modules that insta adds.
fn name(bench: &str, module: &str) -> String {
    let inside = module.split_once("::").map_or("", |(_, inside)| inside);
    let own = bench
        .strip_prefix(inside)
        .and_then(|rest| rest.strip_prefix("::"))
        .unwrap_or(bench);
    own.replace("::", "__")
        .replace(|c: char| !c.is_alphanumeric() && c != '_' && c != '-', "_")
}

/// Compares a report with its insta snapshot: `assert_snapshot!(report)`, or
/// `assert_snapshot!(report, tolerance = "10%")`. See [`snapshot`](crate::snapshot).
///
/// ```no_run
/// # async fn test() -> Result<(), goodput::Error> {
/// let report = goodput::Bench::new("chat").rate(10).run().await?;
/// goodput::assert_snapshot!(report);
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! assert_snapshot {
    ($report:expr $(,)?) => {
        $crate::__assert_snapshot!($report, ::core::option::Option::None)
    };
    ($report:expr, tolerance = $tolerance:expr $(,)?) => {
        $crate::__assert_snapshot!($report, ::core::option::Option::Some($tolerance))
    };
}

/// Expands in the user's crate, where insta finds the folder for snapshots.
#[doc(hidden)]
#[macro_export]
macro_rules! __assert_snapshot {
    ($report:expr, $tolerance:expr) => {{
        let snapshot = $crate::snapshot::Snapshot::of(&$report, ::core::module_path!(), $tolerance);
        match snapshot {
            ::core::result::Result::Ok(snapshot) => snapshot.settings().bind(|| {
                $crate::__private::insta::assert_snapshot!(snapshot.name(), snapshot.text())
            }),
            ::core::result::Result::Err(mistake) => ::core::panic!("snapshot: {mistake}"),
        }
    }};
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("chat", "slo", "chat")]
    #[case("long::chat", "slo::long", "chat")]
    #[case("chat::case_1_slow", "slo", "chat__case_1_slow")]
    #[case("longer::chat", "slo::long", "longer__chat")]
    #[case("a b/c", "slo", "a_b_c")]
    fn names_fit_into_file_names(#[case] bench: &str, #[case] module: &str, #[case] file: &str) {
        assert_eq!(name(bench, module), file);
    }
}
