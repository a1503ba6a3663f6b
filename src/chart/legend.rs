//! What the marks of a drawing are.

use super::{
    ink::Ink,
    path::Path,
    svg::{Anchor, LINE, Text, WIDTH, area, fitting, line, points, width},
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

/// The names of marks in rows from the top.
pub(super) struct Legend {
    pub(super) samples: Markup,
    pub(super) words: Vec<Text>,
    /// The height that they take.
    pub(super) high: f64,
}

pub(super) fn legend(entries: &[(Ink, Look, &str)], left: f64) -> Legend {
    const SAMPLE: f64 = 22.0;
    const APART: f64 = 12.0;
    let room = WIDTH - left;
    let (mut x, mut rows) = (left, 0.0);
    let (mut samples, mut words) = (Vec::new(), Vec::new());
    for (ink, look, name) in entries {
        let name = fitting(name, room - SAMPLE);
        let wide = SAMPLE + width(&name) + APART;
        if x > left && x + wide - APART > WIDTH {
            (x, rows) = (left, rows + 1.0);
        }
        let y = rows * LINE + 10.0;
        samples.push(sample(*ink, *look, x, y));
        words.push(Text::new(x + SAMPLE, y, Anchor::Start, name));
        x += wide;
    }
    let high = match entries {
        [] => 0.0,
        _ => (rows + 1.0) * LINE + 4.0,
    };
    Legend {
        samples: html! { @for sample in samples { (sample) } },
        words,
        high,
    }
}

fn sample(ink: Ink, look: Look, x: f64, y: f64) -> Markup {
    let solid = |opacity| {
        let mut path = Path::default();
        path.around(&[
            (x, y - 7.5),
            (x + 18.0, y - 7.5),
            (x + 18.0, y + 0.5),
            (x, y + 0.5),
        ]);
        area(path.text(), ink, opacity)
    };
    match look {
        Look::Line => {
            let path = Path::through([vec![(x, y - 3.5), (x + 18.0, y - 3.5)]]);
            line(path.text(), ink, 1.8)
        }
        Look::Point => points(ink, &[(x + 9.0, y - 3.5, String::new())]),
        Look::Area => solid(0.35),
        Look::Bar => solid(1.0),
    }
}
