//! Latencies over the time of a run.

use super::{
    columns::{self, Column},
    exhibit::Shown,
    load,
    steps::{cut, middles, seconds, starts},
    words::{LATENCIES, cell, since},
};
use crate::{
    chart::{About, Axis, Form, Ink, Mark, Plot, Spread},
    metrics::{Course, Spot},
    page::{Cell, Figure},
};

pub(super) fn figures(shown: &Shown<'_>) -> Vec<Figure> {
    let latencies = LATENCIES
        .into_iter()
        .filter_map(|(key, short, _)| latency(shown, key, short));
    latencies.chain(load::figures(shown)).collect()
}

fn of<'a>(course: &'a Course, latency: &str) -> &'a [Spot] {
    match latency {
        "ttft" => &course.ttft_ms,
        "itl" => &course.itl_ms,
        "e2el" => &course.e2el_ms,
        _ => &[],
    }
}

fn latency(shown: &Shown<'_>, key: &str, short: &str) -> Option<Figure> {
    let mut marks = Vec::new();
    let mut columns: Vec<Column> = Vec::new();
    let mut first = None;
    for (place, name, facts) in shown.facts() {
        let Some(course) = &facts.course else {
            continue;
        };
        let spots = of(course, key);
        if spots.iter().all(Option::is_none) {
            continue;
        }
        let line = |value: fn(&(f64, f64, f64)) -> f64| {
            let spots = spots
                .iter()
                .map(move |spot| spot.as_ref().map_or(f64::NAN, value));
            Form::Line(middles(course).zip(spots).collect())
        };
        if shown.is_single() {
            marks.extend(cut(facts, course));
            let band = middles(course).zip(spots).map(|(at, spot)| {
                let (p50, p99, _) = spot.unwrap_or((f64::NAN, f64::NAN, f64::NAN));
                (at, p50, p99)
            });
            marks.push(Mark::new("", Ink::Series(1), Form::Band(band.collect())));
            marks.push(Mark::new("p99", Ink::Series(1), line(|(_, p99, _)| *p99)));
            marks.push(Mark::new("p50", Ink::Series(0), line(|(p50, ..)| *p50)));
        } else {
            marks.push(Mark::new(
                name,
                Ink::Series(place),
                line(|(_, p99, _)| *p99),
            ));
        }
        first = first.or(Some((facts, course)));
        let column = |value: fn(&(f64, f64, f64)) -> f64| {
            let steps = starts(course).zip(spots);
            steps
                .map(|(from, spot)| (from, cell(spot.as_ref().map(value))))
                .filter(|(_, cell)| *cell != Cell::Empty)
                .collect()
        };
        if shown.is_single() {
            columns.push(("p50, ms".to_owned(), column(|(p50, ..)| *p50)));
            columns.push(("p99, ms".to_owned(), column(|(_, p99, _)| *p99)));
            columns.push(("max, ms".to_owned(), column(|(.., max)| *max)));
        } else {
            columns.push((format!("{name}: p99, ms"), column(|(_, p99, _)| *p99)));
        }
    }
    let (facts, course) = first?;
    if let Some(limit) = facts.limit(key).filter(|_| shown.is_single()) {
        marks.push(Mark::new(
            "limit of a good request",
            Ink::Limit,
            Form::Level(limit),
        ));
    }
    let counted = match key {
        "itl" => "by when a gap ends".to_owned(),
        _ => format!(
            "by when a request's latency starts, {}",
            since(facts.open_loop)
        ),
    };
    let which = if shown.is_single() {
        "p50 and p99"
    } else {
        "p99"
    };
    let title = format!("{short} over the run");
    let plot = Plot {
        about: About {
            id: format!("{}-{key}-course", shown.id),
            description: format!("{title}: {which} in steps of {} s.", course.step_s),
            title: title.clone(),
        },
        x: seconds(),
        y: Axis::new("ms", Spread::Linear).showing(0.0),
        marks,
    };
    Some(Figure {
        definition: format!(
            "{which} of the {short} of successful requests in steps of {} s, {counted}.",
            course.step_s
        ),
        drawing: plot.draw(),
        numbers: Some(columns::table(&title, "from, s", &columns)),
        title,
    })
}
