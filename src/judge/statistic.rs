//! What SLOs make of the values of a latency: each statistic with its value and what its interval comes from.

use crate::metrics::Summary;
use goodput_grammar::slo::Stat;

/// Of these values.
pub(super) fn statistic(stat: Stat, summary: &Summary) -> f64 {
    match stat {
        Stat::Mean => summary.mean,
        Stat::Median => summary.median,
        Stat::Std => summary.std,
        Stat::Min => summary.min,
        Stat::Max => summary.max,
        Stat::Percentile(q) => summary.percentile(q),
    }
}

/// What the interval of a statistic comes from.
pub(super) enum Spread {
    /// The values' mean.
    OfValues,
    /// The mean of the squares of their distances from the mean, whose root is the number.
    OfSquares,
    /// The value at this percentile.
    OfRank(f64),
    /// It is the run's alone, without an interval.
    None,
}

/// What the interval of this one comes from.
pub(super) fn spread(stat: Stat) -> Spread {
    match stat {
        Stat::Mean => Spread::OfValues,
        Stat::Std => Spread::OfSquares,
        Stat::Median => Spread::OfRank(50.0),
        Stat::Percentile(percent) => Spread::OfRank(percent),
        Stat::Min | Stat::Max => Spread::None,
    }
}
