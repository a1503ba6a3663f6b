//! What a run must meet.

use super::{expect::Expect, verdict::OnInconclusive};
use goodput_grammar::{goodput::RequestLimit, slo::Slo};
use std::time::Duration;

/// What a run must meet.
#[derive(Debug, Clone, PartialEq)]
pub struct Criteria {
    /// Limits on each request; they define goodput.
    pub limits: Vec<RequestLimit>,
    /// Limits on the whole run.
    pub slos: Vec<Slo>,
    /// How late the client may take requests up, at the 99th percentile, before the run is
    /// invalid. Default 25 ms.
    pub max_lateness_p99: Duration,
    /// Confidence of the intervals that SLOs are decided by, above 0 and below 1. Default 0.95.
    pub confidence: f64,
    /// What to do with an inconclusive run. Default [`OnInconclusive::Fail`].
    pub on_inconclusive: OnInconclusive,
    /// The complaint of the target itself after the run, such as an expectation of a mock server that was not met. It
    /// makes the run fail. A target without complaints proves nothing: it may have expected nothing.
    pub complaint: Option<String>,
    /// Whether the bench has a function that will check the report.
    pub function: bool,
    /// What the run is expected to do. Default [`Expect::Pass`].
    pub expect: Expect,
}

impl Default for Criteria {
    fn default() -> Self {
        Criteria {
            limits: Vec::new(),
            slos: Vec::new(),
            max_lateness_p99: Duration::from_millis(25),
            confidence: 0.95,
            on_inconclusive: OnInconclusive::default(),
            complaint: None,
            function: false,
            expect: Expect::Pass,
        }
    }
}
