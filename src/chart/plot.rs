//! A drawing with two axes.

use super::{
    axis::Axis,
    ink::Ink,
    legend::{Look, legend},
    scale::Scale,
    svg::{
        About, Anchor, LINE, Px, Readable, WIDTH, area, drawing, grid, line, named_line, point,
        text, width,
    },
    thin::thin,
};
use maud::{Markup, html};
use std::fmt::Write;

/// Height of the field between the axes.
const FIELD: f64 = 160.0;

/// A drawing with two axes.
#[derive(Debug, Clone)]
pub(crate) struct Plot {
    pub(crate) about: About,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    /// What is drawn, the first at the back.
    pub(crate) marks: Vec<Mark>,
}

/// Something in a plot.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    /// What the legend calls it; empty if it needs no name there.
    pub(crate) name: String,
    pub(crate) ink: Ink,
    pub(crate) form: Form,
}

/// The form of a mark, in the units of the axes. A value that is NaN leaves a gap.
#[derive(Debug, Clone)]
pub(crate) enum Form {
    /// A line from point to point, from left to right.
    Line(Vec<(f64, f64)>),
    /// A line that keeps its height up to the next point.
    Steps(Vec<(f64, f64)>),
    /// The area between two heights: place, low, high.
    Band(Vec<(f64, f64, f64)>),
    /// Bars from the lower end of the axis: from, to, height.
    Bars(Vec<(f64, f64, f64)>),
    /// Points, each with what a browser says about it.
    Points(Vec<(f64, f64, String)>),
    /// A line across at this place of the axis below.
    Upright(f64),
    /// A line across at this height.
    Level(f64),
    /// The area between two places of the axis below.
    Between(f64, f64),
}

impl Mark {
    /// A mark with a name.
    pub(crate) fn new(name: impl Into<String>, ink: Ink, form: Form) -> Self {
        Mark {
            name: name.into(),
            ink,
            form,
        }
    }

    fn look(&self) -> Look {
        match self.form {
            Form::Line(_) | Form::Steps(_) | Form::Upright(_) | Form::Level(_) => Look::Line,
            Form::Points(_) => Look::Point,
            Form::Band(_) | Form::Bars(_) | Form::Between(..) => Look::Area,
        }
    }
}

impl Form {
    fn xs(&self) -> Vec<f64> {
        match self {
            Form::Line(points) | Form::Steps(points) => points.iter().map(|(x, _)| *x).collect(),
            Form::Band(spans) => spans.iter().map(|(x, ..)| *x).collect(),
            Form::Bars(bars) => bars.iter().flat_map(|(from, to, _)| [*from, *to]).collect(),
            Form::Points(points) => points.iter().map(|(x, ..)| *x).collect(),
            Form::Upright(x) => vec![*x],
            Form::Level(_) => Vec::new(),
            Form::Between(from, to) => vec![*from, *to],
        }
    }

    fn ys(&self) -> Vec<f64> {
        match self {
            Form::Line(points) | Form::Steps(points) => points.iter().map(|(_, y)| *y).collect(),
            Form::Band(spans) => spans
                .iter()
                .flat_map(|(_, low, high)| [*low, *high])
                .collect(),
            Form::Bars(bars) => bars.iter().map(|(.., height)| *height).collect(),
            Form::Points(points) => points.iter().map(|(_, y, _)| *y).collect(),
            Form::Upright(_) | Form::Between(..) => Vec::new(),
            Form::Level(y) => vec![*y],
        }
    }
}

/// The field in which marks are drawn.
struct Field {
    x: Scale,
    y: Scale,
    left: f64,
    top: f64,
    wide: f64,
}

impl Field {
    fn across(&self, value: f64) -> Option<f64> {
        Some(self.left + self.x.place(value)? * self.wide)
    }

    fn up(&self, value: f64) -> Option<f64> {
        Some(self.top + FIELD - self.y.place(value)? * FIELD)
    }

