//! What browsers are shown.

use super::{
    course::{Course, Spot},
    message::EndedBench,
    running::Running,
    state::State,
};
use crate::{
    chart::{About, Axis, Form, Ink, Mark, Plot, Spread},
    judge::number,
    metrics::{LatencyHistogram, one_line},
    page::{Cell, Figure, Markup, Table, html, section},
    redact,
};
use bytes::Bytes;
use maud::DOCTYPE;
use std::time::Instant;

pub(super) use crate::page::STYLE;
pub(super) const SCRIPT: &str = include_str!("live.js");

/// The page as it is now.
pub(super) fn page(state: &State) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // A browser asks for no file.
                link rel="icon" href="data:,";
                link rel="stylesheet" href="style.css";
                title { "goodput, live" }
            }
            body {
                main { (shown(state)) }
                footer {
                    p #note role="status" {}
                    p { "goodput " (env!("CARGO_PKG_VERSION")) }
                }
                script src="live.js" defer {}
            }
        }
    };
    page.into_string()
}

/// An event with the page's contents.
pub(super) fn event(name: &str, state: &State) -> Bytes {
    let mut event = format!("event: {name}\n");
    // A browser puts the lines together again.
    for line in shown(state).into_string().lines() {
        event += &format!("data: {line}\n");
    }
    Bytes::from(event + "\n")
}

fn shown(state: &State) -> Markup {
    html! {
        @if let Some(running) = &state.running {
            (now(running, state))
        } @else if !state.over {
            h1 { "goodput" }
            p.about { "Nothing is measured yet." }
        }
        @if !state.ended.is_empty() {
            (section("ended", "Ended", &ended(&state.ended)))
        }
    }
}

fn ended(benches: &[EndedBench]) -> Markup {
    html! {
        @for bench in benches {
            h3 { (text(&bench.name)) ": " (bench.word) }
            ul.lines { @for line in &bench.lines { li { (text(line)) } } }
        }
    }
}

fn now(running: &Running, state: &State) -> Markup {
    let setup = &running.subject.setup;
    html! {
        h1 { (text(&setup.name)) }
        p.about {
            (text(&setup.target)) ", " (setup.backend)
            @if state.over { ". The command has ended; these are the last numbers." }
        }
        div.verdict {
            strong {
                @match &running.so_far {
                    Some(so_far) => { "so far: " (so_far.word) }
                    None if state.over => { "ended" }
                    None => { "running" }
                }
            }
        }
        @if let Some(so_far) = &running.so_far {
            p.definition { "Of the " (so_far.requests) " requests that have ended first. Fast answers end first, so this can change." }
            ul.lines { @for line in &so_far.lines { li { (text(line)) } } }
        }
        (section("numbers", "So far", &html! { (counts(running)) (latencies(running)) }))
        @if !running.errors.is_empty() { (section("errors", "Errors", &html! { (errors(running)) })) }
        (section("course", "Over the run", &html! {
            div.figures { @for figure in figures(&running.course) { (figure) } }
        }))
    }
}

/// A text of another program.
fn text(text: &str) -> String {
    redact::text(&one_line(text))
}

fn whole(value: u64) -> Cell {
    Cell::number(Some(value as f64), |_| value.to_string())
}

fn counts(running: &Running) -> Table {
    let last = running.course.spots.last();
    let rate = |of: fn(&Spot) -> f64| Cell::number(last.map(of), number);
    let mut rows = vec![
        (
            "seconds",
            Cell::number(Some(running.seconds(Instant::now())), |s| format!("{s:.0}")),
        ),
        (
            "requests planned",
            whole(running.subject.setup.requests as u64),
        ),
        ("requests sent", whole(running.sent())),
        ("in flight", whole(running.in_flight())),
        ("succeeded", whole(running.completed)),
        ("failed", whole(running.failed)),
        ("rate asked for, req/s", rate(|spot| spot.asked)),
        ("rate delivered, req/s", rate(|spot| spot.sent)),
    ];
    if running.left_out() > 0 {
        rows.push(("ended, but left out here", whole(running.left_out())));
    }
    Table {
        caption: "Requests so far".to_owned(),
        head: ["", "so far"].map(str::to_owned).to_vec(),
        rows: rows
            .into_iter()
            .map(|(name, cell)| vec![Cell::text(name), cell])
            .collect(),
    }
}

fn latencies(running: &Running) -> Table {
    let row = |name: &str, latencies: &LatencyHistogram| {
        let at = |percent| Cell::number(Some(latencies.percentile_ms(percent)), number);
        vec![Cell::text(name), at(50.0), at(90.0), at(99.0)]
    };
    Table {
        caption: "Latencies so far".to_owned(),
        head: ["ms", "p50", "p90", "p99"].map(str::to_owned).to_vec(),
        rows: vec![
            row("TTFT", &running.ttft),
            row("ITL", &running.itl),
            row("E2EL", &running.e2el),
        ],
    }
}

fn errors(running: &Running) -> Table {
    let rows = running.errors.iter();
    let rows = rows.map(|(kind, count)| vec![Cell::text(*kind), whole(*count)]);
    Table {
        caption: "Failed requests by kind".to_owned(),
        head: ["kind", "requests"].map(str::to_owned).to_vec(),
        rows: rows.collect(),
    }
}

/// A curve: its name, and its value at a spot.
type Curve = (&'static str, fn(&Spot) -> f64);

fn figures(course: &Course) -> Vec<Figure> {
    let figure = |id: &str, title: &str, unit: &str, definition: &str, curves: &[Curve]| {
        let marks = curves.iter().enumerate().map(|(place, (name, of))| {
            let points = course.spots.iter().map(|spot| (spot.at, of(spot)));
            Mark::new(*name, Ink::Series(place), Form::Line(points.collect()))
        });
        let plot = Plot {
            about: About {
                id: format!("live-{id}"),
                title: title.to_owned(),
                description: format!("{title} over the run, {unit}."),
            },
            x: Axis::new("s", Spread::Linear).showing(0.0),
            y: Axis::new(unit, Spread::Linear).showing(0.0),
            marks: marks.collect(),
        };
        Figure {
            title: title.to_owned(),
            definition: definition.to_owned(),
            drawing: plot.draw(),
            numbers: None,
        }
    };
    vec![
        figure(
            "rate",
            "Rate",
            "req/s",
            "Requests that the plan asks for, and requests sent.",
            &[
                ("asked for", |spot| spot.asked),
                ("delivered", |spot| spot.sent),
            ],
        ),
        figure(
            "in-flight",
            "In flight",
            "requests",
            "Requests that were sent and have not ended.",
            &[("", |spot| spot.in_flight)],
        ),
        figure(
            "ttft",
            "TTFT",
            "ms",
            "Of the requests that ended in each step; from the plan in open loop.",
            &[("p50", |spot| spot.ttft[0]), ("p99", |spot| spot.ttft[1])],
        ),
        figure(
            "itl",
            "ITL",
            "ms",
            "Gaps between token events of the requests that ended in each step.",
            &[("p50", |spot| spot.itl[0]), ("p99", |spot| spot.itl[1])],
        ),
    ]
}
