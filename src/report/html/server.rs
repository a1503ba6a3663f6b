//! What the server showed on its own page during the run.

use super::{exhibit::Shown, words::cell};
use crate::{
    chart::{About, Axis, Form, Ink, Mark, Plot, Spread},
    judge::number,
    page::{Cell, Figure, Table},
    report::facts::Gauges,
};

/// A gauge: key, name, how it is scaled, and whether it is a share.
type Gauge = (
    &'static str,
    &'static str,
    f64,
    fn(&Gauges) -> &[Option<f64>],
);

const REQUESTS: [Gauge; 2] = [
    ("running", "running", 1.0, |gauges| &gauges.running),
    ("waiting", "waiting", 1.0, |gauges| &gauges.waiting),
];
const KV: Gauge = ("kv", "KV memory in use", 1.0, |gauges| &gauges.kv_usage);
const MEMORY: Gauge = ("memory", "resident memory", 1.0 / 1_048_576.0, |gauges| {
    &gauges.memory_bytes
});
const PREEMPTIONS: Gauge = (
    "preemptions",
    "preemptions since the start",
    1.0,
    |gauges| &gauges.preemptions,
);

pub(super) fn figures(shown: &Shown<'_>) -> Vec<Figure> {
    let axis = |name: &str| Axis::new(name, Spread::Linear).showing(0.0);
    let figures = [
        figure(
            shown,
            "Requests in the server",
            "Requests that the server had in its batch, and requests that waited for it, by its /metrics.",
            axis("requests"),
            &REQUESTS,
        ),
        figure(
            shown,
            "KV memory in use",
            "Share of the KV memory in use, by the server's /metrics; of several engines that of the fullest.",
            axis("share").percent().showing(1.0),
            &[KV],
        ),
        figure(
            shown,
            "Preemptions",
            "How often a running request lost its memory to others since the run's start, by the server's /metrics.",
            axis("preemptions"),
            &[PREEMPTIONS],
        ),
        figure(
            shown,
            "Memory of the server",
            "Resident memory of the server's processes.",
            axis("MiB"),
            &[MEMORY],
        ),
    ];
    figures.into_iter().flatten().collect()
}

fn figure(
    shown: &Shown<'_>,
    title: &str,
    definition: &str,
    y: Axis,
    gauges: &[Gauge],
) -> Option<Figure> {
    let mut marks = Vec::new();
    let mut rows = Vec::new();
    let mut said = Vec::new();
    let several = !shown.is_single();
    for (place, name, facts) in shown.facts() {
        let Some(of) = facts
            .server
            .as_ref()
            .and_then(|server| server.gauges.as_ref())
        else {
            continue;
        };
        for (number, (_, gauge, scale, values)) in gauges.iter().enumerate() {
            let raw = values(of);
            // Zeros all the way say what their absence says.
            let idle = raw.iter().flatten().all(|value| *value == 0.0);
            if raw.iter().all(Option::is_none) || (idle && *gauge != "waiting") {
                continue;
            }
            let values: Vec<f64> = raw
                .iter()
                .map(|value| value.map_or(f64::NAN, |value| value * scale))
                .collect();
            let label = match (several, gauges.len()) {
                (false, 1) => String::new(),
                (false, _) => (*gauge).to_owned(),
                (true, 1) => name.to_owned(),
                (true, _) => format!("{name}: {gauge}"),
            };
            let most = values.iter().copied().fold(f64::NAN, f64::max);
            said.push(format!("{gauge} at most {}", self::number(most)));
            let ink = Ink::Series(place * gauges.len() + number);
            let points = of.at_s.iter().copied().zip(values);
            marks.push(Mark::new(label.clone(), ink, Form::Line(points.collect())));
            rows.extend(of.at_s.iter().zip(raw).map(|(at, value)| {
                let value = Cell::number(*value, |value| self::number(value * scale));
                let row = [Cell::text(&label), cell(Some(*at)), value];
                row.into_iter()
                    .skip(usize::from(label.is_empty()))
                    .collect::<Vec<_>>()
            }));
        }
    }
    if marks.is_empty() {
        return None;
    }
    let named = marks.iter().any(|mark: &Mark| !mark.name.is_empty());
    let head = ["gauge", "at, s", "value"].map(str::to_owned);
    Some(Figure {
        title: title.to_owned(),
        definition: definition.to_owned(),
        drawing: Plot {
            about: About {
                id: format!("{}-server-{}", shown.id, gauges[0].0),
                title: title.to_owned(),
                description: format!("{}.", said.join("; ")),
            },
            x: Axis::new("time since the run's start, s", Spread::Linear).showing(0.0),
            y,
            marks,
        }
        .draw(),
        numbers: Some(Table {
            caption: title.to_owned(),
            head: head.into_iter().skip(usize::from(!named)).collect(),
            rows,
        }),
    })
}
