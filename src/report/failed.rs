//! A report that something speaks against, as an error.

use super::Report;
use crate::judge::Verdict;
use std::fmt;

/// Why a run did not pass; see [`Report::ensure_passed`].
///
/// Its debug form is its text, as that is what a test prints that returns it.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {verdict}\n{reasons}")]
pub struct Failed {
    name: String,
    verdict: Verdict,
    reasons: String,
}

impl Failed {
    /// The verdict: *fail*, *inconclusive* or *invalid*; or *pass* and *no verdict*, where the run was expected to
    /// fail.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// What speaks against the run, a line each: [`Report::reasons`].
    pub fn reasons(&self) -> &str {
        &self.reasons
    }
}

impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Report {
    /// `Ok` if nothing speaks against the run, which is when it [`passed`](Self::passed); that includes *no
    /// verdict*, where nothing was demanded.
    ///
    /// ```
    /// use goodput::Bench;
    ///
    /// let bench = Bench::new("chat").rate(10).requests(20);
    /// bench.clone().slo("max(ttft) < 1s").run_blocking()?.ensure_passed()?;
    ///
    /// let report = bench.slo("max(ttft) < 1ms").run_blocking()?;
    /// let failed = report.ensure_passed().unwrap_err();
    /// assert!(failed.reasons().starts_with("max(ttft) = 50.00 ms, limit < 1 ms"));
    /// # Ok::<(), goodput::Error>(())
    /// ```
    ///
    /// # Errors
    /// The verdict is *fail*, *inconclusive* or *invalid*, or not the expected *fail*.
    pub fn ensure_passed(&self) -> Result<(), Failed> {
        if self.passed() {
            Ok(())
        } else {
            Err(Failed {
                name: self.run().setup.name.clone(),
                verdict: self.verdict(),
                reasons: self.reasons(),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        error::Error,
        judge::Criteria,
        report::testing::{criteria, failing_run, lifted, report},
        run::Run,
    };
    use rstest::rstest;

    fn stopped() -> Run {
        Run {
            partial: true,
            ..failing_run()
        }
    }

    fn good() -> Run {
        let mut run = failing_run();
        for record in &mut run.records {
            record.error = None;
        }
        run
    }

    #[rstest]
    #[case::pass(failing_run(), lifted(), Ok(()))]
    #[case::nothing_demanded(good(), Criteria::default(), Ok(()))]
    #[case::fail(failing_run(), criteria(), Err(Verdict::Fail))]
    #[case::failed_requests(failing_run(), Criteria::default(), Err(Verdict::Fail))]
    #[case::invalid(stopped(), lifted(), Err(Verdict::Invalid))]
    fn it_agrees_with_passed(
        #[case] run: Run,
        #[case] criteria: Criteria,
        #[case] expected: Result<(), Verdict>,
    ) {
        let report = report(run, criteria);
        let ensured = report.ensure_passed();
        assert_eq!(ensured.is_ok(), report.passed());
        assert_eq!(ensured.map_err(|failed| failed.verdict()), expected);
    }

    #[test]
    fn a_test_that_returns_it_prints_its_reasons() {
        let report = report(failing_run(), Criteria::default());
        let error = Error::from(report.ensure_passed().unwrap_err());
        insta::assert_snapshot!(format!("Error: {error:?}"), @r#"
        Error: chat_short: fail
        3 of 12 requests failed, more than 1 %. An SLO on errors replaces this limit, such as `errors < 5%`; `errors <= 100%` lifts it
            2 × HTTP status 503: {"error": "busy"} (first: request 3); look into the server's log
            1 × the stream ended early: connection reset (first: request 5)
        "#);
    }
}
