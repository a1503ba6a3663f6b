//! Lines with fewer points that look the same.

/// Keeps the first, the lowest, the highest and the last point of each pixel column, which is all that can be seen of
/// them. Points are in pixels, from left to right.
pub(super) fn thin(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let mut kept = Vec::with_capacity(points.len().min(2048));
    for column in points.chunk_by(|a, b| a.0.floor() == b.0.floor()) {
        if column.len() <= 4 {
            kept.extend_from_slice(column);
            continue;
        }
        let by_height = |a: &usize, b: &usize| column[*a].1.total_cmp(&column[*b].1);
        let lowest = (0..column.len()).min_by(by_height).unwrap_or(0);
        let highest = (0..column.len()).max_by(by_height).unwrap_or(0);
        let mut places = [0, lowest, highest, column.len() - 1];
        places.sort_unstable();
        let mut last = None;
        for place in places {
            if last != Some(place) {
                kept.push(column[place]);
            }
            last = Some(place);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_extremes_of_every_column_stay(
            mut points in proptest::collection::vec((0.0_f64..50.0, -9.0_f64..9.0), 0..400)
        ) {
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            let kept = thin(points.clone());
            prop_assert!(kept.len() <= 200);
            for column in 0..50 {
                let heights = |all: &[(f64, f64)]| {
                    let of = all.iter().filter(|point| point.0.floor() == f64::from(column));
                    of.fold((f64::MAX, f64::MIN), |(low, high), (_, y)| (low.min(*y), high.max(*y)))
                };
                prop_assert_eq!(heights(&points), heights(&kept));
            }
            prop_assert!(kept.iter().all(|point| points.contains(point)));
        }
    }
}
