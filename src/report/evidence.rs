//! The verdict with its evidence.

use super::{
    capacity,
    comparison::{comparison, summary},
};
use crate::{
    judge::{
        Expect, Finding, FindingKind, FunctionCheck, Judgement, SloResult, Verdict, WorstRequest,
    },
    metrics::ErrorGroup,
    stats::compare::Conclusion,
};

/// The number of different errors that are shown.
const ERRORS: usize = 5;

/// Why a run is not *pass*, in a few lines: what invalidates it, the SLOs that it missed, and how
/// requests failed. Empty when nothing speaks against it.
pub fn reasons(judgement: &Judgement) -> String {
    let findings = judgement
        .findings
        .iter()
        .filter(|finding| finding.kind.invalidates() || finding.kind.fails());
    let mut lines: Vec<String> = unexpected(judgement).into_iter().collect();
    lines.extend(findings.map(|finding| finding.message.clone()));
    if judgement.verdict != Verdict::Invalid {
        let unmet = judgement
            .slos
            .iter()
            .filter(|slo| slo.verdict != Verdict::Pass);
        lines.extend(unmet.map(|slo| slo.sentence.clone()));
        let compared = judgement.comparison.as_ref();
        let open = compared.filter(|comparison| match comparison.conclusion() {
            Conclusion::Worse => true,
            Conclusion::Inconclusive => judgement.verdict == Verdict::Inconclusive,
            _ => false,
        });
        lines.extend(open.map(|comparison| {
            format!(
                "compared with {}: {}",
                comparison.against,
                summary(comparison)
            )
        }));
        if let Some(FunctionCheck::Missed(why)) = &judgement.function {
            lines.push(why.clone());
        }
    }
    lines.extend(errors(&judgement.errors));
    lines.join("\n")
}

/// Formats the verdict, what to do next, and the evidence: what invalidates the run or fails it, each SLO, missed
/// ones first, notes, errors and worst requests. Indented; without a trailing newline.
pub fn evidence(judgement: &Judgement) -> String {
    let judged = judgement.verdict != Verdict::Invalid;
    let mut lines = vec![format!("  verdict     {}", verdict(judgement))];
    lines.extend(next(judgement).map(|step| format!("  next        {step}")));
    let (grave, remarks): (Vec<_>, Vec<_>) = judgement
        .findings
        .iter()
        .partition(|finding| finding.kind.invalidates() || finding.kind.fails());
    lines.extend(grave.into_iter().map(finding));
    let mut slos: Vec<_> = judgement.slos.iter().collect();
    slos.sort_by_key(|result| match result.verdict {
        Verdict::Fail => 0,
        Verdict::Pass => 2,
        _ => 1,
    });
    lines.extend(slos.into_iter().map(|result| slo(result, judged)));
    lines.extend(
        judgement
            .function
            .as_ref()
            .map(|check| function(check, judged)),
    );
    lines.extend(judgement.capacity.iter().flat_map(capacity::lines));
    if let Some(compared) = &judgement.comparison {
        lines.push(comparison(compared, judged));
    }
    lines.extend(remarks.into_iter().map(finding));
    lines.extend(errors(&judgement.errors));
    lines.extend(worst(&judgement.worst));
    lines.join("\n")
}

fn finding(finding: &Finding) -> String {
    let label = match finding.kind {
        kind if kind.invalidates() => "invalid",
        kind if kind.fails() => "fail",
        _ => "note",
    };
    format!("    {label}: {}", finding.message)
}

/// What to do about a run that does not pass. Findings that invalidate a run say it themselves.
pub(super) fn next(judgement: &Judgement) -> Option<String> {
    match judgement.verdict {
        // This is what was expected.
        Verdict::Fail if judgement.holds() => None,
        Verdict::Fail => after_a_failure(judgement),
        Verdict::Inconclusive if found(judgement, FindingKind::StopCondition) => {
            Some("find out why the run came into this state, or set another `stop_if`".to_owned())
        }
        Verdict::Inconclusive => {
            let slos = judgement.slos.iter();
            let open = slos.filter(|slo| slo.verdict == Verdict::Inconclusive);
            let more: Vec<Option<u64>> = open.map(|slo| slo.more_requests).collect();
            Some(match more.iter().copied().max() {
                None => {
                    "compare more pairs, or accept the change that could not be detected".to_owned()
                }
                Some(_) if more.contains(&None) => {
                    "more requests would not decide it: set a limit that is farther from the server's number"
                        .to_owned()
                }
                Some(most) => format!(
                    "send about {} more requests, or let the run grow with `max_extend`",
                    most.unwrap_or_default()
                ),
            })
        }
        Verdict::Pass | Verdict::NoVerdict | Verdict::Invalid => None,
    }
}

