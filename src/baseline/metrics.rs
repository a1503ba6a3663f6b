//! Which numbers of a run are kept and compared.

use crate::{
    grammar::slo::{Latency, Stat, Subject, Throughput},
    judge::Unit,
    stats::compare::Worse,
};
use std::fmt;

/// A compared number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Metric {
    pub(super) measured: Measured,
    pub(super) worse: Worse,
    /// Whether the verdict depends on it.
    pub(super) gated: bool,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Measured {
    /// What an SLO may limit.
    Number(Subject),
    /// Requests that succeeded, of all: the errors, in a form whose ratios mean something.
    Succeeded,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Measured::Number(subject) => subject.fmt(f),
            Measured::Succeeded => f.write_str("1 - errors"),
        }
    }
}

impl Measured {
    pub(super) fn unit(&self) -> Unit {
        match self {
            Measured::Number(subject) => Unit::of(subject),
            Measured::Succeeded => Unit::Ratio,
        }
    }
}

/// The numbers, gated ones first. Few of them: each one more costs the others power. `limited` runs say
/// which requests are good; `open_loop` runs have the plan's throughput, which says nothing of the server.
pub(super) fn metrics(limited: bool, open_loop: bool) -> Vec<Metric> {
    use Latency::{E2el, Itl, Tpot, Ttft};
    let latency = |stat, latency, gated| Metric {
        measured: Measured::Number(Subject::Latency(stat, latency)),
        worse: Worse::Higher,
        gated,
    };
    let higher_is_better = |measured, gated| Metric {
        measured,
        worse: Worse::Lower,
        gated,
    };
    let output = Measured::Number(Subject::Throughput(Throughput::Output));
    let mut metrics = vec![
        latency(Stat::Mean, Ttft, true),
        latency(Stat::Percentile(50.0), Ttft, true),
        latency(Stat::Percentile(90.0), Ttft, true),
        latency(Stat::Mean, Tpot, true),
        latency(Stat::Mean, E2el, true),
        higher_is_better(Measured::Succeeded, true),
        higher_is_better(Measured::Number(Subject::Goodput), true),
        higher_is_better(output, !open_loop),
        latency(Stat::Percentile(99.0), Ttft, false),
        latency(Stat::Percentile(99.0), Itl, false),
        latency(Stat::Percentile(99.0), E2el, false),
    ];
    metrics.retain(|metric| limited || metric.measured != Measured::Number(Subject::Goodput));
    metrics
}
