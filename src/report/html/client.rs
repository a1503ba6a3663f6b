//! Whether the client kept up: how late it was, and what it said about itself.

use super::{
    exhibit::Shown,
    words::{cell, ms},
};
use crate::{
    chart::{About, Axis, Ink, Item, Row, Rows, Spread},
    grammar::duration,
    page::{Cell, Figure, Table, html},
    report::facts::Facts,
};

/// A delay of the client: its name, median, 99th percentile and maximum, ms.
type Delay = (&'static str, [f64; 3]);

pub(super) fn figures(shown: &Shown<'_>) -> Vec<Figure> {
    let figures = shown
        .facts()
        .filter(|(_, _, facts)| !facts.client.is_empty());
    figures
        .map(|(place, name, facts)| figure(&format!("{}-client{place}", shown.id), name, facts))
        .collect()
}

fn delays(facts: &Facts) -> Vec<Delay> {
    let late = facts.stats("lateness").and_then(|late| {
        Some((
            "sent after the planned time",
            [late.p50?, late.p99?, late.max?],
        ))
    });
    let reads = &facts.audit.reads;
    let reads = (reads.by_kernel > 0).then_some((
        "data waited to be read",
        [reads.wait_p50_ms, reads.wait_p99_ms, reads.wait_max_ms],
    ));
    let watch = facts.audit.watch.map(|watch| {
        (
            "event loop behind",
            [watch.delay_p50_ms, watch.delay_p99_ms, watch.delay_max_ms],
        )
    });
    [late, reads, watch].into_iter().flatten().collect()
}

fn figure(id: &str, name: &str, facts: &Facts) -> Figure {
    let title = if name.is_empty() {
        "The client's audit".to_owned()
    } else {
        format!("The client's audit: {name}")
    };
    let delays = delays(facts);
    let limit = facts
        .setting("client", "max_lateness")
        .and_then(|text| duration::parse(&text).ok())
        .map(|limit| limit.as_secs_f64() * 1e3);
    let row = |(what, [p50, p99, max]): &Delay| {
        let mut items = vec![
            Item::Interval(Some(*p50), Some(*max), Ink::Series(0)),
            Item::Point(*p99, Ink::Series(0), format!("p99 {}", ms(*p99))),
        ];
        if let Some(limit) = limit.filter(|_| what.starts_with("sent")) {
            items.push(Item::Limit(limit, Ink::Limit));
        }
        Row {
            label: (*what).to_owned(),
            note: format!("p99 {}, at most {}", ms(*p99), ms(*max)),
            items,
        }
    };
    let rows: Vec<Row> = delays.iter().map(row).collect();
    let described = rows
        .iter()
        .map(|row| format!("{}: {}", row.label, row.note));
    let described = described.collect::<Vec<_>>().join("; ");
    let numbers = delays.iter().map(|(what, values)| {
        let mut row = vec![Cell::text(*what)];
        row.extend(values.map(|value| cell(Some(value))));
        row
    });
    Figure {
        definition: "How late the client itself was: median to maximum (bar) and 99th percentile (point). If the \
                     point of the sends is beyond the dashed line, the run is invalid: a slow client is never reported as a slow server."
            .to_owned(),
        drawing: html! {
            @if !rows.is_empty() {
                (Rows {
                    about: About { id: id.to_owned(), title: title.clone(), description: format!("{described}.") },
                    axis: Axis::new("ms", Spread::Linear).showing(0.0),
                    rows: rows.clone(),
                    legend: Vec::new(),
                }.draw())
            }
            ul.lines { @for (label, text) in &facts.client { li { strong { (label) ": " } (text) } } }
        },
        numbers: (!delays.is_empty()).then(|| Table {
            caption: title.clone(),
            head: ["delay", "p50, ms", "p99, ms", "max, ms"].map(str::to_owned).to_vec(),
            rows: numbers.collect(),
        }),
        title,
    }
}