fn after_a_failure(judgement: &Judgement) -> Option<String> {
    let of_errors = |slo: &SloResult| slo.verdict == Verdict::Fail && slo.slo.starts_with("errors");
    let errors =
        found(judgement, FindingKind::FailedRequests) || judgement.slos.iter().any(of_errors);
    if let (true, Some(error)) = (errors, judgement.errors.first()) {
        let hint = error.hint.as_deref().unwrap_or("find out why they failed");
        return Some(format!("{hint}; request {} failed first", error.first));
    }
    if let Some(request) = judgement.worst.first() {
        return Some(format!(
            "look at what the server did {:.1} s into the run, at request {}: it was the worst by {}",
            request.intended_s, request.index, request.by
        ));
    }
    let compared = judgement.comparison.as_ref()?;
    (compared.conclusion() == Conclusion::Worse).then(|| {
        let place = compared.attribution.first();
        place.map_or_else(
            || "find out what has changed, or accept it as the new reference".to_owned(),
            |place| format!("look at this change: {place}"),
        )
    })
}

fn slo(result: &SloResult, judged: bool) -> String {
    match (judged, result.verdict) {
        (true, Verdict::Pass) => format!("  ✓ {}", result.sentence),
        (true, Verdict::Fail) => format!("  ✗ {}", result.sentence),
        (true, _) => format!("  ? {}", result.sentence),
        // Numbers of an invalid run next to a limit would read as if the server had missed it.
        (false, _) => format!("  ? {} (not judged)", result.slo),
    }
}

fn function(check: &FunctionCheck, judged: bool) -> String {
    match (judged, check) {
        (true, FunctionCheck::Holds) => "  ✓ the bench's function".to_owned(),
        (true, FunctionCheck::Missed(why)) => {
            format!("  ✗ {}", why.lines().next().unwrap_or_default())
        }
        (true, FunctionCheck::Pending) => "  ? the bench's function (not called yet)".to_owned(),
        (false, _) => "  ? the bench's function (not called)".to_owned(),
    }
}

/// The verdict in a few words, with what speaks for it.
pub(super) fn verdict(judgement: &Judgement) -> String {
    let all = judgement.slos.len();
    match judgement.verdict {
        Verdict::Pass | Verdict::NoVerdict
            if judgement.function == Some(FunctionCheck::Pending) =>
        {
            "undecided: nothing speaks against the run so far, and the bench's function \
             decides"
                .to_owned()
        }
        Verdict::Pass | Verdict::NoVerdict if judgement.expect == Expect::Fail => {
            format!("FAIL: {}", unexpected(judgement).unwrap_or_default())
        }
        Verdict::Pass => match undecided(judgement).as_slice() {
            [] => "PASS".to_owned(),
            open => format!("PASS, undecided: {}", open.join(" and ")),
        },
        Verdict::NoVerdict => format!(
            "no verdict: {} ({} of {} requests failed)",
            if found(judgement, FindingKind::NewBaseline) {
                "nothing is stored yet to compare with"
            } else {
                "nothing was demanded"
            },
            judgement.failed,
            judgement.completed + judgement.failed,
        ),
        Verdict::Fail => {
            let fail = match (judgement.expect, judgement.holds()) {
                (Expect::Fail, true) => "FAIL, as expected",
                _ => "FAIL",
            };
            match against(judgement).as_slice() {
                [] => fail.to_owned(),
                [one] => format!("{fail}: {one}"),
                [more @ .., last] => format!("{fail}: {}, and {last}", more.join(", ")),
            }
        }
        Verdict::Inconclusive if found(judgement, FindingKind::StopCondition) => {
            "INCONCLUSIVE: `stop_if` ended the run".to_owned()
        }
        Verdict::Inconclusive if count(judgement, Verdict::Inconclusive) == 0 => {
            "INCONCLUSIVE: the comparison shows no change, nor that there is none".to_owned()
        }
        Verdict::Inconclusive => format!(
            "INCONCLUSIVE: too little evidence for {} of {all} SLOs at {} % confidence",
            count(judgement, Verdict::Inconclusive),
            confidence(judgement),
        ),
        Verdict::Invalid => "INVALID: this run says nothing about the server".to_owned(),
    }
}

/// What let a run pass without proof.
fn undecided(judgement: &Judgement) -> Vec<String> {
    let open = count(judgement, Verdict::Inconclusive);
    let slos = (open > 0).then(|| format!("{open} of {} SLOs", judgement.slos.len()));
    let compared = judgement.comparison.as_ref();
    let compared = compared.map(|comparison| comparison.conclusion());
    let compared =
        (compared == Some(Conclusion::Inconclusive)).then(|| "the comparison".to_owned());
    slos.into_iter().chain(compared).collect()
}

