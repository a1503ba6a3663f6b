//! What the server showed on its own page during the run.

use super::{exhibit::Shown, words::cell};
use crate::{
    chart::{About, Axis, Form, Ink, Mark, Plot, Spread},
    judge::number,
    page::{Cell, Figure, Table},
    report::facts::Gauges,
};

/// A gauge of the server.
struct Gauge {
    /// The end of the figure's id.
    key: &'static str,
    name: &'static str,
    /// The unit that it is shown in, and how many of them its own is.
    unit: &'static str,
    scale: f64,
    values: fn(&Gauges) -> &[Option<f64>],
}

const REQUESTS: [Gauge; 2] = [
    Gauge {
        key: "running",
        name: "running",
        unit: "requests",
        scale: 1.0,
        values: |gauges| &gauges.running,
    },
    Gauge {
        key: "waiting",
        name: WAITING,
        unit: "requests",
        scale: 1.0,
        values: |gauges| &gauges.waiting,
    },
];
const WAITING: &str = "waiting";
const KV: [Gauge; 1] = [Gauge {
    key: "kv",
    name: "KV memory in use",
    unit: "%",
    scale: 100.0,
    values: |gauges| &gauges.kv_usage,
}];
const PREEMPTIONS: [Gauge; 1] = [Gauge {
    key: "preemptions",
    name: "since the start",
    unit: "preemptions",
    scale: 1.0,
    values: |gauges| &gauges.preemptions,
}];
const MEMORY: [Gauge; 1] = [Gauge {
    key: "memory",
    name: "resident memory",
    unit: "MiB",
    scale: 1.0 / 1_048_576.0,
    values: |gauges| &gauges.memory_bytes,
}];

/// Titles and definitions of the figures, the gauges of each, and a value that its axis shows in any case.
const FIGURES: [(&str, &str, &[Gauge], f64); 4] = [
    (
        "Requests in the server",
        "Requests that the server had in its batch, and requests that waited for it, by its /metrics.",
        &REQUESTS,
        0.0,
    ),
    (
        "KV memory in use",
        "Share of the KV memory in use, by the server's /metrics; of several engines that of the fullest.",
        &KV,
        100.0,
    ),
    (
        "Preemptions",
        "How often a running request lost its memory to others since the run's start, by the server's /metrics.",
        &PREEMPTIONS,
        0.0,
    ),
    (
        "Memory of the server",
        "Resident memory of the server's processes.",
        &MEMORY,
        0.0,
    ),
];

pub(super) fn figures(shown: &Shown<'_>) -> Vec<Figure> {
    let figures = FIGURES.iter();
    figures
        .filter_map(|(title, definition, gauges, most)| {
            figure(shown, title, definition, gauges, *most)
        })
        .collect()
}

fn figure(
    shown: &Shown<'_>,
    title: &str,
    definition: &str,
    gauges: &[Gauge],
    most: f64,
) -> Option<Figure> {
    let first = gauges.first()?;
    let mut marks = Vec::new();
    let mut said = Vec::new();
    let several = !shown.is_single();
    for (place, name, facts) in shown.facts() {
        let Some(of) = facts.gauges() else {
            continue;
        };
        for (number, gauge) in gauges.iter().enumerate() {
            let raw = (gauge.values)(of);
            if !shows(gauge, raw) {
                continue;
            }
            let values: Vec<f64> = raw
                .iter()
                .map(|value| value.map_or(f64::NAN, |value| value * gauge.scale))
                .collect();
            let label = match (several, gauges.len()) {
                (false, 1) => String::new(),
                (false, _) => gauge.name.to_owned(),
                (true, 1) => name.to_owned(),
                (true, _) => format!("{name}: {}", gauge.name),
            };
            let most = values.iter().copied().fold(f64::NAN, f64::max);
            let (name, unit) = (gauge.name, gauge.unit);
            said.push(format!("{name}: at most {} {unit}", self::number(most)));
            let ink = Ink::Series(place * gauges.len() + number);
            let points = of.at_s.iter().copied().zip(values);
            marks.push(Mark::new(label, ink, Form::Line(points.collect())));
        }
    }
    if marks.is_empty() {
        return None;
    }
    Some(Figure {
        title: title.to_owned(),
        definition: definition.to_owned(),
        drawing: Plot {
            about: About {
                id: format!("{}-server-{}", shown.id, first.key),
                title: title.to_owned(),
                description: format!("{}.", said.join("; ")),
            },
            x: Axis::new("time since the run's start, s", Spread::Linear).showing(0.0),
            y: Axis::new(first.unit, Spread::Linear)
                .showing(0.0)
                .showing(most),
            marks,
        }
        .draw(),
        numbers: Some(numbers(shown, title, gauges)),
    })
}

/// Whether a gauge says something. Zeros all the way say what their absence says, but that nothing waits is news.
fn shows(gauge: &Gauge, values: &[Option<f64>]) -> bool {
    let idle = values.iter().flatten().all(|value| *value == 0.0);
    !values.iter().all(Option::is_none) && (!idle || gauge.name == WAITING)
}

/// A row for each sample. Of more samples than a reader reads it is a row for several, with the largest value of each gauge.
fn numbers(shown: &Shown<'_>, title: &str, gauges: &[Gauge]) -> Table {
    const MOST: usize = 100;
    let several = !shown.is_single();
    let mut rows = Vec::new();
    for (_, name, facts) in shown.facts() {
        let Some(of) = facts.gauges() else {
            continue;
        };
        let columns: Vec<&[Option<f64>]> = gauges
            .iter()
            .map(|gauge| {
                let values = (gauge.values)(of);
                if shows(gauge, values) { values } else { &[] }
            })
            .collect();
        let each = of.at_s.len().div_ceil(MOST).max(1);
        for (step, at) in of.at_s.chunks(each).enumerate() {
            let largest = |values: &[Option<f64>], scale: f64| {
                let values = values.iter().skip(step * each).take(each);
                let largest = values.flatten().copied().reduce(f64::max);
                Cell::number(largest, |value| self::number(value * scale))
            };
            let values = columns.iter().zip(gauges);
            let values = values.map(|(values, gauge)| largest(values, gauge.scale));
            let place = [Cell::text(name), cell(at.first().copied())];
            let place = place.into_iter().skip(usize::from(!several));
            rows.push(place.chain(values).collect());
        }
    }
    let places = ["result", "at, s"].into_iter().skip(usize::from(!several));
    let names = gauges
        .iter()
        .map(|gauge| format!("{}, {}", gauge.name, gauge.unit));
    Table {
        caption: title.to_owned(),
        head: places.map(str::to_owned).chain(names).collect(),
        rows,
    }
}
