//! What the marks of a drawing are.

use super::{
    ink::Ink,
    svg::{Anchor, LINE, WIDTH, fitting, line, point, text, width},
};
use maud::{Markup, html};

/// How a mark looks in the legend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Line,
    Point,
    Area,
    Bar,
}

/// The names of marks in rows from the top, and the height that they take.
pub(super) fn legend(entries: &[(Ink, Look, &str)], left: f64) -> (Markup, f64) {
    const SAMPLE: f64 = 22.0;
    const APART: f64 = 12.0;
    let room = WIDTH - left;
    let (mut x, mut rows) = (left, 0.0);
    let mut placed = Vec::new();
    for (ink, look, name) in entries {
        let name = fitting(name, room - SAMPLE);
        let wide = SAMPLE + width(&name) + APART;
        if x > left && x + wide - APART > WIDTH {
            (x, rows) = (left, rows + 1.0);
        }
        placed.push((*ink, *look, x, rows * LINE + 10.0, name));
        x += wide;
    }
    let height = if placed.is_empty() {
        0.0
    } else {
        (rows + 1.0) * LINE + 4.0
    };
    let markup = html! {
        @for (ink, look, x, y, name) in placed {
            @match look {
                Look::Line => (line(&format!("M{x} {}h18", y - 3.5), ink, 1.8)),
                Look::Point => (point(x + 9.0, y - 3.5, ink, &name)),
                Look::Area | Look::Bar => (super::svg::area(&format!("M{x} {}h18v8h-18Z", y - 7.5), ink, if look == Look::Bar { 1.0 } else { 0.35 }, None)),
            }
            (text(x + SAMPLE, y, Anchor::Start, &name))
        }
    };
    (markup, height)
}
