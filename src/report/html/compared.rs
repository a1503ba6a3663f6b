//! Two servers, or one server at two times: the relative change of each metric with its interval.

use super::exhibit::Shown;
use crate::{
    chart::{About, Axis, Ink, Item, Row, Rows, Spread},
    judge::{Change, Comparison, Pairing, number},
    page::{Cell, Figure, Table, html},
    report::Lineup,
    stats::compare::Conclusion,
};

pub(super) fn figures(shown: &Shown<'_>) -> Vec<Figure> {
    let compared = shown
        .facts()
        .filter_map(|(place, name, facts)| Some((place, name, facts.comparison.as_ref()?)));
    let compared = compared.map(|(place, name, comparison)| {
        figure(&format!("{}-compared{place}", shown.id), name, comparison)
    });
    let lineups = shown
        .exhibits()
        .iter()
        .filter_map(|one| one.lineup.as_ref());
    compared.chain(lineups.map(lineup)).collect()
}

/// The engines of a bench next to each other.
fn lineup(lineup: &Lineup) -> Figure {
    let rows = lineup.rows.iter().map(|row| {
        let cells = row
            .cells
            .iter()
            .map(|cell| Cell::number(cell.value, |_| cell.text(row.unit)));
        [Cell::text(&row.number)].into_iter().chain(cells).collect()
    });
    let first = lineup.engines.first().map_or("the first", String::as_str);
    let missing = lineup.missing.iter().map(ToString::to_string);
    Figure {
        title: format!("{} on {} engines", lineup.bench, lineup.engines.len()),
        definition: format!(
            "Each number with its interval at {} % confidence, and whether it differs from that of {first}.",
            number(lineup.confidence * 100.0)
        ),
        drawing: html! {
            (Table {
                caption: format!("{} by engine", lineup.bench),
                head: [&"number".to_owned()].into_iter().chain(&lineup.engines).cloned().collect(),
                rows: rows.collect(),
            })
            ul.lines { @for note in lineup.notes.iter().cloned().chain(missing) { li { (note) } } }
        },
        numbers: None,
    }
}

fn figure(id: &str, name: &str, comparison: &Comparison) -> Figure {
    let title = if name.is_empty() {
        format!("Compared with {}", comparison.against)
    } else {
        format!("{name} compared with {}", comparison.against)
    };
    let threshold = comparison.rule.noise_threshold;
    let how = match comparison.pairing {
        Pairing::Paired { pairs, .. } => {
            format!("{pairs} pairs of runs with the same plan, each in random order")
        }
        Pairing::Unpaired => {
            "runs of another hour, so that whatever else has changed counts, too".to_owned()
        }
        Pairing::Exact => "the same plan on virtual time".to_owned(),
    };
    let rows = comparison
        .changes
        .iter()
        .map(|change| row(change, threshold));
    let gated = comparison
        .changes
        .iter()
        .filter(|change| change.gated)
        .count();
    let paired = comparison
        .changes
        .iter()
        .any(|change| !change.pairs.is_empty());
    let each = if paired {
        ", and each pair (short lines)"
    } else {
        ""
    };
    Figure {
        definition: format!(
            "Relative change from A, the reference, to B by {how}: the mean change (point) with its interval (bar){each}. Tinted: \
             changes up to {} %, which do not matter. The first {gated} metrics decide; all of them together may be wrong in {} % \
             of comparisons.",
            number(threshold * 100.0),
            number(comparison.rule.error * 100.0),
        ),
        drawing: html! {
            (Rows {
                about: About {
                    id: id.to_owned(),
                    description: describe(comparison),
                    title: title.clone(),
                },
                axis: Axis::new("change from A to B", Spread::Linear).change().showing(0.0)
                    .showing(threshold).showing(-threshold),
                rows: rows.collect(),
                legend: Vec::new(),
            }.draw())
            @if !comparison.attribution.is_empty() || !comparison.notes.is_empty() {
                ul.lines {
                    @for line in comparison.attribution.iter().chain(&comparison.notes) { li { (line) } }
                }
            }
        },
        numbers: Some(numbers(&title, comparison)),
        title,
    }
}

fn word(conclusion: Conclusion) -> (&'static str, Ink) {
    match conclusion {
        Conclusion::Worse => ("worse", Ink::Bad),
        Conclusion::Better => ("better", Ink::Good),
        Conclusion::Same => ("the same", Ink::Quiet),
        Conclusion::Inconclusive => ("inconclusive", Ink::Open),
    }
}

fn row(change: &Change, threshold: f64) -> Row {
    let (word, ink) = word(change.conclusion);
    let of = &change.statistics;
    let measured = |value| change.unit.measured(value);
    let mut items = vec![
        Item::Allowed(Some(-threshold), Some(threshold), Ink::Quiet),
        Item::Limit(0.0, Ink::Quiet),
        Item::Interval(of.interval.low, of.interval.high, ink),
        Item::Point(of.change, ink, percent(of.change)),
    ];
    let ratios = change.pairs.iter().filter(|(a, _)| *a > 0.0);
    items.extend(ratios.map(|(a, b)| Item::Tick(b / a - 1.0, Ink::Quiet)));
    Row {
        label: change.subject.clone(),
        note: format!("{} → {}: {word}", measured(change.a), measured(change.b)),
        items,
    }
}

fn percent(change: f64) -> String {
    let sign = if change > 0.0 { "+" } else { "" };
    format!("{sign}{} %", number(change * 100.0))
}

fn describe(comparison: &Comparison) -> String {
    let changes = comparison.changes.iter().filter(|change| change.gated);
    let each = changes.map(|change| {
        let (word, _) = word(change.conclusion);
        format!(
            "{} {}: {word}",
            change.subject,
            percent(change.statistics.change)
        )
    });
    format!("{}.", each.collect::<Vec<_>>().join("; "))
}

fn numbers(caption: &str, comparison: &Comparison) -> Table {
    let head = [
        "metric",
        "A",
        "B",
        "change, %",
        "from, %",
        "to, %",
        "conclusion",
        "p worse",
        "detectable, %",
        "decides",
    ];
    let share = |value: Option<f64>| Cell::number(value, |value| number(value * 100.0));
    let rows = comparison.changes.iter().map(|change| {
        let of = &change.statistics;
        let measured = |value: f64| Cell::number(Some(value), |value| change.unit.measured(value));
        vec![
            Cell::text(&change.subject),
            measured(change.a),
            measured(change.b),
            share(Some(of.change)),
            share(of.interval.low),
            share(of.interval.high),
            Cell::text(word(change.conclusion).0),
            Cell::number(Some(of.p_worse), number),
            share(of.detectable),
            Cell::text(if change.gated { "yes" } else { "no" }),
        ]
    });
    Table {
        caption: caption.to_owned(),
        head: head.map(str::to_owned).to_vec(),
        rows: rows.collect(),
    }
}
