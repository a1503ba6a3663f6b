//! Where a condition stops holding, by halving an interval.

/// The last point at which the condition was seen to hold, and the first at which it was seen to fail, after this
/// many halvings. The condition holds from `low` up to some point, and from there to `high` it does not.
pub(super) fn halved(
    (mut low, mut high): (f64, f64),
    halvings: usize,
    holds: impl Fn(f64) -> bool,
) -> (f64, f64) {
    for _ in 0..halvings {
        let middle = 0.5 * (low + high);
        if holds(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_of_two() {
        let (low, high) = halved((0.0, 2.0), 50, |x| x * x < 2.0);
        assert!(low * low < 2.0 && high * high >= 2.0);
        assert!(high - low < 1e-14);
    }
}
