//! What the slowest requests waited for.

use super::{
    exhibit::Shown,
    words::{cell, ms, since, whole},
};
use crate::{
    chart::{About, Axis, Ink, Item, Row, Rows, Spread, Weight},
    metrics::Timeline,
    page::{Cell, Figure, Table},
    report::facts::Facts,
};

/// What a request waits for, each with its ink and its height.
const WAITING: (Ink, Weight, &str) = (Ink::Quiet, Weight::Hollow, "waiting to be sent");
const HEAD: (Ink, Weight, &str) = (Ink::Series(3), Weight::Thin, "to the head of the answer");
const QUEUE: (Ink, Weight, &str) = (
    Ink::Series(5),
    Weight::Half,
    "in the server's queue, by its own report",
);
const PREFILL: (Ink, Weight, &str) = (Ink::Series(2), Weight::Half, "prefill, by its own report");
const FIRST: (Ink, Weight, &str) = (Ink::Series(1), Weight::Half, "to the first token");
const DECODING: (Ink, Weight, &str) = (Ink::Series(0), Weight::Full, "decoding");
const GAP: (Ink, Weight, &str) = (Ink::Bad, Weight::Half, "gaps of more than 5 × its median");

pub(super) fn figures(shown: &Shown<'_>) -> Vec<Figure> {
    let figures = shown
        .facts()
        .filter(|(_, _, facts)| !facts.slowest.is_empty());
    figures
        .map(|(place, name, facts)| figure(&format!("{}-slowest{place}", shown.id), name, facts))
        .collect()
}

fn figure(id: &str, name: &str, facts: &Facts) -> Figure {
    let slowest = &facts.slowest;
    let rows: Vec<Row> = slowest.iter().map(row).collect();
    let mut legend: Vec<(Ink, String)> = Vec::new();
    for item in rows.iter().flat_map(|row| &row.items) {
        if let Item::Bar(_, _, ink, _, _) = item {
            let all = [WAITING, HEAD, QUEUE, PREFILL, FIRST, DECODING, GAP];
            let name = all
                .iter()
                .find(|(one, ..)| one == ink)
                .map(|(.., name)| *name);
            if let Some(name) = name.filter(|_| legend.iter().all(|(one, _)| one != ink)) {
                legend.push((*ink, name.to_owned()));
            }
        }
    }
    let title = if name.is_empty() {
        "What the slowest requests waited for".to_owned()
    } else {
        format!("What the slowest requests waited for: {name}")
    };
    let longest = slowest.iter().map(|one| one.last_ms).fold(0.0, f64::max);
    Figure {
        definition: format!(
            "The four requests with the longest TTFT, the four with the longest gap between tokens, and the four with the \
             longest E2EL; time {}.",
            since(facts.open_loop)
        ),
        drawing: Rows {
            about: About {
                id: id.to_owned(),
                description: format!(
                    "{} requests, of which the longest took {}.",
                    slowest.len(),
                    ms(longest)
                ),
                title: title.clone(),
            },
            axis: Axis::new("ms", Spread::Linear).showing(0.0),
            rows,
            legend,
        }
        .draw(),
        numbers: Some(numbers(&title, slowest)),
        title,
    }
}

fn row(one: &Timeline) -> Row {
    let mut items = Vec::new();
    let mut bar = |from: f64, to: f64, (ink, weight, what): (Ink, Weight, &str)| {
        if to > from {
            let said = format!("{what}: {}", ms(to - from));
            items.push(Item::Bar(from, to, ink, weight, said));
        }
    };
    bar(0.0, one.sent_ms, WAITING);
    let first = one.first_token_ms.unwrap_or(one.last_ms);
    let head = one
        .head_ms
        .filter(|head| *head <= first)
        .unwrap_or(one.sent_ms);
    bar(one.sent_ms, head, HEAD);
    bar(head, first, FIRST);
    // The server's clock does not say when its queue began; it cannot have been before the request was sent.
    if let Some(queue) = one.server_queue_ms {
        bar(one.sent_ms, one.sent_ms + queue, QUEUE);
        if let Some(prefill) = one.server_prefill_ms {
            bar(one.sent_ms + queue, one.sent_ms + queue + prefill, PREFILL);
        }
    }
    bar(first, one.last_ms, DECODING);
    for gap in &one.gaps {
        bar(gap.from_ms, gap.from_ms + gap.ms, GAP);
    }
    Row {
        label: format!(
            "request {} at {:.2} s: longest {}",
            one.index,
            one.start_s,
            by(&one.by)
        ),
        note: format!("{} in, {} out", one.input_tokens, one.output_tokens),
        items,
    }
}

fn by(latency: &str) -> &str {
    match latency {
        "ttft" => "TTFT",
        "itl" => "gap",
        "e2el" => "E2EL",
        other => other,
    }
}

fn numbers(caption: &str, slowest: &[Timeline]) -> Table {
    let head = [
        "request",
        "longest",
        "at, s",
        "sent, ms",
        "head, ms",
        "first token, ms",
        "last, ms",
        "longest gap, ms",
        "server's queue, ms",
        "server's prefill, ms",
        "in",
        "out",
    ];
    let rows = slowest.iter().map(|one| {
        let gap = one.gaps.iter().map(|gap| gap.ms).reduce(f64::max);
        vec![
            whole(one.index as u64),
            Cell::text(by(&one.by)),
            cell(Some(one.start_s)),
            cell(Some(one.sent_ms)),
            cell(one.head_ms),
            cell(one.first_token_ms),
            cell(Some(one.last_ms)),
            cell(gap),
            cell(one.server_queue_ms),
            cell(one.server_prefill_ms),
            whole(one.input_tokens),
            whole(one.output_tokens),
        ]
    });
    let rows: Vec<_> = rows.collect();
    let used = |column: usize| {
        rows.iter()
            .any(|row: &Vec<Cell>| row[column] != Cell::Empty)
    };
    let used: Vec<bool> = (0..head.len()).map(used).collect();
    let kept = |column: &usize| used[*column];
    Table {
        caption: caption.to_owned(),
        head: (0..head.len())
            .filter(kept)
            .map(|at| head[at].to_owned())
            .collect(),
        rows: rows
            .iter()
            .map(|row| {
                (0..row.len())
                    .filter(kept)
                    .map(|at| row[at].clone())
                    .collect()
            })
            .collect(),
    }
}
