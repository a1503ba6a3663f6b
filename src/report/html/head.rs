//! The verdict, big and first, with one strip for each SLO.

use super::{exhibit::Exhibit, words::ink};
use crate::{
    chart::{About, Axis, Ink, Item, Row, Rows, Spread, badge},
    grammar::slo::{self, Op, Slo},
    judge::{FunctionCheck, SloResult, Unit, Verdict},
    page::{Markup, html},
    report::{
        evidence::{next, verdict},
        facts::Facts,
    },
};

/// The head of a result, which may be one of several.
pub(super) fn head(exhibit: &Exhibit, id: &str, alone: bool) -> Markup {
    let facts = exhibit.facts.as_ref();
    html! {
        header {
            @if alone { h1 { (exhibit.name) } } @else { h2 { (exhibit.name) } }
            @let about = facts.map_or_else(|| exhibit.group.clone(), |facts| about(exhibit, facts));
            @if !about.is_empty() { p.about { (about) } }
            div class={ "verdict " (class(exhibit.ink)) } {
                (badge(exhibit.ink, 44.0))
                strong { (facts.map_or_else(|| exhibit.word.clone(), said)) }
            }
        }
        @if !exhibit.reason.is_empty() { pre { (exhibit.reason) } }
        @if let Some(facts) = facts {
            (lines(facts))
            (slos(facts, id))
            (errors(facts))
        }
        @if !exhibit.notes.is_empty() {
            ul.lines { @for note in &exhibit.notes { li { (note) } } }
        }
    }
}

/// The verdict as the command prints it, without its capitals where a badge says it.
fn said(facts: &Facts) -> String {
    verdict(&facts.judgement())
}

fn class(ink: Ink) -> &'static str {
    match ink {
        Ink::Good => "good",
        Ink::Bad => "bad",
        Ink::Open => "open",
        _ => "quiet",
    }
}

/// What was measured, in a line.
fn about(exhibit: &Exhibit, facts: &Facts) -> String {
    let load = facts
        .setting("load", "rate")
        .filter(|rate| rate != "inf")
        .map(|rate| format!("{rate} requests/s"));
    let most = facts.setting("load", "max_concurrency");
    let dataset = facts.setting("load", "dataset");
    let parts = [
        (!exhibit.group.is_empty()).then(|| exhibit.group.clone()),
        facts.model.clone(),
        (!facts.target.is_empty()).then(|| facts.target.clone()),
        facts.setting("wire", "backend"),
        dataset,
        load,
        most.map(|most| format!("at most {most} in flight")),
        Some(format!("seed {}", facts.seed)),
        (!facts.plan_hash.is_empty()).then(|| format!("plan {}", short(&facts.plan_hash))),
    ];
    let simulated = facts
        .simulated
        .then(|| "SIMULATED: no real server".to_owned());
    let parts: Vec<_> = simulated
        .into_iter()
        .chain(parts.into_iter().flatten())
        .collect();
    parts.join(" · ")
}

fn short(hash: &str) -> String {
    hash.chars().take(8).collect()
}

/// What to do next, findings, and the answer of the bench's function.
fn lines(facts: &Facts) -> Markup {
    let judgement = facts.judgement();
    let function = match &facts.function {
        Some(FunctionCheck::Missed(why)) => Some((Ink::Bad, why.clone())),
        Some(FunctionCheck::Holds) => Some((Ink::Good, "the bench's function holds".to_owned())),
        _ => None,
    };
    let findings = facts.findings.iter().map(|finding| {
        let label = match finding.kind {
            kind if kind.invalidates() => "Invalid: ",
            kind if kind.fails() => "Fail: ",
            _ => "Note: ",
        };
        (label, &finding.message)
    });
    html! {
        ul.lines {
            @if let Some(step) = next(&judgement) { li { "Next: " (step) } }
            @for (label, message) in findings { li { strong { (label) } (message) } }
            @if let Some((ink, said)) = function { li { (badge(ink, 16.0)) " " (said) } }
        }
    }
}

/// A strip for each SLO, missed ones first.
fn slos(facts: &Facts, id: &str) -> Markup {
    let judged = facts.verdict != Verdict::Invalid;
    let mut slos: Vec<_> = facts.slos.iter().enumerate().collect();
    slos.sort_by_key(|(_, slo)| match slo.verdict {
        Verdict::Fail => 0,
        Verdict::Pass => 2,
        _ => 1,
    });
    html! {
        @if !slos.is_empty() {
            p.definition {
                "Each strip has the measured value (point), where the server's number lies (bar), the limit (dashed line) and \
                 the allowed side (tinted)."
            }
            div.slos {
                @for (place, slo) in slos {
                    div.slo {
                        @if judged {
                            (badge(ink(slo.verdict), 20.0))
                            p { (slo.sentence) }
                        } @else {
                            (badge(Ink::Quiet, 20.0))
                            p { (slo.slo) " (not judged)" }
                        }
                        @if let Some(strip) = strip(slo, judged, &format!("{id}-slo{place}")) { (strip) }
                    }
                }
            }
        }
    }
}

/// The value, its interval, the limit and the allowed side, on an axis of their own.
fn strip(result: &SloResult, judged: bool, id: &str) -> Option<Markup> {
    let value = result.value?;
    let slo: Slo = slo::parse(&result.slo).ok()?.pop()?;
    let unit = Unit::of(&slo.subject);
    let shown = if judged {
        ink(result.verdict)
    } else {
        Ink::Quiet
    };
    let interval = result.interval.unwrap_or(crate::stats::Interval {
        low: Some(value),
        high: Some(value),
    });
    let allowed = match slo.op {
        Op::Lt | Op::Le => Item::Allowed(None, Some(result.limit), Ink::Good),
        Op::Gt | Op::Ge => Item::Allowed(Some(result.limit), None, Ink::Good),
    };
    let axis = Axis::new(String::new(), Spread::Linear);
    let axis = match unit {
        Unit::Ratio | Unit::RatioPerHour => axis.percent(),
        _ => axis,
    };
    let rows = Rows {
        about: About {
            id: id.to_owned(),
            title: result.slo.clone(),
            description: result.sentence.clone(),
        },
        axis,
        rows: vec![Row {
            items: vec![
                allowed,
                Item::Interval(interval.low, interval.high, shown),
                Item::Limit(result.limit, Ink::Limit),
                Item::Point(value, shown, unit.measured(value)),
            ],
            ..Row::default()
        }],
        legend: Vec::new(),
    };
    Some(rows.draw())
}

/// How requests failed.
fn errors(facts: &Facts) -> Markup {
    html! {
        @if !facts.error_groups.is_empty() {
            ul.lines {
                @for group in &facts.error_groups {
                    li {
                        strong { (group.count) " × " } (group.message) " (first: request " (group.first) ")"
                        @if let Some(hint) = &group.hint { "; " (hint) }
                    }
                }
            }
        }
    }
}
