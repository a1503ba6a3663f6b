//! The steps of a run's course, and its time.

use crate::{
    chart::{Axis, Form, Ink, Mark, Spread},
    metrics::Course,
    report::facts::Facts,
};

/// The start of each step, s.
pub(super) fn starts(course: &Course) -> impl Iterator<Item = f64> {
    let step = course.step_s;
    // Without the noise of the last digits: to the nanosecond.
    (0..course.due.len()).map(move |place| (place as f64 * step * 1e9).round() / 1e9)
}

/// The middle of each step, s.
pub(super) fn middles(course: &Course) -> impl Iterator<Item = f64> {
    let half = course.step_s / 2.0;
    starts(course).map(move |start| start + half)
}

/// The axis of time.
pub(super) fn seconds() -> Axis {
    Axis::new("time since the run's start, s", Spread::Linear).showing(0.0)
}

/// The ends that count in no number.
pub(super) fn cut(facts: &Facts, course: &Course) -> Vec<Mark> {
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
