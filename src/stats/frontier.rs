//! The frontier of points of which more is better in both directions.

/// The places of the points that no other point beats: none is at least as large in both numbers and larger in one. By
/// their first number, ascending. Points with a number that is not finite do not count.
pub fn frontier(points: &[(f64, f64)]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..points.len())
        .filter(|place| points[*place].0.is_finite() && points[*place].1.is_finite())
        .collect();
    // The largest first number first; of equal ones the largest second.
    places.sort_by(|a, b| {
        let (a, b) = (points[*a], points[*b]);
        b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1))
    });
    let mut best = f64::NEG_INFINITY;
    places.retain(|place| {
        let beats = points[*place].1 > best;
        best = best.max(points[*place].1);
        beats
    });
    places.reverse();
    places
}

/// The area below the line through points, which are sorted by their first number, between two values of that number.
/// `None` if the line does not reach from one to the other, or they are not in this order.
pub fn area(line: &[(f64, f64)], from: f64, to: f64) -> Option<f64> {
    let reaches = line.first()?.0 <= from && line.last()?.0 >= to && from < to;
    if !reaches {
        return None;
    }
    let trapezoids = line.windows(2).map(|pair| {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        let (begin, end) = (x0.max(from), x1.min(to));
        if begin >= end {
            return 0.0;
        }
        let at = |x: f64| y0 + (y1 - y0) * (x - x0) / (x1 - x0);
        (at(begin) + at(end)) / 2.0 * (end - begin)
    });
    Some(trapezoids.sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case::none(&[], &[])]
    #[case::one_beats_all(&[(1.0, 1.0), (2.0, 2.0), (1.5, 2.0)], &[1])]
    #[case::a_trade(&[(30.0, 100.0), (10.0, 400.0), (20.0, 90.0), (20.0, 250.0)], &[1, 3, 0])]
    #[case::equals_count_once(&[(1.0, 1.0), (1.0, 1.0)], &[0])]
    #[case::what_is_missing_does_not_count(&[(f64::NAN, 9.0), (1.0, 1.0)], &[1])]
    fn nothing_beats_the_frontier(#[case] points: &[(f64, f64)], #[case] places: &[usize]) {
        assert_eq!(frontier(points), places);
    }

    proptest! {
        #[test]
        fn a_point_is_on_the_frontier_or_beaten(points in prop::collection::vec((0.0..10.0f64, 0.0..10.0f64), 1..40)) {
            let on = frontier(&points);
            let beats = |a: (f64, f64), b: (f64, f64)| a.0 >= b.0 && a.1 >= b.1 && a != b;
            for (place, point) in points.iter().enumerate() {
                let beaten = points.iter().any(|other| beats(*other, *point));
                prop_assert!(on.contains(&place) != beaten || points[..place].contains(point));
            }
            prop_assert!(on.windows(2).all(|pair| points[pair[0]].0 < points[pair[1]].0 && points[pair[0]].1 > points[pair[1]].1));
        }

        #[test]
        fn areas_add_up(ys in prop::collection::vec(0.0..10.0f64, 2..10), cut in 0.01..0.99f64) {
            let line: Vec<(f64, f64)> = ys.iter().enumerate().map(|(x, y)| (x as f64, *y)).collect();
            let to = (ys.len() - 1) as f64;
            let middle = cut * to;
            let parts = area(&line, 0.0, middle).unwrap() + area(&line, middle, to).unwrap();
            prop_assert!((parts - area(&line, 0.0, to).unwrap()).abs() < 1e-9);
        }
    }

    #[test]
    fn an_area_is_within_the_line() {
        let line = [(1.0, 4.0), (3.0, 2.0)];
        assert_eq!(area(&line, 1.0, 3.0), Some(6.0));
        assert_eq!(area(&line, 2.0, 3.0), Some(2.5));
        assert_eq!(area(&line, 0.5, 3.0), None);
        assert_eq!(area(&line, 3.0, 1.0), None);
    }
}
