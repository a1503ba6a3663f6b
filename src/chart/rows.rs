//! A drawing with one axis and a row for each thing.

use super::{
    axis::Axis,
    ink::Ink,
    legend::{Look, legend},
    scale::Scale,
    svg::{
        About, Anchor, LINE, Px, Readable, WIDTH, area, drawing, fitting, grid, line, point, text,
        width,
    },
};
use maud::{Markup, html};
use std::fmt::Write;

/// A drawing with one axis and a row for each thing.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    pub(crate) about: About,
    pub(crate) axis: Axis,
    pub(crate) rows: Vec<Row>,
    /// What inks mean, where the rows do not say it.
    pub(crate) legend: Vec<(Ink, String)>,
}

/// One row: a label above a line of marks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row {
    /// On the left; empty for no line of text.
    pub(crate) label: String,
    /// On the right.
    pub(crate) note: String,
    /// What is drawn, the first at the back.
    pub(crate) items: Vec<Item>,
}

/// Something in a row, in the units of the axis.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    /// A bar, with what a browser says about it.
    Bar(f64, f64, Ink, Weight, String),
    /// Where a number lies; an end that is not known is an arrow.
    Interval(Option<f64>, Option<f64>, Ink),
    /// A point, with what a browser says about it.
    Point(f64, Ink, String),
    /// A line across the row.
    Limit(f64, Ink),
    /// A short line: one of several values.
    Tick(f64, Ink),
    /// Everything from one value to another, `None` for the ends of the axis.
    Allowed(Option<f64>, Option<f64>, Ink),
}

/// How high a bar is: what it is shows without its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// A line at the middle.
    Thin,
    /// Half the height.
    Half,
    /// The whole height.
    Full,
    /// An outline.
    Hollow,
}

/// Height of the marks of a row.
const HIGH: f64 = 14.0;
/// Room on either side, for the words of ticks.
const SIDE: f64 = 14.0;

impl Item {
    fn values(&self) -> Vec<f64> {
        match self {
            Item::Bar(from, to, ..) => vec![*from, *to],
            Item::Interval(low, high, _) => low.iter().chain(high).copied().collect(),
            Item::Point(at, ..) | Item::Limit(at, _) | Item::Tick(at, _) => vec![*at],
            Item::Allowed(..) => Vec::new(),
        }
    }
}

impl Rows {
    /// Draws it.
    pub(crate) fn draw(&self) -> Markup {
        let items = self.rows.iter().flat_map(|row| &row.items);
        let scale = self.axis.scale(items.flat_map(Item::values));
        let entries: Vec<_> = self
            .legend
            .iter()
            .map(|(ink, name)| (*ink, Look::Bar, name.as_str()))
            .collect();
        let (legend, taken) = legend(&entries, 0.0);
        let mut top = taken + 2.0;
        let mut placed = Vec::new();
        for row in &self.rows {
            if !row.label.is_empty() {
                top += LINE;
            }
            placed.push((row, top));
            top += HIGH + 8.0;
        }
        let bottom = top - 2.0;
        let mut free = f64::MIN;
        let ticks = scale.ticks(5).into_iter().filter_map(|value| {
            let word = self.axis.word(value);
            let half = width(&word) / 2.0;
            let x = at(&scale, value)?;
            let fits = x - half >= free.max(0.0) && x + half <= WIDTH;
            if fits {
                free = x + half + 6.0;
            }
            fits.then_some((x, word))
        });
        let ticks: Vec<_> = ticks.collect();
        let inner = html! {
            (legend)
            @for (x, word) in &ticks {
                (grid((*x, taken), (*x, bottom + 3.0)))
                (text(*x, bottom + 14.0, Anchor::Middle, word))
            }
            @for (row, top) in placed {
                @if !row.label.is_empty() {
                    @let note = fitting(&row.note, WIDTH * 0.6);
                    (text(0.0, top - 3.0, Anchor::Start, &fitting(&row.label, WIDTH - width(&note) - 10.0)))
                    @if !note.is_empty() { (text(WIDTH, top - 3.0, Anchor::End, &note)) }
                }
                @for item in &row.items { (draw(item, &scale, top)) }
            }
            @if !self.axis.name.is_empty() { (text(WIDTH, bottom + 28.0, Anchor::End, &self.axis.name)) }
        };
        let named = if self.axis.name.is_empty() { 0.0 } else { LINE };
        drawing(
            &self.about,
            bottom + 20.0 + named,
            &Readable::default(),
            &inner,
        )
    }
}

fn at(scale: &Scale, value: f64) -> Option<f64> {
    Some(SIDE + scale.place(value)? * (WIDTH - 2.0 * SIDE))
}

fn draw(item: &Item, scale: &Scale, top: f64) -> Markup {
    let middle = top + HIGH / 2.0;
    let place = |value: f64| at(scale, value);
    let drawn = match item {
        Item::Bar(from, to, ink, weight, said) => place(*from).zip(place(*to)).map(|(from, to)| {
            let half = match weight {
                Weight::Thin => 1.0,
                Weight::Half => HIGH / 4.0,
                Weight::Full | Weight::Hollow => HIGH / 2.0,
            };
            // What takes no time at this scale is still there.
            let to = to.max(from + 0.6);
            let (up, down) = (Px(middle - half), Px(middle + half));
            let path = format!("M{} {up}H{}V{down}H{}Z", Px(from), Px(to), Px(from));
            match weight {
                Weight::Hollow => line(&path, *ink, 1.0),
                _ => area(&path, *ink, 1.0, Some(said)),
            }
        }),
        Item::Interval(low, high, ink) => {
            let (from, to) = (low.and_then(place), high.and_then(place));
            let mut path = format!(
                "M{} {}H{}",
                Px(from.unwrap_or(2.0)),
                Px(middle),
                Px(to.unwrap_or(WIDTH - 2.0))
            );
            let _ = match from {
                Some(x) => write!(path, "M{} {}v8", Px(x), Px(middle - 4.0)),
                None => write!(path, "M6 {}l-4 4l4 4", Px(middle - 4.0)),
            };
            let _ = match to {
                Some(x) => write!(path, "M{} {}v8", Px(x), Px(middle - 4.0)),
                None => write!(path, "M{} {}l4 4l-4 4", Px(WIDTH - 6.0), Px(middle - 4.0)),
            };
            Some(line(&path, *ink, 2.2))
        }
        Item::Point(value, ink, said) => place(*value).map(|x| point(x, middle, *ink, said)),
        Item::Limit(value, ink) => place(*value).map(|x| {
            let path = format!("M{} {}V{}", Px(x), Px(top - 1.0), Px(top + HIGH + 1.0));
            line(&path, *ink, 1.6)
        }),
        Item::Tick(value, ink) => place(*value).map(|x| {
            let path = format!("M{} {}v5", Px(x), Px(top + HIGH - 2.0));
            line(&path, *ink, 1.0)
        }),
        Item::Allowed(from, to, ink) => {
            let from = from.map_or(Some(0.0), place);
            let to = to.map_or(Some(WIDTH), place);
            from.zip(to).map(|(from, to)| {
                let (up, down) = (Px(top), Px(top + HIGH));
                let path = format!("M{} {up}H{}V{down}H{}Z", Px(from), Px(to), Px(from));
                area(&path, *ink, 0.14, None)
            })
        }
    };
    drawn.unwrap_or_default()
}