    fn at(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        Some((self.across(x)?, self.up(y)?))
    }

    fn readable(&self) -> Readable {
        let axis = |scale: &Scale, from: f64, to: f64| {
            Some(format!("{} {} {}", scale.words(), Px(from), Px(to)))
        };
        Readable {
            x: axis(&self.x, self.left, self.left + self.wide),
            y: axis(&self.y, self.top + FIELD, self.top),
        }
    }

    /// Points in pixels, in runs without gaps.
    fn runs(&self, points: &[(f64, f64)]) -> Vec<Vec<(f64, f64)>> {
        let placed: Vec<_> = points.iter().map(|point| self.at(*point)).collect();
        let runs = placed.split(Option::is_none);
        let runs = runs.map(|run| run.iter().copied().flatten().collect::<Vec<_>>());
        runs.filter(|run| !run.is_empty()).collect()
    }
}

impl Plot {
    /// Draws it.
    pub(crate) fn draw(&self) -> Markup {
        let y = self
            .y
            .scale(self.marks.iter().flat_map(|mark| mark.form.ys()));
        let xs: Vec<f64> = self.marks.iter().flat_map(|mark| mark.form.xs()).collect();
        let x = self.x.tight_scale(&xs);
        let heights = apart(ticks(&y, 5, &self.y), &y);
        let labels = heights.iter().map(|(_, word)| width(word));
        let left = labels.fold(18.0, f64::max) + 8.0;
        let named = self.marks.iter().filter(|mark| !mark.name.is_empty());
        let entries: Vec<_> = named
            .map(|mark| (mark.ink, mark.look(), mark.name.as_str()))
            .collect();
        let (legend, taken) = legend(&entries, left);
        let top = taken + LINE + 6.0;
        let field = Field {
            x,
            y,
            left,
            top,
            wide: WIDTH - left - 12.0,
        };
        let bottom = top + FIELD;
        let places = spaced(ticks(&x, 6, &self.x), &field);
        let inner = html! {
            (legend)
            (text(0.0, taken + LINE - 4.0, Anchor::Start, &self.y.name))
            @for (value, word) in &heights {
                @if let Some(y) = field.up(*value) {
                    (grid((left, y), (left + field.wide, y)))
                    (text(left - 6.0, y + 3.5, Anchor::End, word))
                }
            }
            @for (value, word) in &places {
                @if let Some(x) = field.across(*value) {
                    (grid((x, bottom), (x, bottom + 4.0)))
                    (text(x, bottom + 15.0, Anchor::Middle, word))
                }
            }
            (text(left + field.wide, bottom + 30.0, Anchor::End, &self.x.name))
            @for mark in &self.marks { (draw(mark, &field, &self.y.name)) }
        };
        drawing(&self.about, bottom + 36.0, &field.readable(), &inner)
    }
}

fn ticks(scale: &Scale, about: usize, axis: &Axis) -> Vec<(f64, String)> {
    let ticks = scale.ticks(about).into_iter();
    ticks.map(|value| (value, axis.word(value))).collect()
}

/// Ticks on the left that do not touch each other, from the top.
fn apart(ticks: Vec<(f64, String)>, scale: &Scale) -> Vec<(f64, String)> {
    let mut free = f64::MIN;
    let from_top = ticks.into_iter().rev();
    from_top
        .filter(|(value, _)| {
            let down = scale.place(*value).map(|up| FIELD - up * FIELD);
            let fits = down.is_some_and(|down| down >= free);
            if fits {
                free = down.unwrap_or(free) + LINE - 1.0;
            }
            fits
        })
        .collect()
}

/// Ticks below the field that do not touch each other.
fn spaced(ticks: Vec<(f64, String)>, field: &Field) -> Vec<(f64, String)> {
    let mut free = f64::MIN;
    ticks
        .into_iter()
        .filter(|(value, word)| {
            let Some(x) = field.across(*value) else {
                return false;
            };
            let half = width(word) / 2.0;
            let fits = x - half >= free && x + half <= WIDTH;
            if fits {
                free = x + half + 6.0;
            }
            fits
        })
        .collect()
}

