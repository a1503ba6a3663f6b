//! The verdict with what speaks for it.

use super::comparison::{comparison, summary};
use crate::{
    judge::{FindingKind, Judgement, SloResult, Verdict, WorstRequest},
    metrics::ErrorGroup,
    stats::compare::Conclusion,
};

/// So many different errors are shown.
const ERRORS: usize = 5;

/// Why a run is not *pass*, in a few lines: what invalidates it, the SLOs that it missed, and how
/// requests failed. Empty when nothing speaks against it.
pub fn reasons(judgement: &Judgement) -> String {
    let findings = judgement
        .findings
        .iter()
        .filter(|finding| finding.kind.invalidates() || finding.kind == FindingKind::Complaint);
    let mut lines: Vec<String> = findings.map(|finding| finding.message.clone()).collect();
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
    }
    lines.extend(errors(&judgement.errors));
    lines.join("\n")
}

/// Each SLO, the verdict, and when it is not *pass* the findings, errors and worst requests that
/// speak for it. Indented; ends without a line break.
pub fn evidence(judgement: &Judgement) -> String {
    let mut lines = Vec::new();
    let judged = judgement.verdict != Verdict::Invalid;
    lines.extend(judgement.slos.iter().map(|result| slo(result, judged)));
    if let Some(compared) = &judgement.comparison {
        lines.push(comparison(compared, judged));
    }
    lines.push(format!("  verdict     {}", verdict(judgement)));
    for finding in &judgement.findings {
        let label = if finding.kind.invalidates() {
            "invalid"
        } else {
            "note"
        };
        lines.push(format!("    {label}: {}", finding.message));
    }
    lines.extend(errors(&judgement.errors));
    lines.extend(worst(&judgement.worst));
    lines.join("\n")
}

fn slo(result: &SloResult, judged: bool) -> String {
    match (judged, result.verdict) {
        (true, Verdict::Pass) => format!("  ✓ {}", result.sentence),
        (true, Verdict::Fail) => format!("  ✗ {}", result.sentence),
        (true, _) => format!("  ? {}", result.sentence),
        // Numbers of an invalid run beside a limit would read as if the server had missed it.
        (false, _) => format!("  ? {} (not judged)", result.slo),
    }
}

fn verdict(judgement: &Judgement) -> String {
    let count = |verdict| {
        let slos = judgement.slos.iter();
        slos.filter(|slo| slo.verdict == verdict).count()
    };
    let missed = count(Verdict::Fail);
    let all = judgement.slos.len();
    let compared = judgement.comparison.as_ref();
    let compared = compared.map(|comparison| comparison.conclusion());
    match judgement.verdict {
        Verdict::Fail if compared == Some(Conclusion::Worse) => match missed {
            0 => "FAIL: worse than what it is compared with".to_owned(),
            _ => format!(
                "FAIL: worse than what it is compared with, and {missed} of {all} SLOs missed"
            ),
        },
        Verdict::Inconclusive if count(Verdict::Inconclusive) == 0 => {
            "INCONCLUSIVE: the comparison shows no change, nor that there is none".to_owned()
        }
        Verdict::Pass if all == 0 && compared.is_some() => "PASS".to_owned(),
        Verdict::Pass if all == 0 => "PASS (no SLO was given)".to_owned(),
        Verdict::Pass => "PASS".to_owned(),
        Verdict::Fail if missed == 0 => "FAIL".to_owned(),
        Verdict::Fail => format!("FAIL: {missed} of {all} SLOs missed"),
        Verdict::Inconclusive => format!(
            "INCONCLUSIVE: too little evidence for {} of {all} SLOs at {} % confidence",
            count(Verdict::Inconclusive),
            confidence(judgement),
        ),
        Verdict::Invalid => "INVALID: this run says nothing about the server".to_owned(),
    }
}

/// In per cent, rounded to what is worth reading: looks have odd shares of the error.
fn confidence(judgement: &Judgement) -> f64 {
    let confidence = judgement.slos.first().map_or(0.0, |slo| slo.confidence);
    (confidence * 1e3).round() / 10.0
}

/// Servers may put an id into every message, so that no two of them are alike.
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
