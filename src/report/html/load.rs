//! Requests over the time of a run: when they came, when they ended, and how many were there at once.

use super::{
    columns::{self, Column},
    exhibit::Shown,
    steps::{cut, middles, seconds, starts},
    words::whole,
};
use crate::{
    chart::{About, Axis, Form, Ink, Mark, Plot, Spread},
    judge::number,
    metrics::Course,
    page::{Cell, Figure},
    report::facts::Facts,
};

/// Something that is counted in each step of a run.
struct Count {
    /// The end of the figure's id.
    key: &'static str,
    title: &'static str,
    /// What is drawn; the length of a step follows.
    definition: &'static str,
    /// The name of the column of a single result.
    column: &'static str,
    of: fn(&Course) -> &[u64],
    /// Whether it is drawn as a rate.
    a_second: bool,
}

const IN_FLIGHT: Count = Count {
    key: "in-flight",
    title: "In flight",
    definition: "The largest number of requests between their sending and their end at one moment of each step of",
    column: "most in flight",
    of: |course| &course.in_flight,
    a_second: false,
};

/// What several results have in a figure each, and a single result in one.
const EACH: [Count; 3] = [
    Count {
        key: "sent",
        title: "Sent",
        definition: "Requests sent a second, in steps of",
        column: "sent",
        of: |course| &course.sent,
        a_second: true,
    },
    Count {
        key: "completed",
        title: "Completed",
        definition: "Requests completed a second. Where they stay below those sent, a queue grows. In steps of",
        column: "completed",
        of: |course| &course.completed,
        a_second: true,
    },
    Count {
        key: "failed",
        title: "Failed",
        definition: "Requests failed a second, in steps of",
        column: "failed",
        of: |course| &course.failed,
        a_second: true,
    },
];

pub(super) fn figures(shown: &Shown<'_>) -> Vec<Figure> {
    let courses: Vec<_> = shown
        .facts()
        .filter_map(|(place, name, facts)| Some((place, name, facts, facts.course.as_ref()?)))
        .collect();
    let mut figures = Vec::new();
    if shown.is_single() {
        let only = courses.iter();
        figures.extend(only.map(|(_, _, facts, course)| arrivals(shown.id, facts, course)));
    } else {
        let each = EACH
            .iter()
            .filter_map(|count| figure(shown.id, &courses, count));
        figures.extend(each);
    }
    figures.extend(figure(shown.id, &courses, &IN_FLIGHT));
    figures
}

/// A result that has a course: its place, its name, which is empty for a single one, and what is known.
type Of<'a> = (usize, &'a str, &'a Facts, &'a Course);

/// One count of all results; `None` if it is 0 throughout.
fn figure(id: &str, courses: &[Of<'_>], count: &Count) -> Option<Figure> {
    let counts = courses.iter().flat_map(|(.., course)| (count.of)(course));
    let most = counts.max().filter(|most| **most > 0)?;
    let mut marks = Vec::new();
    let mut columns: Vec<Column> = Vec::new();
    for (place, name, facts, course) in courses {
        let counts = (count.of)(course);
        let column = if name.is_empty() {
            marks.extend(cut(facts, course));
            count.column
        } else {
            name
        };
        let step = if count.a_second { course.step_s } else { 1.0 };
        marks.push(Mark::new(
            *name,
            Ink::Series(*place),
            line(course, counts, step),
        ));
        columns.push((column.to_owned(), by_step(course, counts)));
    }
    let (.., first) = courses.first()?;
    let title = count.title.to_owned();
    let unit = if count.a_second {
        "requests/s"
    } else {
        "requests"
    };
    Some(Figure {
        definition: format!("{} {} s.", count.definition, first.step_s),
        drawing: Plot {
            about: About {
                id: format!("{id}-{}", count.key),
                title: format!("{title} over the run"),
                description: format!("At most {most} in a step."),
            },
            x: seconds(),
            y: Axis::new(unit, Spread::Linear).showing(0.0),
            marks,
        }
        .draw(),
        numbers: Some(columns::table(
            &format!("{title} over the run"),
            "from, s",
            &columns,
        )),
        title,
    })
}

/// What was due, was sent and ended in a single result.
fn arrivals(id: &str, facts: &Facts, course: &Course) -> Figure {
    let rate = |counts: &[u64]| line(course, counts, course.step_s);
    let mut marks = cut(facts, course);
    let due = Mark::new("due by the plan", Ink::Series(7), rate(&course.due));
    let sent = Mark::new("sent", Ink::Series(0), rate(&course.sent));
    let completed = Mark::new("completed", Ink::Series(2), rate(&course.completed));
    marks.extend([due, sent, completed]);
    if course.failed.iter().any(|failed| *failed > 0) {
        marks.push(Mark::new("failed", Ink::Bad, rate(&course.failed)));
    }
    let due: Column = ("due".to_owned(), by_step(course, &course.due));
    let each = EACH.map(|count| {
        let counts = (count.of)(course);
        (count.column.to_owned(), by_step(course, counts))
    });
    let columns: Vec<Column> = [due].into_iter().chain(each).collect();
    let all = |counts: &[u64]| counts.iter().sum::<u64>();
    let title = "Arrivals and completions".to_owned();
    Figure {
        definition: format!(
            "Requests a second in steps of {} s: due by the plan, sent, completed and failed. Where completions stay below \
             arrivals, a queue grows.",
            course.step_s
        ),
        drawing: Plot {
            about: About {
                id: format!("{id}-load"),
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
        numbers: Some(columns::table(&title, "from, s", &columns)),
        title,
    }
}

fn line(course: &Course, counts: &[u64], step: f64) -> Form {
    let rates = counts.iter().map(|count| *count as f64 / step);
    Form::Line(middles(course).zip(rates).collect())
}

/// Counts by the start of their step.
fn by_step(course: &Course, counts: &[u64]) -> Vec<(f64, Cell)> {
    let counts = counts.iter().map(|count| whole(*count));
    starts(course).zip(counts).collect()
}
