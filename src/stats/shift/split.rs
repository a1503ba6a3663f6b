//! The part of a series that differs most from the rest.

/// The fewest runs on either side of a shift: two that are alike by chance are too common.
pub const LEAST: usize = 3;

/// Values further from the median than this number of standard deviations, as the median deviation estimates them, count
/// as that far.
const FARTHEST: f64 = 5.0;

/// The standard deviation of the normal distribution, in median deviations.
const DEVIATION: f64 = 1.4826;

/// The least variance within the parts, as a share of that of the whole: what rounding leaves of exact numbers.
const ROUNDING: f64 = 1e-12;

/// A part of a series, and how it differs from the rest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Split {
    /// The first value of the part, which is not the first of the series.
    pub(super) start: usize,
    /// The first value after the part; the length of the series if the part is its end.
    pub(super) end: usize,
    /// Student's t of the difference between the part's mean and that of the rest, without its sign.
    pub(super) t: f64,
    /// Correlation of neighbours, once the means are taken away.
    pub(super) memory: f64,
}

/// The splits of a series with the largest t.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Splits {
    /// The end of the series against what is before it.
    pub(super) end: Split,
    /// A part in the middle against what is around it; only of long series.
    pub(super) middle: Option<Split>,
}

impl Splits {
    /// Splits a series. `None` if it is too short or all values are equal.
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        let count = values.len();
        if count < 2 * LEAST {
            return None;
        }
        let values = drawn_in(values);
        let mean = values.iter().sum::<f64>() / count as f64;
        let whole: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        if whole == 0.0 {
            return None;
        }
        let sums = sums(&values, mean);
        let starts = LEAST..=count - LEAST;
        let ends = starts.clone().map(|start| Part::of(&sums, start, count));
        let middles = starts.flat_map(|start| {
            let ends = start + LEAST..=count - LEAST;
            let sums = &sums;
            ends.map(move |end| Part::of(sums, start, end))
        });
        Some(Splits {
            end: Split::of(&values, whole, ends.reduce(Part::larger)?),
            middle: middles
                .reduce(Part::larger)
                .map(|part| Split::of(&values, whole, part)),
        })
    }
}

impl Split {
    /// A part of values that scatter by `whole`, a sum of squares.
    fn of(values: &[f64], whole: f64, part: Part) -> Self {
        let Part {
            start,
            end,
            explains,
        } = part;
        let within = (whole - explains).max(ROUNDING * whole);
        let pieces = [&values[..start], &values[start..end], &values[end..]];
        Split {
            start,
            end,
            t: (explains / within * (values.len() as f64 - 2.0)).sqrt(),
            memory: pieces.into_iter().map(neighbours).sum::<f64>() / within,
        }
    }
}

/// A part of a series.
#[derive(Debug, Clone, Copy)]
struct Part {
    start: usize,
    end: usize,
    /// Sum of squares between the part and the rest.
    explains: f64,
}

impl Part {
    /// By the sums of the values less their mean.
    fn of(sums: &[f64], start: usize, end: usize) -> Self {
        let count = sums.len() as f64 - 1.0;
        let (inside, sum) = ((end - start) as f64, sums[end] - sums[start]);
        Part {
            start,
            end,
            explains: sum * sum * count / (inside * (count - inside)),
        }
    }

    /// The one that explains more; the first of equal ones.
    fn larger(self, other: Self) -> Self {
        if other.explains > self.explains {
            other
        } else {
            self
        }
    }
}

/// The sums of the first 0, 1, … values, each value less the mean.
fn sums(values: &[f64], mean: f64) -> Vec<f64> {
    let mut sum = 0.0;
    let further = values.iter().map(|value| {
        sum += value - mean;
        sum
    });
    std::iter::once(0.0).chain(further).collect()
}

/// Sum of the products of neighbours, each less the mean of all.
fn neighbours(piece: &[f64]) -> f64 {
    let mean = piece.iter().sum::<f64>() / piece.len().max(1) as f64;
    let pairs = piece.windows(2);
    pairs.map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum()
}

/// The values with those far from the others drawn in.
fn drawn_in(values: &[f64]) -> Vec<f64> {
    let middle = median(values);
    let deviations: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    let farthest = FARTHEST * DEVIATION * median(&deviations);
    // More than half of the values are equal: exact numbers, which have no outliers.
    if farthest == 0.0 {
        return values.to_vec();
    }
    let inside = |value: &f64| value.clamp(middle - farthest, middle + farthest);
    values.iter().map(inside).collect()
}

/// The median of some values; NaN of none.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => sorted[count / 2],
        count => (sorted[count / 2 - 1] + sorted[count / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Means 3 and 8.5, sums of squares 2 and 5 with 5 degrees of freedom: t = 5.5 / √(7/5 · (1/3 + 1/4)).
    #[test]
    fn the_largest_t_is_students() {
        let splits = Splits::of(&[2.0, 4.0, 3.0, 9.0, 7.0, 8.0, 10.0]).unwrap();
        assert_eq!(splits.middle, None);
        let split = splits.end;
        assert_eq!((split.start, split.end), (3, 7));
        let t = 5.5 / (1.4_f64 * (1.0 / 3.0 + 0.25)).sqrt();
        assert!((split.t - t).abs() < 1e-9, "{}", split.t);
        // Less the means: -1 1 0 | 0.5 -1.5 -0.5 1.5
        assert!((split.memory - (-1.0 - 0.75 + 0.75 - 0.75) / 7.0).abs() < 1e-12);
    }

    #[test]
    fn a_part_in_the_middle_has_two_edges() {
        let values = [1.0, 2.0, 1.0, 2.0, 9.0, 8.0, 9.0, 1.0, 2.0, 1.0];
        let split = Splits::of(&values).unwrap().middle.unwrap();
        assert_eq!((split.start, split.end), (4, 7));
    }

    #[test]
    fn what_cannot_be_split_is_not() {
        assert_eq!(Splits::of(&[1.0, 2.0, 3.0, 4.0, 5.0]), None);
        assert_eq!(Splits::of(&[1.0; 12]), None);
    }
}
