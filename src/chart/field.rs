//! The field between two axes, and marks in it.

use super::{
    mark::{Form, Mark},
    path::Path,
    px::Px,
    scale::Scale,
    straight::straight,
    svg::{Readable, area, line, named_line, points},
    thin::thin,
};
use maud::{Markup, html};

/// The height of a field.
pub(super) const HIGH: f64 = 160.0;

/// The field in which marks are drawn.
pub(super) struct Field {
    pub(super) x: Scale,
    pub(super) y: Scale,
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) wide: f64,
}

impl Field {
    pub(super) fn across(&self, value: f64) -> Option<f64> {
        Some(self.left + self.x.place(value)? * self.wide)
    }

    pub(super) fn up(&self, value: f64) -> Option<f64> {
        Some(self.bottom() - self.y.place(value)? * HIGH)
    }

    pub(super) fn right(&self) -> f64 {
        self.left + self.wide
    }

    pub(super) fn bottom(&self) -> f64 {
        self.top + HIGH
    }

    /// Both axes for a script.
    pub(super) fn readable(&self) -> Readable {
        let axis = |scale: &Scale, from: f64, to: f64| {
            Some(format!("{} {} {}", scale.words(), Px(from), Px(to)))
        };
        Readable {
            x: axis(&self.x, self.left, self.right()),
            y: axis(&self.y, self.bottom(), self.top),
        }
    }

    /// Draws a mark. What stands alone has no name in the legend, but where values are read off it has that of the axis.
    pub(super) fn draw(&self, mark: &Mark, axis: &str) -> Markup {
        let ink = mark.ink;
        let name = if mark.name.is_empty() {
            axis
        } else {
            &mark.name
        };
        let curve = |runs: Vec<Vec<(f64, f64)>>| {
            let runs = runs.into_iter().map(|run| straight(&thin(run)));
            named_line(name, Path::through(runs).text(), ink, 1.6)
        };
        let across = |path: Option<Path>| {
            let path = path.map(|path| line(path.text(), ink, 1.4));
            path.unwrap_or_default()
        };
        let (left, right, top, bottom) = (self.left, self.right(), self.top, self.bottom());
        match &mark.form {
            Form::Line(points) => curve(self.runs(points)),
            // Corners come first: those between points that are left out later would be steps that are not there.
            Form::Steps(points) => {
                let runs = self.runs(points).into_iter();
                curve(runs.map(|run| corners(&run)).collect())
            }
            Form::Band(spans) => area(self.band(spans).text(), ink, 0.18),
            Form::Bars(bars) => {
                let mut path = Path::default();
                for (from, to, height) in bars {
                    let ends = self.across(*from).zip(self.across(*to));
                    if let Some(((from, to), y)) = ends.zip(self.up(*height)) {
                        path.around(&[(from, bottom), (from, y), (to, y), (to, bottom)]);
                    }
                }
                area(path.text(), ink, 0.55)
            }
            Form::Points(of) => {
                let of = of.iter().filter_map(|(x, y, said)| {
                    let (x, y) = self.at((*x, *y))?;
                    Some((x, y, said.clone()))
                });
                points(ink, &of.collect::<Vec<_>>())
            }
            Form::Upright(x) => across(
                self.across(*x)
                    .map(|x| Path::through([vec![(x, top), (x, bottom)]])),
            ),
            Form::Level(y) => across(
                self.up(*y)
                    .map(|y| Path::through([vec![(left, y), (right, y)]])),
            ),
            Form::Between(from, to) => match self.across(*from).zip(self.across(*to)) {
                Some((from, to)) => {
                    let mut path = Path::default();
                    path.around(&[(from, top), (to, top), (to, bottom), (from, bottom)]);
                    area(path.text(), ink, 0.14)
                }
                None => html! {},
            },
        }
    }

    fn at(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        Some((self.across(x)?, self.up(y)?))
    }

    /// Points in pixels, in runs without gaps.
    fn runs(&self, points: &[(f64, f64)]) -> Vec<Vec<(f64, f64)>> {
        let placed: Vec<_> = points.iter().map(|point| self.at(*point)).collect();
        let runs = placed.split(Option::is_none);
        let runs = runs.map(|run| run.iter().copied().flatten().collect::<Vec<_>>());
        runs.filter(|run| !run.is_empty()).collect()
    }

    fn band(&self, spans: &[(f64, f64, f64)]) -> Path {
        // Both ends leave the gap.
        let gap = |low: f64, high: f64| low.is_nan() || high.is_nan();
        let ends = spans.iter().map(|(x, low, high)| {
            if gap(*low, *high) {
                ((*x, f64::NAN), (*x, f64::NAN))
            } else {
                ((*x, *low), (*x, *high))
            }
        });
        let (lows, highs): (Vec<_>, Vec<_>) = ends.unzip();
        let mut path = Path::default();
        for (low, high) in self.runs(&lows).into_iter().zip(self.runs(&highs)) {
            let [low, high] = [low, high].map(|run| straight(&thin(run)));
            let around: Vec<_> = low.into_iter().chain(high.into_iter().rev()).collect();
            path.around(&around);
        }
        path
    }
}

/// A line that keeps its height up to the next point.
fn corners(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let steps = points.windows(2);
    let steps = steps.flat_map(|ends| [(ends[1].0, ends[0].1), ends[1]]);
    points.first().copied().into_iter().chain(steps).collect()
}
