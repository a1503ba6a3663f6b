//! A trend as a page.

use super::{
    Traced, Trend,
    line::Line,
    text::{chance, heading, latest, mark, told},
};
use crate::{
    chart::{About, Axis, Form, Ink, Mark, Plot, Spread},
    page::{Cell, Document, Figure, Markup, Table, html, section},
};

/// A page with a section for each bench: a table of its numbers with their shifts, and a drawing for each number.
pub(crate) fn html(trend: &Trend) -> String {
    let title = match trend.benches.as_slice() {
        [one] => format!("Trend of {}", one.bench.name),
        several => format!("Trend of {} benches", several.len()),
    };
    let body = html! {
        h1 { (title) }
        p.about { (chance(trend)) }
        @for (place, traced) in trend.benches.iter().enumerate() {
            @let id = format!("b{place}");
            (section(&id, &traced.bench.name, &of_bench(traced, &id)))
        }
    };
    Document { title, body }.text()
}

fn of_bench(traced: &Traced, id: &str) -> Markup {
    let figures = traced.lines.iter().enumerate();
    let figures = figures.map(|(place, line)| figure(traced, line, &format!("{id}-{place}")));
    html! {
        p.about { (heading(&traced.bench)) }
        (table(traced))
        div.figures { @for figure in figures { (figure) } }
    }
}

fn table(traced: &Traced) -> Table {
    let head = ["number", "limit", "latest", "last change", "shifts"];
    let row = |line: &Line| {
        let sign = match mark(line) {
            ' ' => "",
            '✗' => "worse",
            _ => "better",
        };
        vec![
            Cell::text(&line.name),
            Cell::number(line.limit, |limit| line.unit.exact(limit)),
            Cell::number(line.latest(), |_| latest(line)),
            Cell::text(sign),
            Cell::text(told(line, &traced.bench)),
        ]
    };
    Table {
        caption: format!("Numbers of {}", traced.bench.name),
        head: head.map(str::to_owned).to_vec(),
        rows: traced.lines.iter().map(row).collect(),
    }
}

/// One number over all runs: a point for each, the levels between shifts, and the limit.
fn figure(traced: &Traced, line: &Line, id: &str) -> Figure {
    let runs = &traced.bench.runs;
    let known = || {
        let values = line.values.iter().enumerate();
        values.filter_map(|(run, value)| Some((run, (*value)?)))
    };
    let point = |(run, value): (usize, f64)| {
        let said = format!("{}: {}", runs[run].place(), line.unit.measured(value));
        ((run + 1) as f64, value, said)
    };
    let mut marks = vec![
        Mark::new(
            "",
            Ink::Quiet,
            Form::Line(
                known()
                    .map(|(run, value)| ((run + 1) as f64, value))
                    .collect(),
            ),
        ),
        Mark::new(
            "a run",
            Ink::Series(0),
            Form::Points(known().map(point).collect()),
        ),
    ];
    let levels = levels(line);
    if !levels.is_empty() {
        marks.push(Mark::new(
            "median between shifts",
            Ink::Series(1),
            Form::Line(levels),
        ));
    }
    for shift in &line.shifts {
        let ink = if shift.worse { Ink::Bad } else { Ink::Good };
        let at = (shift.run + shift.after_run) as f64 / 2.0 + 1.0;
        marks.push(Mark::new("", ink, Form::Upright(at)));
    }
    if let Some(limit) = line.limit {
        marks.push(Mark::new("limit", Ink::Limit, Form::Level(limit)));
    }
    let rows = known().map(|(run, value)| {
        vec![
            Cell::text(&runs[run].at),
            Cell::text(runs[run].commit().unwrap_or("–")),
            Cell::text(runs[run].outcome.as_deref().unwrap_or("–")),
            Cell::number(Some(value), |value| line.unit.measured(value)),
        ]
    });
    let shifts = match told(line, &traced.bench).as_str() {
        "" => "No shift.".to_owned(),
        shifts => format!("{shifts}."),
    };
    Figure {
        title: line.name.clone(),
        definition: format!("One point for each run, oldest first. {shifts}"),
        drawing: Plot {
            about: About {
                id: id.to_owned(),
                title: format!("{} of {}", line.name, traced.bench.name),
                description: format!("{} over {} runs. {shifts}", line.name, runs.len()),
            },
            x: Axis::new("run", Spread::Linear),
            y: Axis::new(line.unit.name(), Spread::Linear),
            marks,
        }
        .draw(),
        numbers: Some(Table {
            caption: format!("{} of each run", line.name),
            head: ["ended", "commit", "outcome", "value"]
                .map(str::to_owned)
                .to_vec(),
            rows: rows.collect(),
        }),
    }
}

/// The medians between the shifts, with a gap at each shift; empty without one.
fn levels(line: &Line) -> Vec<(f64, f64)> {
    let Some(first) = line.shifts.first() else {
        return Vec::new();
    };
    let starts = std::iter::once((0, first.before));
    let starts = starts.chain(line.shifts.iter().map(|shift| (shift.run, shift.after)));
    let ends = line.shifts.iter().map(|shift| shift.after_run);
    let ends = ends.chain([line.values.len() - 1]);
    starts
        .zip(ends)
        .flat_map(|((start, level), end)| {
            let [start, end] = [start, end].map(|run| (run + 1) as f64);
            [(start, level), (end, level), (end, f64::NAN)]
        })
        .collect()
}
