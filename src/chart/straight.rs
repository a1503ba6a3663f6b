//! Lines without the points that make no difference.

/// How far from the line a point may lie that is left out, in pixels: an eighth of the line's width.
const NEAR: f64 = 0.2;

/// Leaves out the points that lie as good as on the line through the others (Ramer, Douglas and Peucker).
pub(super) fn straight(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    if points.len() < 3 {
        return points.to_vec();
    }
    let mut kept = vec![points[0]];
    // Parts that are still to be looked at, the leftmost on top.
    let mut parts = vec![points];
    while let Some(part) = parts.pop() {
        let end = part.len() - 1;
        let far = |at: &usize| distance(part[*at], part[0], part[end]);
        let farthest = (1..end).max_by(|a, b| far(a).total_cmp(&far(b)));
        match farthest.filter(|at| far(at) > NEAR) {
            Some(at) => parts.extend([&part[at..], &part[..=at]]),
            None => kept.push(part[end]),
        }
    }
    kept
}

/// How far a point is from the line between two others.
fn distance(point: (f64, f64), from: (f64, f64), to: (f64, f64)) -> f64 {
    let along = (to.0 - from.0, to.1 - from.1);
    let of = (point.0 - from.0, point.1 - from.1);
    let length = along.0.hypot(along.1);
    if length == 0.0 {
        return of.0.hypot(of.1);
    }
    // Beyond an end, the end is nearest.
    let at = ((of.0 * along.0 + of.1 * along.1) / length.powi(2)).clamp(0.0, 1.0);
    (of.0 - at * along.0).hypot(of.1 - at * along.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_lies_on_a_line_is_left_out() {
        let points: Vec<_> = (0..1000)
            .map(|x| f64::from(x) / 10.0)
            .map(|x| {
                (
                    x,
                    if x < 50.0 { x } else { 100.0 - x } + 0.1 * (x * 7.0).sin(),
                )
            })
            .collect();
        let kept = straight(&points);
        assert!(kept.len() <= 5, "{kept:?}");
        assert_eq!((kept.first(), kept.last()), (points.first(), points.last()));
        assert_eq!(straight(&points[..1]), points[..1]);
        assert_eq!(straight(&[]), []);
    }

    #[test]
    fn steps_keep_their_corners() {
        let steps: Vec<_> = (0..20)
            .map(|x| (f64::from(x / 2 * 3), f64::from((x + 1) / 2 * 3)))
            .collect();
        assert_eq!(straight(&steps), steps);
    }

    proptest! {
        #[test]
        fn every_point_is_near_the_line(
            points in proptest::collection::vec((0.0_f64..50.0, -9.0_f64..9.0), 2..200)
        ) {
            let kept = straight(&points);
            prop_assert!(kept.iter().all(|point| points.contains(point)));
            for point in &points {
                let near = kept.windows(2).map(|ends| distance(*point, ends[0], ends[1]));
                prop_assert!(near.fold(f64::MAX, f64::min) <= NEAR, "{point:?}");
            }
        }
    }
}
