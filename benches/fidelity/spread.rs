//! How times are spread.

/// Microseconds at the median, at high percentiles and at worst.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Spread {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p99_9: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// What is not known.
    pub(crate) const NONE: Spread = Spread {
        p50: f64::NAN,
        p99: f64::NAN,
        p99_9: f64::NAN,
        max: f64::NAN,
    };

    /// How far each of its numbers is from another's.
    pub(crate) fn differences(self, other: Spread) -> Spread {
        Spread {
            p50: difference(self.p50, other.p50),
            p99: difference(self.p99, other.p99),
            p99_9: difference(self.p99_9, other.p99_9),
            max: difference(self.max, other.max),
        }
    }

    pub(crate) fn of(mut nanos: Vec<f64>) -> Self {
        nanos.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| {
            let rank = (share * nanos.len() as f64).ceil() as usize;
            nanos
                .get(rank.saturating_sub(1))
                .map_or(f64::NAN, |n| n / 1e3)
        };
        Spread {
            p50: at(0.5),
            p99: at(0.99),
            p99_9: at(0.999),
            max: at(1.0),
        }
    }
}

/// How far apart two times are.
pub(crate) fn difference(a: f64, b: f64) -> f64 {
    (a - b).abs()
}
