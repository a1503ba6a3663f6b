//! What is demanded of a run.

use super::written::{any_target, limits, slos};
use crate::{
    grammar::{goodput::RequestLimit, names, slo::Slo},
    judge::{Expect, OnInconclusive},
    targets::AnyTarget,
};
use serde::Serialize;

/// What is demanded of a run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Demands {
    #[serde(serialize_with = "limits")]
    pub(crate) goodput: Vec<RequestLimit>,
    #[serde(serialize_with = "slos")]
    pub(crate) slo: Vec<Slo>,
    pub(crate) confidence: f64,
    pub(crate) max_extend: usize,
    pub(crate) on_inconclusive: OnInconclusive,
    /// The bench has a function that checks the report.
    pub(crate) function: bool,
    pub(crate) expect: Expect,
    #[serde(serialize_with = "any_target")]
    pub(crate) versus: Option<AnyTarget>,
    pub(crate) pairs: usize,
    pub(crate) noise_threshold: f64,
    pub(crate) false_alarms: f64,
    /// The bench's part of that probability among the benches of a run.
    pub(crate) share: f64,
}

impl Default for Demands {
    fn default() -> Self {
        Demands {
            goodput: Vec::new(),
            slo: Vec::new(),
            confidence: names::DEFAULT_CONFIDENCE,
            max_extend: 1,
            on_inconclusive: OnInconclusive::Warn,
            function: false,
            expect: Expect::Pass,
            versus: None,
            pairs: names::DEFAULT_PAIRS as usize,
            noise_threshold: 0.05,
            false_alarms: 0.01,
            share: 1.0,
        }
    }
}
