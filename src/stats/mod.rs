//! How sure a run can be of its numbers: intervals, looks, comparisons. Pure functions of plain series;
//! [`judge`](crate::judge) builds the series from a run.
//!
//! Requests that queue together are not independent, so nothing here treats them as if they were. A series is in the
//! order of the plan; neighbours are put into batches, and the spread *between batches* says how sure the whole is
//! ([`LongRun`]), less what the plan has already decided ([`Pace`]). Latencies that do not queue are correlated by
//! the server's drift alone. `docs/verdicts.md` explains the methods and has the measured coverage.

mod body;
mod calm;
pub mod compare;
mod critical;
mod drift;
mod evidence;
pub mod frontier;
mod halving;
mod interval;
mod knee;
mod long_run;
mod looks;
mod mixture;
mod pace;
mod quantile;
mod ratio;
mod rows;
mod sample;
pub mod search;
mod settled;
mod share;
pub mod shift;
mod tail;
pub mod unpaired;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub(crate) use critical::normal;
pub use drift::variance_by_drift;
pub use evidence::{EffectiveSize, Evidence};
pub use interval::Interval;
pub use knee::{Knee, Tried, knee};
pub use long_run::{LongRun, Slope, slope};
pub use looks::Looks;
pub use pace::Pace;
pub use quantile::{Quantile, quantile};
pub use ratio::{Ratio, ratio};
pub use sample::{Groups, Sample};
pub use settled::settled;
pub use share::{Share, share};
pub use tail::Tail;
