//! Paths in few letters: from point to point by differences.

use super::px::units;
use std::fmt::Write;

/// The text of a path.
#[derive(Debug, Clone, Default)]
pub(super) struct Path {
    text: String,
    /// Where it is and where it began, in units of drawings. Differences are between rounded places, so that they do not add up.
    at: (i64, i64),
    start: (i64, i64),
}

impl Path {
    /// A path through these points, each run by itself.
    pub(super) fn through(runs: impl IntoIterator<Item = Vec<(f64, f64)>>) -> Self {
        let mut path = Path::default();
        for run in runs {
            path.line(&run);
        }
        path
    }

    /// Adds a line through these points. A single one is a dot, not nothing.
    pub(super) fn line(&mut self, points: &[(f64, f64)]) {
        let mut points = points.iter().copied();
        let Some(first) = points.next() else {
            return;
        };
        self.start = placed(first);
        self.at = self.start;
        self.text.push('M');
        self.pair(self.at);
        let begun = self.text.len();
        for point in points {
            self.to(point);
        }
        if self.text.len() == begun {
            self.text.push_str("h1");
            self.at.0 += 1;
        }
    }

    /// Adds an area around these points.
    pub(super) fn around(&mut self, points: &[(f64, f64)]) {
        self.line(points);
        self.text.push('z');
        self.at = self.start;
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    fn to(&mut self, point: (f64, f64)) {
        let to = placed(point);
        let by = (to.0 - self.at.0, to.1 - self.at.1);
        match by {
            (0, 0) => {}
            (x, 0) => {
                self.text.push('h');
                self.number(x);
            }
            (0, y) => {
                self.text.push('v');
                self.number(y);
            }
            by => {
                self.text.push('l');
                self.pair(by);
            }
        }
        self.at = to;
    }

    fn pair(&mut self, (x, y): (i64, i64)) {
        self.number(x);
        // A sign parts two numbers, too.
        if y >= 0 {
            self.text.push(' ');
        }
        self.number(y);
    }

    fn number(&mut self, number: i64) {
        let _ = write!(self.text, "{number}");
    }
}

fn placed((x, y): (f64, f64)) -> (i64, i64) {
    (units(x), units(y))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(&[(1.0, 2.0), (3.6, 2.0), (3.6, 1.0), (4.0, 3.0), (3.0, 2.4)], "M5 10h13v-5l2 10l-5-3")]
    #[case::rounded(&[(0.04, 0.0), (0.24, 0.0), (0.26, 0.0)], "M0 0h1")]
    #[case::dot(&[(7.0, -3.0)], "M35-15h1")]
    #[case::dot_of_several(&[(7.0, 3.0), (7.01, 3.0)], "M35 15h1")]
    #[case::nothing(&[], "")]
    fn paths_are_short(#[case] points: &[(f64, f64)], #[case] text: &str) {
        assert_eq!(Path::through([points.to_vec()]).text(), text);
    }

    #[test]
    fn an_area_ends_where_it_began() {
        let mut path = Path::default();
        path.around(&[(0.0, 0.0), (2.0, 0.0), (2.0, 1.0)]);
        path.around(&[(5.0, 5.0), (6.0, 5.0)]);
        assert_eq!(path.text(), "M0 0h10v5zM25 25h5z");
    }

    /// Where a reader of the path gets to.
    fn read(text: &str) -> Vec<(i64, i64)> {
        let (mut x, mut y) = (0, 0);
        let starts = text.match_indices(char::is_alphabetic).map(|(at, _)| at);
        let starts: Vec<usize> = starts.collect();
        let ends = starts.iter().skip(1).copied().chain([text.len()]);
        let mut places = Vec::new();
        for (start, end) in starts.iter().zip(ends) {
            let numbers = text[start + 1..end].replace('-', " -");
            let numbers = numbers.split_whitespace().map(|n| n.parse().unwrap());
            match (&text[*start..=*start], &numbers.collect::<Vec<i64>>()[..]) {
                ("M", [to_x, to_y]) => (x, y) = (*to_x, *to_y),
                ("l", [by_x, by_y]) => (x, y) = (x + by_x, y + by_y),
                ("h", [by]) => x += by,
                ("v", [by]) => y += by,
                other => panic!("{other:?}"),
            }
            places.push((x, y));
        }
        places
    }

    proptest! {
        #[test]
        fn readers_get_to_every_point(points in proptest::collection::vec((-500.0_f64..500.0, -500.0_f64..500.0), 2..60)) {
            let mut expected: Vec<_> = points.iter().map(|point| placed(*point)).collect();
            expected.dedup();
            prop_assume!(expected.len() > 1);
            prop_assert_eq!(read(Path::through([points]).text()), expected);
        }
    }
}
