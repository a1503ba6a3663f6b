//! A drawing with two axes.

use super::{
    axis::Axis,
    field::{Field, HIGH},
    legend::legend,
    mark::Mark,
    path::Path,
    scale::Scale,
    svg::{About, Anchor, LINE, Text, WIDTH, drawing, grid, texts, width},
};
use maud::{Markup, html};

/// A drawing with two axes.
#[derive(Debug, Clone)]
pub(crate) struct Plot {
    pub(crate) about: About,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    /// What is drawn, the first at the back.
    pub(crate) marks: Vec<Mark>,
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
        let listed = self.marks.iter();
        let listed = listed.filter(|mark| mark.listed && !mark.name.is_empty());
        let entries: Vec<_> = listed
            .map(|mark| (mark.ink, mark.look(), mark.name.as_str()))
            .collect();
        let legend = legend(&entries, left);
        let field = Field {
            x,
            y,
            left,
            top: legend.high + LINE + 6.0,
            wide: WIDTH - left - 12.0,
        };
        let bottom = field.bottom();
        let places = spaced(ticks(&x, 6, &self.x), &field);
        let mut words = legend.words;
        words.push(Text::new(
            0.0,
            legend.high + LINE - 4.0,
            Anchor::Start,
            &self.y.name,
        ));
        let mut lines = Path::default();
        for (value, word) in heights {
            if let Some(y) = field.up(value) {
                lines.line(&[(left, y), (field.right(), y)]);
                words.push(Text::new(left - 6.0, y + 3.5, Anchor::End, word));
            }
        }
        for (value, word) in places {
            if let Some(x) = field.across(value) {
                lines.line(&[(x, bottom), (x, bottom + 4.0)]);
                words.push(Text::new(x, bottom + 15.0, Anchor::Middle, word));
            }
        }
        words.push(Text::new(
            field.right(),
            bottom + 30.0,
            Anchor::End,
            &self.x.name,
        ));
        let inner = html! {
            (grid(lines.text()))
            (legend.samples)
            (texts(&words))
            @for mark in &self.marks { (field.draw(mark, &self.y.name)) }
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
            let down = scale.place(*value).map(|up| HIGH - up * HIGH);
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
