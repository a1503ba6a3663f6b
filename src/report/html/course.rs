//! Latencies and load over the time of a run.

use super::{
    exhibit::Shown,
    words::{LATENCIES, cell, since, whole},
};
use crate::{
    chart::{About, Axis, Form, Ink, Mark, Plot, Spread},
    judge::number,
    metrics::{Course, Spot},
    page::{Cell, Figure, Table},
    report::facts::Facts,
};

pub(super) fn figures(shown: &Shown<'_>) -> Vec<Figure> {
    let latencies = LATENCIES
        .into_iter()
        .filter_map(|(key, short, _)| latency(shown, key, short));
    let load = shown.facts().filter_map(|(place, name, facts)| {
        Some(load(shown.id, place, name, facts, facts.course.as_ref()?))
    });
    latencies.chain(load).chain(in_flight(shown)).collect()
}

fn of<'a>(course: &'a Course, latency: &str) -> &'a [Spot] {
    match latency {
        "ttft" => &course.ttft_ms,
        "itl" => &course.itl_ms,
        "e2el" => &course.e2el_ms,
        _ => &[],
    }
}

/// The middle of each step, s.
fn middles(course: &Course) -> impl Iterator<Item = f64> {
    let step = course.step_s;
    (0..course.due.len()).map(move |place| (place as f64 + 0.5) * step)
}

fn latency(shown: &Shown<'_>, key: &str, short: &str) -> Option<Figure> {
    let mut marks = Vec::new();
    let mut rows = Vec::new();
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
        for (from, spot) in spots.iter().enumerate() {
            if let Some((p50, p99, max)) = spot {
                let mut row = vec![cell(Some(from as f64 * course.step_s))];
                row.extend([p50, p99, max].map(|value| cell(Some(*value))));
                if !name.is_empty() {
                    row.insert(0, Cell::text(name));
                }
                rows.push(row);
            }
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
    let mut head: Vec<String> = ["from, s", "p50, ms", "p99, ms", "max, ms"]
        .map(str::to_owned)
        .to_vec();
    if !shown.is_single() {
        head.insert(0, "result".to_owned());
    }
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
        numbers: Some(Table {
            caption: title.clone(),
            head,
            rows,
        }),
        title,
    })
}

fn seconds() -> Axis {
    Axis::new("time since the run's start, s", Spread::Linear).showing(0.0)
}

/// The ends that count in no number.
fn cut(facts: &Facts, course: &Course) -> Vec<Mark> {
    let Some(steady) = facts.steady else {
        return Vec::new();
    };
    let end = course.step_s * course.due.len() as f64;
    let spans = [(0.0, steady.from), (steady.to, end)];
    let spans = spans.into_iter().filter(|(from, to)| from < to).enumerate();
    spans
        .map(|(place, (from, to))| {
            let name = if place == 0 {
                "cut off: counts in no number"
            } else {
                ""
            };
            Mark::new(name, Ink::Quiet, Form::Between(from, to))
        })
        .collect()
}

fn load(id: &str, place: usize, name: &str, facts: &Facts, course: &Course) -> Figure {
    let line = |counts: &[u64]| {
        let rates = counts.iter().map(|count| *count as f64 / course.step_s);
        Form::Line(middles(course).zip(rates).collect())
    };
    let mut marks = cut(facts, course);
    marks.push(Mark::new(
        "due by the plan",
        Ink::Series(7),
        line(&course.due),
    ));
    marks.push(Mark::new("sent", Ink::Series(0), line(&course.sent)));
    marks.push(Mark::new(
        "completed",
        Ink::Series(2),
        line(&course.completed),
    ));
    if course.failed.iter().any(|failed| *failed > 0) {
        marks.push(Mark::new("failed", Ink::Bad, line(&course.failed)));
    }
    let title = if name.is_empty() {
        "Arrivals and completions".to_owned()
    } else {
        format!("Arrivals and completions: {name}")
    };
    let steps = 0..course.due.len();
    let rows = steps.map(|step| {
        let counts = [
            &course.due,
            &course.sent,
            &course.completed,
            &course.failed,
            &course.in_flight,
        ];
        let mut row = vec![cell(Some(step as f64 * course.step_s))];
        row.extend(
            counts.map(|counts| counts.get(step).map_or(Cell::Empty, |count| whole(*count))),
        );
        row
    });
    let all = |counts: &[u64]| counts.iter().sum::<u64>();
    Figure {
        definition: format!(
            "Requests a second in steps of {} s: due by the plan, sent, completed and failed. Where completions stay below \
             arrivals, a queue grows.",
            course.step_s
        ),
        drawing: Plot {
            about: About {
                id: format!("{id}-load{place}"),
                description: format!(
                    "{} requests were sent, {} completed and {} failed in {} s.",
                    all(&course.sent),
                    all(&course.completed),
                    all(&course.failed),
                    number(course.step_s * course.due.len() as f64),
                ),
                title: title.clone(),
            },
            x: seconds(),
            y: Axis::new("requests/s", Spread::Linear).showing(0.0),
            marks,
        }
        .draw(),
        numbers: Some(Table {
            caption: title.clone(),
            head: [
                "from, s",
                "due",
                "sent",
                "completed",
                "failed",
                "most in flight",
            ]
            .map(str::to_owned)
            .to_vec(),
            rows: rows.collect(),
        }),
        title,
    }
}

fn in_flight(shown: &Shown<'_>) -> Option<Figure> {
    let of: Vec<_> = shown
        .facts()
        .filter_map(|(place, name, facts)| Some((place, name, facts, facts.course.as_ref()?)))
        .collect();
    let marks = of.iter().flat_map(|(place, name, facts, course)| {
        let counts = course.in_flight.iter().map(|count| *count as f64);
        let line = Form::Line(middles(course).zip(counts).collect());
        let cut = if shown.is_single() {
            cut(facts, course)
        } else {
            Vec::new()
        };
        cut.into_iter()
            .chain([Mark::new(*name, Ink::Series(*place), line)])
    });
    let marks: Vec<_> = marks.collect();
    let (_, _, _, first) = of.first()?;
    let most = of.iter().flat_map(|(.., course)| &course.in_flight).max()?;
    let rows = of.iter().flat_map(|(_, name, _, course)| {
        let most = course.in_flight.iter().enumerate();
        most.map(|(step, most)| {
            let from = cell(Some(step as f64 * course.step_s));
            let mut row = vec![from, whole(*most)];
            if !name.is_empty() {
                row.insert(0, Cell::text(*name));
            }
            row
        })
    });
    let mut head = vec!["from, s".to_owned(), "most in flight".to_owned()];
    if !shown.is_single() {
        head.insert(0, "result".to_owned());
    }
    Some(Figure {
        title: "In flight".to_owned(),
        definition: format!(
            "The largest number of requests between their sending and their end at one moment of each step of {} s.",
            first.step_s
        ),
        drawing: Plot {
            about: About {
                id: format!("{}-in-flight", shown.id),
                title: "Requests in flight over the run".to_owned(),
                description: format!("At most {most} requests were in flight."),
            },
            x: seconds(),
            y: Axis::new("requests", Spread::Linear).showing(0.0),
            marks,
        }
        .draw(),
        numbers: Some(Table {
            caption: "Requests in flight over the run".to_owned(),
            head,
            rows: rows.collect(),
        }),
    })
}
