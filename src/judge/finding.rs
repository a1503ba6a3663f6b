//! What is wrong with a run itself, or worth knowing about it.

use super::{
    audit, floor,
    quantity::number,
    slo::SloResult,
    verdict::{Criteria, OnInconclusive, Verdict},
};
use crate::{
    metrics::Metrics,
    record::CountSource,
    run::{Run, Task},
};
use serde::{Deserialize, Serialize};

/// So many different errors are named when nothing completed.
const ERRORS: usize = 5;

/// One thing that is wrong with a run, or worth knowing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which.
    pub kind: FindingKind,
    /// It in a sentence, with numbers and a way to mend it.
    pub message: String,
}

/// The kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// The run was stopped, or not all of its plan was sent.
    Partial,
    /// The client took requests up late.
    Late,
    /// Answers were complete without a single token.
    NoTokens,
    /// No request succeeded.
    NothingCompleted,
    /// The client's process was stopped for long, or got no processor.
    Stopped,
    /// The client's event loop was behind, where that falsifies numbers.
    SlowLoop,
    /// This machine had no descriptor, port or memory for a connection.
    ClientLimit,
    /// The gaps between sends were not the planned ones.
    Arrivals,
    /// The records contradict each other.
    Accounting,
    /// Gaps between tokens are gated, but too many tokens were read together.
    UnknownGaps,
    /// A run of a pair is invalid, so the comparison is.
    Pair,
    /// The target complained after the run. The run fails.
    Complaint,
    /// More requests failed than may, and no SLO limits `errors`. The run fails.
    FailedRequests,
    /// The evidence decides neither way, and the settings only warn of it. A remark.
    Undecided,
    /// So few requests could only miss an SLO, not meet it. A remark.
    Unprovable,
    /// There is a baseline to compare with by its name, but nothing is stored under it. A remark.
    NewBaseline,
    /// What became of a baseline: saved, kept as it was. A remark.
    Baseline,
    /// No target was named, so the built-in simulation was measured. A remark.
    NoTarget,
    /// Output tokens were estimated, so TPOT and token throughput are estimates. A remark.
    EstimatedTokens,
    /// The client's process did not run for a short part of the run. A remark.
    Paused,
    /// The client's event loop was behind, which falsifies nothing here. A remark.
    LoopDelay,
    /// Tokens were read together because the client was behind; no gap is gated. A remark.
    MergedReads,
    /// The system's clock was set during the run. A remark.
    ClockSet,
    /// The machine had too little processor time for the client. A remark.
    Starved,
    /// The client's thread was busy nearly all the time. A remark.
    Saturated,
    /// The server fell behind the load more and more. A remark.
    Overload,
    /// The host's name was resolved slowly. A remark.
    SlowDns,
    /// This machine's resolver hardly works. Invalid.
    BrokenDns,
    /// The server counts a much shorter time to first token. A remark.
    ServerTtft,
}

impl FindingKind {
    /// Whether the run says nothing about the server because of it.
    pub fn invalidates(self) -> bool {
        match self {
            FindingKind::Partial
            | FindingKind::Late
            | FindingKind::NoTokens
            | FindingKind::NothingCompleted
            | FindingKind::Stopped
            | FindingKind::SlowLoop
            | FindingKind::ClientLimit
            | FindingKind::Arrivals
            | FindingKind::Accounting
            | FindingKind::UnknownGaps
            | FindingKind::BrokenDns
            | FindingKind::Pair => true,
            FindingKind::Complaint
            | FindingKind::FailedRequests
            | FindingKind::Undecided
            | FindingKind::Unprovable
            | FindingKind::NewBaseline
            | FindingKind::Baseline
            | FindingKind::NoTarget
            | FindingKind::EstimatedTokens
            | FindingKind::Paused
            | FindingKind::LoopDelay
            | FindingKind::MergedReads
            | FindingKind::ClockSet
            | FindingKind::Starved
            | FindingKind::Saturated
            | FindingKind::Overload
            | FindingKind::SlowDns
            | FindingKind::ServerTtft => false,
        }
    }

    /// Whether the run fails because of it, whatever its SLOs say.
    pub fn fails(self) -> bool {
        matches!(self, FindingKind::Complaint | FindingKind::FailedRequests)
    }
}

