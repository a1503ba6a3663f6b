//! What the server gives at each load: latency, throughput and goodput by the load, and the frontier of speed for one user
//! against tokens for all.

use super::{
    exhibit::Shown,
    words::{cell, whole},
};
use crate::{
    chart::{About, Axis, Form, Ink, Mark, Plot, Spread},
    judge::{Capacity, Curve, CurvePoint, Load, number},
    page::{Cell, Figure, Table, html},
    report::{CurveOf, Curves},
};

pub(super) fn figures(shown: &Shown<'_>) -> Vec<Figure> {
    // A ramp or a search is a curve; results of one load each are points of those that they share all other settings with.
    let (single, whole): (Vec<_>, Vec<_>) = shown
        .facts()
        .filter_map(|(_, name, facts)| Some((name, facts, facts.curve.as_ref()?)))
        .partition(|(_, _, curve)| curve.points.len() == 1);
    let single = single
        .into_iter()
        .map(|(_, facts, curve)| CurveOf::of(&facts.bench, curve.clone()));
    let gathered = Curves::gather(single);
    let gathered = gathered.names().into_iter().zip(&gathered.curves);
    let gathered = gathered.map(|(name, of)| (name, &of.curve, None));
    whole
        .into_iter()
        .map(|(name, facts, curve)| (name.to_owned(), curve, facts.capacity.as_ref()))
        .chain(gathered)
        .filter(|(_, curve, _)| curve.points.len() > 1)
        .enumerate()
        .flat_map(|(place, (name, curve, capacity))| {
            let id = format!("{}-curve{place}", shown.id);
            [
                by_load(&id, &name, curve, capacity),
                frontier(&id, &name, curve),
            ]
        })
        .collect()
}

fn titled(title: &str, name: &str) -> String {
    if name.is_empty() {
        title.to_owned()
    } else {
        format!("{title}: {name}")
    }
}

fn unit(over: Load) -> &'static str {
    match over {
        Load::Rate => "requests/s asked",
        Load::Concurrency => "requests in flight",
    }
}

type Value = fn(&CurvePoint) -> Option<f64>;

fn by_load(id: &str, name: &str, curve: &Curve, capacity: Option<&Capacity>) -> Figure {
    let title = titled("Latency, throughput and goodput by load", name);
    let plot = |part: &str, y: Axis, lines: &[(&str, Value)]| {
        let mut marks = brackets(curve, capacity);
        for (place, (name, value)) in lines.iter().enumerate() {
            let points = curve
                .points
                .iter()
                .filter_map(|point| Some((point.load, value(point)?)));
            let points: Vec<_> = points.collect();
            let said = points.iter().map(|(load, value)| {
                (
                    *load,
                    *value,
                    format!("{name} {} at {}", number(*value), number(*load)),
                )
            });
            let ink = Ink::Series(place);
            marks.push(Mark::new(*name, ink, Form::Line(points.clone())));
            marks.push(Mark::new("", ink, Form::Points(said.collect())));
        }
        let name = y.name.clone();
        Plot {
            about: About {
                id: format!("{id}-{part}"),
                title: format!("{name} by load"),
                description: format!(
                    "{} points from {} to {}.",
                    curve.points.len(),
                    number(curve.points.first().map_or(f64::NAN, |point| point.load)),
                    number(curve.points.last().map_or(f64::NAN, |point| point.load))
                ),
            },
            x: Axis::new(unit(curve.over), Spread::Linear).showing(0.0),
            y,
            marks,
        }
        .draw()
    };
    let ttft: [(&str, Value); 2] = [
        ("TTFT p50", |point| point.median_ttft_ms),
        ("TTFT p99", |point| point.p99_ttft_ms),
    ];
    let throughput: [(&str, Value); 1] = [("completed", |point| Some(point.request_throughput))];
    let goodput: [(&str, Value); 1] = [("good requests", |point| point.goodput)];
    let limited = curve.points.iter().any(|point| point.goodput.is_some());
    Figure {
        definition: "What the server gave at each load that was tried. The knee is the load with the greatest throughput over \
                     mean E2EL (Kleinrock's power); tinted is where it lies, with 95 % certainty. After a search, the edge is the \
                     highest load at which the SLOs hold, with its interval."
            .to_owned(),
        drawing: html! {
            (plot("ttft", Axis::new("ms", Spread::Linear).showing(0.0), &ttft))
            (plot("throughput", Axis::new("requests/s", Spread::Linear).showing(0.0), &throughput))
            @if limited {
                (plot("goodput", Axis::new("share of good requests", Spread::Linear).percent().showing(0.0).showing(1.0), &goodput))
            }
        },
        numbers: Some(numbers(&title, curve)),
        title,
    }
}

