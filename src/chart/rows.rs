//! A drawing with one axis and a row for each thing.

use super::{
    axis::Axis,
    ink::Ink,
    legend::{Look, legend},
    path::Path,
    scale::Scale,
    svg::{
        About, Anchor, LINE, Readable, Text, WIDTH, area, areas, drawing, fitting, grid, line,
        points, texts, width,
    },
};
use maud::{Markup, html};

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
        let legend = legend(&entries, 0.0);
        let mut words = legend.words;
        let mut top = legend.high + 2.0;
        let mut placed = Vec::new();
        for row in &self.rows {
            if !row.label.is_empty() {
                top += LINE;
                let note = fitting(&row.note, WIDTH * 0.6);
                let label = fitting(&row.label, WIDTH - width(&note) - 10.0);
                words.push(Text::new(0.0, top - 3.0, Anchor::Start, label));
                words.push(Text::new(WIDTH, top - 3.0, Anchor::End, note));
            }
            placed.push((row, top));
            top += HIGH + 8.0;
        }
        let bottom = top - 2.0;
        let mut lines = Path::default();
        let mut free = 0.0_f64;
        for value in scale.ticks(5) {
            let word = self.axis.word(value);
            let half = width(&word) / 2.0;
            let place = at(&scale, value).filter(|x| x - half >= free && x + half <= WIDTH);
            if let Some(x) = place {
                free = x + half + 6.0;
                lines.line(&[(x, legend.high), (x, bottom + 3.0)]);
                words.push(Text::new(x, bottom + 14.0, Anchor::Middle, word));
            }
        }
        words.push(Text::new(
            WIDTH,
            bottom + 28.0,
            Anchor::End,
            &self.axis.name,
        ));
        let inner = html! {
            (grid(lines.text()))
            (legend.samples)
            (texts(&words))
            (bars(&placed, &scale))
            @for (row, top) in &placed {
                @for item in &row.items { (draw(item, &scale, *top)) }
            }
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

/// The bars of all rows by their ink, in the order in which inks are first used: a later one lies on those before.
fn bars(rows: &[(&Row, f64)], scale: &Scale) -> Markup {
    let mut inks: Vec<(Ink, Vec<(Path, &str)>)> = Vec::new();
    let mut hollow = Vec::new();
    for (row, top) in rows {
        for item in &row.items {
            let Item::Bar(from, to, ink, weight, said) = item else {
                continue;
            };
            let Some((from, to)) = at(scale, *from).zip(at(scale, *to)) else {
                continue;
            };
            let half = match weight {
                Weight::Thin => 1.0,
                Weight::Half => HIGH / 4.0,
                Weight::Full | Weight::Hollow => HIGH / 2.0,
            };
            let middle = top + HIGH / 2.0;
            // What takes no time at this scale is still there.
            let path = around(from, to.max(from + 0.6), middle - half, middle + half);
            if *weight == Weight::Hollow {
                hollow.push(line(path.text(), *ink, 1.0));
                continue;
            }
            match inks.iter_mut().find(|(other, _)| other == ink) {
                Some((_, bars)) => bars.push((path, said)),
                None => inks.push((*ink, vec![(path, said)])),
            }
        }
    }
    html! {
        @for line in hollow { (line) }
        @for (ink, bars) in &inks { (areas(*ink, bars)) }
    }
}

fn around(from: f64, to: f64, up: f64, down: f64) -> Path {
    let mut path = Path::default();
    path.around(&[(from, up), (to, up), (to, down), (from, down)]);
    path
}

fn draw(item: &Item, scale: &Scale, top: f64) -> Markup {
    let (middle, bottom) = (top + HIGH / 2.0, top + HIGH);
    let place = |value: f64| at(scale, value);
    let drawn = match item {
        // They are below everything else.
        Item::Bar(..) => None,
        Item::Interval(low, high, ink) => {
            let (up, down) = (middle - 4.0, middle + 4.0);
            let (from, to) = (low.and_then(place), high.and_then(place));
            let (left, right) = (from.unwrap_or(2.0), to.unwrap_or(WIDTH - 2.0));
            let start = match from {
                Some(x) => vec![(x, up), (x, down)],
                None => vec![(left + 4.0, up), (left, middle), (left + 4.0, down)],
            };
            let end = match to {
                Some(x) => vec![(x, up), (x, down)],
                None => vec![(right - 4.0, up), (right, middle), (right - 4.0, down)],
            };
            let path = Path::through([vec![(left, middle), (right, middle)], start, end]);
            Some(line(path.text(), *ink, 2.2))
        }
        Item::Point(value, ink, said) => {
            place(*value).map(|x| points(*ink, &[(x, middle, said.clone())]))
        }
        Item::Limit(value, ink) => place(*value).map(|x| {
            let path = Path::through([vec![(x, top - 1.0), (x, bottom + 1.0)]]);
            line(path.text(), *ink, 1.6)
        }),
        Item::Tick(value, ink) => place(*value).map(|x| {
            let path = Path::through([vec![(x, bottom - 2.0), (x, bottom + 3.0)]]);
            line(path.text(), *ink, 1.0)
        }),
        Item::Allowed(from, to, ink) => {
            let from = from.map_or(Some(0.0), place);
            let to = to.map_or(Some(WIDTH), place);
            from.zip(to)
                .map(|(from, to)| area(around(from, to, top, bottom).text(), *ink, 0.14))
        }
    };
    drawn.unwrap_or_default()
}
