//! All findings on a run.

use super::{
    audit,
    criteria::Criteria,
    finding::{Finding, FindingKind},
    floor,
    quantity::number,
    slo::SloResult,
    verdict::{OnInconclusive, Verdict},
};
use crate::{
    metrics::Metrics,
    record::CountSource,
    run::{Run, Task},
};

/// The number of different errors that are named when nothing completed.
const ERRORS: usize = 5;

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
    // If a run says nothing about the server, its failures say nothing either.
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
    // A request whose session has failed is accounted for, too.
    let ended = counts.ended() + run.abandoned.len() as u64;
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
        "{} of {} answers were complete without a single token (first: request {}): the server did \
         no work for them, which would look like speed. Check the prompts, the output length and \
         the server's log",
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
    let errors = if errors.is_empty() {
        format!("{} cancelled", counts.cancelled)
    } else {
        errors.join("; ")
    };
    Some(format!(
        "none of {} requests completed: {errors}",
        counts.sent
    ))
}

/// The message of `on_inconclusive = "warn"`.
fn undecided(criteria: &Criteria, slos: &[SloResult]) -> Option<String> {
    let count = |verdict| slos.iter().filter(|slo| slo.verdict == verdict).count();
    let undecided = count(Verdict::Inconclusive);
    let passes = criteria.on_inconclusive == OnInconclusive::Warn && count(Verdict::Fail) == 0;
    (passes && undecided > 0).then(|| {
        format!(
            "{undecided} of {} SLOs could not be decided. More requests or `max_extend` would \
             decide them; `on_inconclusive = \"fail\"` makes such a run fail",
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