/// The knee and the edge of a search, each with where it lies.
fn brackets(curve: &Curve, capacity: Option<&Capacity>) -> Vec<Mark> {
    let mut marks = Vec::new();
    if let Some(knee) = curve.knee() {
        if let (Some(after), Some(before)) = (knee.after, knee.before) {
            marks.push(Mark::new("", Ink::Quiet, Form::Between(after, before)));
        }
        marks.push(Mark::new("knee", Ink::Quiet, Form::Upright(knee.load)));
    }
    if let Some(capacity) = capacity {
        if let (Some(low), Some(high)) = (capacity.interval.low, capacity.interval.high) {
            marks.push(Mark::new("", Ink::Open, Form::Between(low, high)));
        }
        if let Some(edge) = capacity.value {
            marks.push(Mark::new(
                "edge of the SLOs",
                Ink::Limit,
                Form::Upright(edge),
            ));
        }
    }
    marks
}

fn frontier(id: &str, name: &str, curve: &Curve) -> Figure {
    let title = titled("Speed for a user against tokens for all", name);
    let points = curve.points.iter().filter_map(|point| {
        let said = format!("at {} {}", number(point.load), unit(curve.over));
        Some((point.per_user()?, point.output_throughput, said))
    });
    let marks = vec![
        Mark::new(
            "frontier",
            Ink::Series(1),
            Form::Line(curve.frontier_line()),
        ),
        Mark::new("a load", Ink::Series(0), Form::Points(points.collect())),
    ];
    let rows = curve.points.iter().map(|point| {
        vec![
            cell(Some(point.load)),
            cell(point.per_user()),
            cell(Some(point.output_throughput)),
        ]
    });
    Figure {
        definition: "Output tokens per second that a user sees, 1000 / median TPOT in ms, against those of all requests together. The \
                     frontier joins the loads that no other beats in both."
            .to_owned(),
        drawing: Plot {
            about: About {
                id: format!("{id}-frontier"),
                title: title.clone(),
                description: format!("{} of {} loads are on the frontier.", curve.frontier().len(), curve.points.len()),
            },
            x: Axis::new("tokens/s for a user", Spread::Linear).showing(0.0),
            y: Axis::new("output tokens/s in all", Spread::Linear).showing(0.0),
            marks,
        }
        .draw(),
        numbers: Some(Table {
            caption: title.clone(),
            head: [unit(curve.over), "tokens/s for a user", "output tokens/s in all"].map(str::to_owned).to_vec(),
            rows: rows.collect(),
        }),
        title,
    }
}

fn numbers(caption: &str, curve: &Curve) -> Table {
    let head = [
        unit(curve.over),
        "requests",
        "good, %",
        "errors, %",
        "requests/s",
        "output tok/s",
        "TTFT p50, ms",
        "TTFT p99, ms",
        "TPOT p50, ms",
        "E2EL p50, ms",
        "E2EL p99, ms",
    ];
    let share = |value: Option<f64>| Cell::number(value, |value| number(value * 100.0));
    let rows = curve.points.iter().map(|point| {
        vec![
            cell(Some(point.load)),
            whole(point.requests),
            share(point.goodput),
            share(Some(point.errors)),
            cell(Some(point.request_throughput)),
            cell(Some(point.output_throughput)),
            cell(point.median_ttft_ms),
            cell(point.p99_ttft_ms),
            cell(point.median_tpot_ms),
            cell(point.median_e2el_ms),
            cell(point.p99_e2el_ms),
        ]
    });
    Table {
        caption: caption.to_owned(),
        head: head.map(str::to_owned).to_vec(),
        rows: rows.collect(),
    }
}