fn draw(mark: &Mark, field: &Field, axis: &str) -> Markup {
    let ink = mark.ink;
    // What stands alone needs no name in the legend, but one where values are read off.
    let name = if mark.name.is_empty() {
        axis
    } else {
        &mark.name
    };
    let bottom = field.top + FIELD;
    match &mark.form {
        Form::Line(points) => {
            let mut path = String::new();
            for run in field.runs(points) {
                polyline(&mut path, &thin(run));
            }
            named_line(name, &path, ink, 1.6)
        }
        Form::Steps(points) => {
            let mut path = String::new();
            for run in field.runs(points) {
                steps(&mut path, &thin(run));
            }
            named_line(name, &path, ink, 1.6)
        }
        Form::Band(spans) => {
            let lows: Vec<_> = spans.iter().map(|(x, low, _)| (*x, *low)).collect();
            let highs: Vec<_> = spans
                .iter()
                // Both ends leave the gap.
                .map(|(x, low, high)| (*x, if low.is_nan() { *low } else { *high }))
                .collect();
            let mut path = String::new();
            for (low, high) in field.runs(&lows).into_iter().zip(field.runs(&highs)) {
                let around: Vec<_> = low.into_iter().chain(high.into_iter().rev()).collect();
                polyline(&mut path, &around);
                path.push('Z');
            }
            area(&path, ink, 0.18, None)
        }
        Form::Bars(bars) => {
            let mut path = String::new();
            for (from, to, height) in bars {
                let corner = field.across(*from).zip(field.up(*height));
                if let Some(((x, y), end)) = corner.zip(field.across(*to)) {
                    let _ = write!(
                        path,
                        "M{} {}V{}H{}V{}Z",
                        Px(x),
                        Px(bottom),
                        Px(y),
                        Px(end),
                        Px(bottom)
                    );
                }
            }
            area(&path, ink, 0.55, None)
        }
        Form::Points(points) => html! {
            @for (x, y, said) in points {
                @if let Some((x, y)) = field.at((*x, *y)) { (point(x, y, ink, said)) }
            }
        },
        Form::Upright(x) => match field.across(*x) {
            Some(x) => line(
                &format!("M{} {}V{}", Px(x), Px(field.top), Px(bottom)),
                ink,
                1.4,
            ),
            None => Markup::default(),
        },
        Form::Level(y) => match field.up(*y) {
            Some(y) => line(
                &format!(
                    "M{} {}H{}",
                    Px(field.left),
                    Px(y),
                    Px(field.left + field.wide)
                ),
                ink,
                1.4,
            ),
            None => Markup::default(),
        },
        Form::Between(from, to) => match field.across(*from).zip(field.across(*to)) {
            Some((from, to)) => {
                let (top, bottom) = (Px(field.top), Px(bottom));
                let path = format!("M{} {top}H{}V{bottom}H{}Z", Px(from), Px(to), Px(from));
                area(&path, ink, 0.14, None)
            }
            None => Markup::default(),
        },
    }
}

fn polyline(path: &mut String, points: &[(f64, f64)]) {
    for (place, (x, y)) in points.iter().enumerate() {
        let _ = write!(
            path,
            "{}{} {}",
            if place == 0 { "M" } else { "L" },
            Px(*x),
            Px(*y)
        );
    }
    // A single point is a dot, not nothing.
    if points.len() == 1 {
        path.push_str("h0.1");
    }
}

fn steps(path: &mut String, points: &[(f64, f64)]) {
    for (place, (x, y)) in points.iter().enumerate() {
        let _ = match place {
            0 => write!(path, "M{} {}", Px(*x), Px(*y)),
            _ => write!(path, "H{}V{}", Px(*x), Px(*y)),
        };
    }
}
