//! All findings on a run.

use super::{
    audit,
    criteria::Criteria,
    finding::{Finding, FindingKind},
    floor,
    quantity::number,
    slo_result::SloResult,
    verdict::{OnInconclusive, Verdict},
};
use crate::{
    metrics::Metrics,
    record::{CountSource, Record, RequestError},
    run::{EndReason, Run, Task},
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
    add(FindingKind::Partial, partial(run));
    add(FindingKind::Late, late(metrics, criteria));
    add(FindingKind::NoTokens, no_tokens(metrics));
    let left = nothing_left(run);
    if left.is_none() {
        add(FindingKind::NothingCompleted, nothing_completed(metrics));
    }
    add(FindingKind::StopCondition, stopped(run));
    add(FindingKind::GivenUp, given_up(run));
    add(FindingKind::NothingLeft, left);
    add(FindingKind::NotSettled, not_settled(run));
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

/// What a client notes about itself: findings that say nothing about the server.
#[cfg(feature = "cli")]
pub(crate) fn of_client(run: &Run, metrics: &Metrics, criteria: &Criteria) -> Vec<Finding> {
    let of = |kind, message: Option<String>| message.map(|message| Finding { kind, message });
    let partial = of(FindingKind::Partial, partial(run));
    let late = of(FindingKind::Late, late(metrics, criteria));
    let audit = audit::findings(run, metrics, criteria).into_iter();
    partial
        .into_iter()
        .chain(late)
        .chain(audit.filter(|finding| finding.kind != FindingKind::Overload))
        .collect()
}

fn partial(run: &Run) -> Option<String> {
    let cancelled = |record: &&Record| record.error == Some(RequestError::Cancelled);
    let ended = run.records.len() - run.records.iter().filter(cancelled).count();
    // A request whose session has failed is accounted for, too.
    let (ended, planned) = (ended + run.abandoned.len(), run.setup.requests);
    // What was given up after the grace period is counted elsewhere.
    let given_up = run.ending.map_or(0, |ending| ending.given_up);
    let ended = ended + given_up;
    if run.partial {
        return Some(format!(
            "the run was stopped after {ended} of {planned} planned requests had ended; let it finish"
        ));
    }
    (ended < planned)
        .then(|| format!("only {ended} of {planned} planned requests were sent and came to an end"))
}

/// The state of the run that ended it.
fn stopped(run: &Run) -> Option<String> {
    let ending = run.ending?;
    let at = number(ending.at.as_secs_f64());
    let state = match ending.why {
        EndReason::Plan | EndReason::Time | EndReason::Decided => return None,
        EndReason::Errors { failed, of } => {
            format!("{failed} of the last {of} requests had failed")
        }
        EndReason::InFlight { in_flight } => format!("{in_flight} requests were in flight"),
        EndReason::Saturated { early, late } => format!(
            "the requests in flight had grown from {} to {} and went on growing, so the server did not keep up",
            number(early),
            number(late)
        ),
    };
    Some(format!(
        "`stop_if` ended the run after {at} s: {state}. What was measured until then is in this report; it cannot pass"
    ))
}

fn given_up(run: &Run) -> Option<String> {
    let given_up = run.ending?.given_up;
    (given_up > 0).then(|| {
        format!(
            "{given_up} requests had not ended when the grace period was over; they count in no number. A longer `grace` \
             lets them end"
        )
    })
}

fn nothing_left(run: &Run) -> Option<String> {
    let nothing = run.steady.is_some() && run.records.iter().all(|record| record.cut);
    nothing.then(|| {
        format!(
            "the run sent requests for {} s, and `cut_start` and `cut_end` leave none of them. Cut less, or let it last \
             longer",
            number(last_due(run))
        )
    })
}

fn not_settled(run: &Run) -> Option<String> {
    (run.steady?.settled == Some(false)).then(|| {
        format!(
            "the run never settled: in the {} s in which requests were sent, latencies kept changing (MSER-5 puts the end of \
             the transient into the second half). Let it last longer, or say what to cut, such as `cut_start = \"30s\"`",
            number(last_due(run))
        )
    })
}

/// When the last request was due, s.
fn last_due(run: &Run) -> f64 {
    let due = run.records.iter().map(|record| record.intended).max();
    due.unwrap_or_default().as_secs_f64()
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
