//! The numbers of a result as tables.

use super::{
    exhibit::{Exhibit, Shown},
    words::{LATENCIES, cell, since, whole},
};
use crate::{
    chart::badge,
    judge::number,
    page::{self, Cell, Markup, Table, html},
    report::{
        Line,
        facts::{Facts, Stats},
    },
};

/// Several results next to each other.
pub(super) fn overview(exhibits: &[Exhibit]) -> Markup {
    let of = |exhibit: &Exhibit, latency, value: fn(&Stats) -> Option<f64>| {
        let facts = exhibit.facts.as_ref();
        cell(facts.and_then(|facts| value(&facts.stats(latency)?)))
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label="All results" {
            table {
                caption { "All results" }
                thead { tr {
                    th scope="col" { "result" }
                    th.l scope="col" { "verdict" }
                    @for name in ["completed", "failed", "goodput, %", "req/s", "output tok/s", "TTFT p50, ms", "TTFT p99, ms", "ITL p99, ms", "E2EL p99, ms"] {
                        th scope="col" { (name) }
                    }
                } }
                tbody {
                    @for (place, exhibit) in exhibits.iter().enumerate() {
                        @let facts = exhibit.facts.as_ref();
                        @let rate = |key: &str| cell(facts.and_then(|facts| facts.throughput.get(key)?.as_f64()));
                        @let count = |value: fn(&Facts) -> Option<u64>| facts.and_then(value).map_or(Cell::Empty, whole);
                        tr {
                            th { a href={ "#r" (place) } { (exhibit.name) } }
                            td.l { (badge(exhibit.ink, 14.0)) " " (exhibit.word) }
                            @for cell in [
                                count(|facts| facts.requests.completed),
                                count(|facts| facts.requests.failed),
                                Cell::number(facts.and_then(|facts| facts.goodput.ratio), |ratio| number(ratio * 100.0)),
                                rate("requests"),
                                rate("output_tokens"),
                                of(exhibit, "ttft", |stats| stats.p50),
                                of(exhibit, "ttft", |stats| stats.p99),
                                of(exhibit, "itl", |stats| stats.p99),
                                of(exhibit, "e2el", |stats| stats.p99),
                            ] { td { (cell) } }
                        }
                    }
                }
            }
        }
    }
}

/// The numbers of a single result. Several have theirs next to each other at the charts of each latency.
pub(super) fn section(shown: &Shown<'_>) -> Markup {
    let id = format!("{}-numbers", shown.id);
    html! {
        @if let (true, Some((_, _, facts))) = (shown.is_single(), shown.facts().next()) {
            (page::section(&id, "Numbers", &html! {
                (counts(facts))
                p.definition {
                    "Milliseconds, over requests that succeeded. TTFT and E2EL count " (since(facts.open_loop)) "."
                }
                (latencies(facts))
            }))
        }
    }
}

/// Requests, tokens and rates.
fn counts(facts: &Facts) -> Table {
    let rate = |key: &str| {
        cell(
            facts
                .throughput
                .get(key)
                .and_then(serde_json::Value::as_f64),
        )
    };
    let count = |count: Option<u64>| count.map_or(Cell::Empty, whole);
    let requests = &facts.requests;
    let mut table = Table {
        caption: "Requests, tokens and rates".to_owned(),
        head: [
            "part",
            "completed",
            "failed",
            "good, %",
            "requests/s",
            "input tok/s",
            "output tok/s",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows: vec![vec![
            Cell::text("run"),
            count(requests.completed),
            count(requests.failed),
            Cell::number(facts.goodput.ratio, |ratio| number(ratio * 100.0)),
            rate("requests"),
            rate("input_tokens"),
            rate("output_tokens"),
        ]],
    };
    // Without limits every success is good.
    if facts.limits.is_empty() {
        table.head.remove(3);
        table.rows[0].remove(3);
    }
    table
}

fn latencies(facts: &Facts) -> Table {
    let rows = LATENCIES.into_iter().filter_map(|(key, short, meaning)| {
        let stats = facts.stats(key)?;
        let values = [
            stats.mean, stats.std, stats.min, stats.p50, stats.p90, stats.p99, stats.p999,
            stats.max,
        ];
        let name = Cell::text(format!("{short}: {meaning}"));
        let values = values.into_iter().map(cell);
        Some(
            [name]
                .into_iter()
                .chain(values)
                .chain([whole(stats.count)])
                .collect(),
        )
    });
    Table {
        caption: "Latencies".to_owned(),
        head: [
            "latency", "mean", "std", "min", "p50", "p90", "p99", "p99.9", "max", "values",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows: rows.collect(),
    }
}

/// The numbers of a result of which nothing else is known.
pub(super) fn of_other_tools(exhibit: &Exhibit) -> Markup {
    html! { @if exhibit.facts.is_none() && !exhibit.lines.is_empty() { (lines(exhibit)) } }
}

/// The lines of vLLM's table.
fn lines(exhibit: &Exhibit) -> Table {
    let rows = exhibit.lines.iter().filter_map(|line| match line {
        Line::Value(label, value) => {
            let value = match value.parse::<f64>() {
                Ok(number) => Cell::Number(number, value.clone()),
                Err(_) => Cell::text(value),
            };
            Some(vec![Cell::text(label), value])
        }
        Line::Title(_) | Line::Head(_) => None,
    });
    Table {
        caption: format!("Numbers of {}", exhibit.name),
        head: vec!["number".to_owned(), "value".to_owned()],
        rows: rows.collect(),
    }
}
