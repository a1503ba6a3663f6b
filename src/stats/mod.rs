//! How sure a run can be of its numbers: intervals, looks, comparisons. Pure functions of plain
//! series; [`judge`](crate::judge) builds the series from a run.
//!
//! Requests that queue together are not independent, so nothing here treats them as if they were.
//! A series is in the order of the plan; neighbours are put into batches, and the spread *between
//! batches* says how sure the whole is ([`LongRun`]). `docs/verdicts.md` explains the methods and
//! holds the measured coverage.

pub mod compare;
mod critical;
mod interval;
mod long_run;
mod looks;
mod quantile;
mod ratio;
mod share;
pub mod unpaired;

#[cfg(test)]
mod coverage;
#[cfg(test)]
pub(crate) mod queue;

pub use interval::Interval;
pub use long_run::{LongRun, Trend};
pub use looks::Looks;
pub use quantile::{Quantile, Sample, quantile};
pub use ratio::{Ratio, ratio};
pub use share::{Evidence, Share, share};
