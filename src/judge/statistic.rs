//! What SLOs make from the values of a latency: each statistic with its value and the source of its interval.

use crate::metrics::Summary;
use goodput_grammar::slo::Stat;

/// The value of a statistic.
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

/// The source of a statistic's interval.
pub(super) enum Spread {
    /// The mean of the values.
    OfValues,
    /// The mean of the squares of their distances from the mean, whose root is the number.
    OfSquares,
    /// The value at this percentile.
    OfRank(f64),
    /// None: the statistic belongs to the run alone and has no interval.
    None,
}

/// The source of this statistic's interval.
pub(super) fn spread(stat: Stat) -> Spread {
    match stat {
        Stat::Mean => Spread::OfValues,
        Stat::Std => Spread::OfSquares,
        Stat::Median => Spread::OfRank(50.0),
        Stat::Percentile(percent) => Spread::OfRank(percent),
        Stat::Min | Stat::Max => Spread::None,
    }
}