pub(super) fn findings(
    run: &Run,
    metrics: &Metrics,
    criteria: &Criteria,
    slos: &[SloResult],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |kind, message: Option<String>| {
        findings.extend(message.map(|message| Finding { kind, message }));
    };
    add(FindingKind::Partial, partial(run, metrics));
    add(FindingKind::Late, late(metrics, criteria));
    add(FindingKind::NoTokens, no_tokens(metrics));
    add(FindingKind::NothingCompleted, nothing_completed(metrics));
    add(FindingKind::Complaint, criteria.complaint.clone());
    add(FindingKind::Undecided, undecided(criteria, slos));
    add(FindingKind::EstimatedTokens, estimated_tokens(run));
    findings.extend(audit::findings(run, metrics, criteria));
    // Of a run that says nothing about the server, its failures say nothing either.
    if !findings.iter().any(|finding| finding.kind.invalidates())
        && let Some(message) = floor::failed_requests(metrics, criteria)
    {
        let kind = FindingKind::FailedRequests;
        findings.insert(0, Finding { kind, message });
    }
    findings
}

fn partial(run: &Run, metrics: &Metrics) -> Option<String> {
    let counts = &metrics.counts;
    let ended = counts.ended();
    if run.partial {
        return Some(format!(
            "the run was stopped after {ended} of {} planned requests had ended; let it finish",
            counts.planned
        ));
    }
    (ended < counts.planned).then(|| {
        format!(
            "only {ended} of {} planned requests were sent and came to an end",
            counts.planned
        )
    })
}

fn late(metrics: &Metrics, criteria: &Criteria) -> Option<String> {
    let lateness = &metrics.gate.lateness;
    let p99 = lateness.percentile(99.0);
    let limit = criteria.max_lateness_p99.as_secs_f64() * 1e3;
    (p99 > limit).then(|| {
        format!(
            "the client could not deliver the plan: it took requests up {} ms late at the 99th \
             percentile ({} ms at most), the limit is {limit} ms. Lower the rate, give this \
             machine less other work, build with `--release`, or raise the limit",
            number(p99),
            number(lateness.max),
        )
    })
}

fn no_tokens(metrics: &Metrics) -> Option<String> {
    let mut groups = metrics
        .errors
        .iter()
        .filter(|group| group.kind == "no_tokens");
    let group = groups.next()?;
    Some(format!(
        "{} of {} answers were complete without a single token (first: request {}): the server \
         did no work for them, which would pass for speed. Check the prompts, the output length \
         and the server's log",
        group.count,
        metrics.counts.ended(),
        group.first,
    ))
}

fn nothing_completed(metrics: &Metrics) -> Option<String> {
    let counts = &metrics.counts;
    if counts.completed > 0 {
        return None;
    }
    if counts.sent == 0 {
        return Some("no request was sent".to_owned());
    }
    let mut errors: Vec<String> = metrics
        .errors
        .iter()
        .take(ERRORS)
        .map(|group| format!("{} × {}", group.count, group.message))
        .collect();
    if let Some(more @ 1..) = metrics.errors.len().checked_sub(ERRORS) {
        errors.push(format!("and {more} other errors"));
    }
    let errors = match errors.is_empty() {
        true => format!("{} cancelled", counts.cancelled),
        false => errors.join("; "),
    };
    Some(format!(
        "none of {} requests completed: {errors}",
        counts.sent
    ))
}

/// What `on_inconclusive = "warn"` warns of.
fn undecided(criteria: &Criteria, slos: &[SloResult]) -> Option<String> {
    let count = |verdict| slos.iter().filter(|slo| slo.verdict == verdict).count();
    let undecided = count(Verdict::Inconclusive);
    let passes = criteria.on_inconclusive == OnInconclusive::Warn && count(Verdict::Fail) == 0;
    (passes && undecided > 0).then(|| {
        format!(
            "{undecided} of {} SLOs could not be decided. More requests or `max_extend` would; \
             `on_inconclusive = \"fail\"` does not let that pass",
            slos.len()
        )
    })
}

fn estimated_tokens(run: &Run) -> Option<String> {
    if run.setup.task == Task::Pool {
        return None;
    }
    let successes = run.records.iter().filter(|record| record.ok());
    let estimated = successes
        .filter(|record| record.output.source == CountSource::Estimate)
        .count();
    (estimated > 0).then(|| {
        format!(
            "the server did not report the output tokens of {estimated} requests and there is no \
             tokenizer: their counts, and with them TPOT and token throughput, are estimates"
        )
    })
}
