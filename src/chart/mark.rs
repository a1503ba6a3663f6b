//! What a drawing with two axes shows.

use super::{ink::Ink, legend::Look};

/// Something in a plot.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    /// What it is called; empty if it needs no name.
    pub(crate) name: String,
    pub(crate) ink: Ink,
    pub(crate) form: Form,
    /// Whether the legend has it.
    pub(super) listed: bool,
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
            listed: true,
        }
    }

    /// The same mark, which another drawing next to this one has in its legend.
    pub(crate) fn unlisted(self) -> Self {
        Mark {
            listed: false,
            ..self
        }
    }

    pub(super) fn look(&self) -> Look {
        match self.form {
            Form::Line(_) | Form::Steps(_) | Form::Upright(_) | Form::Level(_) => Look::Line,
            Form::Points(_) => Look::Point,
            Form::Band(_) | Form::Bars(_) | Form::Between(..) => Look::Area,
        }
    }
}

impl Form {
    pub(super) fn xs(&self) -> Vec<f64> {
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

    pub(super) fn ys(&self) -> Vec<f64> {
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
