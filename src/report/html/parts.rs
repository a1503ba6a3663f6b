//! Classes of a mix, turns of sessions and rounds: a row for each, with its median and its 99th percentile.

use super::{
    exhibit::Shown,
    words::{cell, ms, since, whole},
};
use crate::{
    chart::{About, Axis, Ink, Item, Row, Rows, Spread},
    page::{Cell, Figure, Table},
    report::facts::{Facts, PartOfRun, Stats},
};

/// A part with its latencies.
struct Part {
    name: String,
    ttft: Option<Stats>,
    e2el: Option<Stats>,
}

pub(super) fn figures(shown: &Shown<'_>) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (place, name, facts) in shown.facts() {
        let id = |kind: &str| format!("{}-{kind}{place}", shown.id);
        let mut add = |kind: &str, title: &str, parts: Vec<Part>| {
            figures.extend(figure(&id(kind), name, title, facts, &parts));
        };
        add("classes", "By class", classes(facts));
        add("turns", "By turn of a session", turns(facts));
        add("rounds", "By round", rounds(facts));
    }
    figures
}

fn classes(facts: &Facts) -> Vec<Part> {
    let e2el = facts.of_classes("e2el");
    let ttft = facts.of_classes("ttft");
    let part = |(name, e2el): (&str, Stats)| Part {
        name: name.to_owned(),
        ttft: ttft
            .iter()
            .find(|(other, _)| *other == name)
            .map(|(_, stats)| *stats),
        e2el: Some(e2el),
    };
    e2el.into_iter().map(part).collect()
}

fn numbered(word: &str, parts: &[PartOfRun]) -> Vec<Part> {
    let known = |stats: Stats| (stats.count > 0).then_some(stats);
    let part = |part: &PartOfRun| Part {
        name: format!("{word} {}", part.number + 1),
        ttft: known(part.ttft_ms),
        e2el: known(part.e2el_ms),
    };
    parts.iter().map(part).collect()
}

fn turns(facts: &Facts) -> Vec<Part> {
    let turns = facts
        .sessions
        .as_ref()
        .map(|sessions| numbered("turn", &sessions.turns));
    turns.unwrap_or_default()
}

fn rounds(facts: &Facts) -> Vec<Part> {
    let rounds = facts
        .rounds
        .as_ref()
        .map(|rounds| numbered("round", &rounds.each));
    rounds.unwrap_or_default()
}

const TTFT: Ink = Ink::Series(0);
const E2EL: Ink = Ink::Series(1);

fn figure(id: &str, name: &str, title: &str, facts: &Facts, parts: &[Part]) -> Option<Figure> {
    // One part says what the run says.
    if parts.len() < 2 {
        return None;
    }
    let title = if name.is_empty() {
        title.to_owned()
    } else {
        format!("{title}: {name}")
    };
    Some(Figure {
        definition: format!(
            "Median (point) to 99th percentile (end of the bar) of TTFT and E2EL, {}, over the successful requests of each part.",
            since(facts.open_loop)
        ),
        drawing: Rows {
            about: About {
                id: id.to_owned(),
                description: describe(parts),
                title: title.clone(),
            },
            axis: Axis::new("ms", Spread::Log),
            rows: parts.iter().flat_map(rows).collect(),
            legend: vec![(TTFT, "TTFT".to_owned()), (E2EL, "E2EL".to_owned())],
        }
        .draw(),
        numbers: Some(numbers(&title, parts)),
        title,
    })
}

/// A line for each latency: on the same one they would hide each other.
fn rows(part: &Part) -> [Row; 2] {
    let of = |stats: Option<Stats>, ink, short: &str| {
        let found = stats.and_then(|stats| Some((stats.p50?, stats.p99?)));
        let items = found.map(|(p50, p99)| {
            let said = format!("{short} p50 {}, p99 {}", ms(p50), ms(p99));
            vec![
                Item::Interval(Some(p50), Some(p99), ink),
                Item::Point(p50, ink, said),
            ]
        });
        items.unwrap_or_default()
    };
    let count = part.e2el.map_or(0, |stats| stats.count);
    let ttft = Row {
        label: part.name.clone(),
        note: format!("{count} completed"),
        items: of(part.ttft, TTFT, "TTFT"),
    };
    let e2el = Row {
        items: of(part.e2el, E2EL, "E2EL"),
        ..Row::default()
    };
    [ttft, e2el]
}

fn describe(parts: &[Part]) -> String {
    let of = |part: &Part| {
        let p99 =
            |stats: Option<Stats>| stats.and_then(|stats| stats.p99).map_or("–".to_owned(), ms);
        format!(
            "{}: TTFT p99 {}, E2EL p99 {}",
            part.name,
            p99(part.ttft),
            p99(part.e2el)
        )
    };
    parts.iter().map(of).collect::<Vec<_>>().join("; ") + "."
}

fn numbers(caption: &str, parts: &[Part]) -> Table {
    let head = [
        "part",
        "completed",
        "TTFT p50, ms",
        "TTFT p99, ms",
        "E2EL p50, ms",
        "E2EL p99, ms",
    ];
    let rows = parts.iter().map(|part| {
        let of = |stats: Option<Stats>, value: fn(&Stats) -> Option<f64>| {
            cell(stats.as_ref().and_then(value))
        };
        vec![
            Cell::text(&part.name),
            part.e2el.map_or(Cell::Empty, |stats| whole(stats.count)),
            of(part.ttft, |stats| stats.p50),
            of(part.ttft, |stats| stats.p99),
            of(part.e2el, |stats| stats.p50),
            of(part.e2el, |stats| stats.p99),
        ]
    });
    Table {
        caption: caption.to_owned(),
        head: head.map(str::to_owned).to_vec(),
        rows: rows.collect(),
    }
}