/// What is wrong with a run that was expected to fail, and did not, or failed because of something else.
fn unexpected(judgement: &Judgement) -> Option<String> {
    if judgement.expect == Expect::Pass || judgement.holds() {
        return None;
    }
    let did = match judgement.verdict {
        Verdict::Pass => "all SLOs and comparisons hold",
        Verdict::NoVerdict => "it has neither",
        Verdict::Fail => "it also failed for another reason",
        Verdict::Inconclusive => "that is not decided",
        Verdict::Invalid => return None,
    };
    Some(format!(
        "the bench must fail because of an SLO or a comparison (`expect = \"fail\"`), and {did}"
    ))
}

/// What makes a run fail, each in a few words.
fn against(judgement: &Judgement) -> Vec<String> {
    let mut against = Vec::new();
    if found(judgement, FindingKind::FailedRequests) {
        let (failed, all) = (judgement.failed, judgement.completed + judgement.failed);
        against.push(format!("{failed} of {all} requests failed"));
    }
    if found(judgement, FindingKind::Complaint) {
        against.push("the target complains".to_owned());
    }
    let compared = judgement.comparison.as_ref();
    if compared.is_some_and(|comparison| comparison.conclusion() == Conclusion::Worse) {
        against.push("worse than what it is compared with".to_owned());
    }
    if let missed @ 1.. = count(judgement, Verdict::Fail) {
        against.push(format!("{missed} of {} SLOs missed", judgement.slos.len()));
    }
    if matches!(judgement.function, Some(FunctionCheck::Missed(_))) {
        against.push("the bench's function fails".to_owned());
    }
    against
}

fn found(judgement: &Judgement, kind: FindingKind) -> bool {
    let mut findings = judgement.findings.iter();
    findings.any(|finding| finding.kind == kind)
}

fn count(judgement: &Judgement, verdict: Verdict) -> usize {
    let slos = judgement.slos.iter();
    slos.filter(|slo| slo.verdict == verdict).count()
}

/// The confidence in per cent, rounded to what is worth reading: looks have odd shares of the error.
fn confidence(judgement: &Judgement) -> f64 {
    let confidence = judgement.slos.first().map_or(0.0, |slo| slo.confidence);
    (confidence * 1e3).round() / 10.0
}

/// Groups of errors. Servers may put an id into every message, so that no two are equal.
fn errors(groups: &[ErrorGroup]) -> Vec<String> {
    let mut lines: Vec<String> = groups
        .iter()
        .take(ERRORS)
        .map(|group| {
            let ErrorGroup {
                count,
                message,
                hint,
                first,
                ..
            } = group;
            let hint = match hint {
                Some(hint) => format!("; {hint}"),
                None => String::new(),
            };
            format!("    {count} × {message} (first: request {first}){hint}")
        })
        .collect();
    if let Some(rest @ [_, ..]) = groups.get(ERRORS..) {
        let requests: u64 = rest.iter().map(|group| group.count).sum();
        lines.push(format!(
            "    and {} other errors of {requests} requests",
            rest.len()
        ));
    }
    lines
}

/// The worst requests, one heading for each number.
fn worst(requests: &[WorstRequest]) -> Vec<String> {
    let mut lines = Vec::new();
    for group in requests.chunk_by(|a, b| a.by == b.by) {
        let by = &group[0].by;
        lines.push(format!(
            "  worst by {by:<7} {:>8} {:>10} {:>10} {:>10} {:>10} {:>7} {:>7}",
            "request", "planned s", "ttft ms", "tpot ms", "e2el ms", "in", "out"
        ));
        for request in group {
            lines.push(format!(
                "  {:>16} {:>8} {:>10.3} {:>10} {:>10} {:>10} {:>7} {:>7}",
                value(request),
                request.index,
                request.intended_s,
                cell(request.ttft_ms),
                cell(request.tpot_ms),
                cell(request.e2el_ms),
                request.input_tokens,
                request.output_tokens,
            ));
        }
    }
    lines
}

fn value(request: &WorstRequest) -> String {
    if request.by == "goodput" {
        format!("{:.2} × limit", request.value)
    } else {
        format!("{:.2} ms", request.value)
    }
}

fn cell(ms: Option<f64>) -> String {
    ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.2}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_different_errors_do_not_fill_the_screen() {
        let groups = (0..8).map(|first| ErrorGroup {
            kind: "server".to_owned(),
            message: format!("error {first}"),
            hint: None,
            count: 2,
            first,
        });
        let lines = errors(&groups.collect::<Vec<_>>());
        assert_eq!(lines.len(), 6);
        assert_eq!(lines[5], "    and 3 other errors of 6 requests");
    }
}
