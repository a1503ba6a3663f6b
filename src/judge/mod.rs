//! What a run's numbers mean: [`judge`] compares them with limits and says pass, fail or invalid, with the evidence.
//! A pure function of values that can be stored.
//!
//! ```text
//! Run ──measure──▶ Metrics ──judge──▶ Judgement
//! ```
//!
//! A run is **invalid**, and nothing is said about the server, when
//! * it was stopped early, or not all planned requests were sent,
//! * the client took requests up late ([`Criteria::max_lateness_p99`]),
//! * answers were complete without a single token,
//! * nothing completed, or
//! * the client's audit of itself says so: its process was stopped, its event loop was behind where that falsifies
//!   numbers, this machine had no room for connections, the gaps between sends were not the planned ones.
//!
//! Otherwise every SLO is compared with the *interval* of its number. The run **passes** if each interval is wholly
//! within its limit, **fails** if one is wholly beyond, and is **inconclusive** when the evidence is too thin for
//! either. A latency SLO without a single value is missed too: an empty sample is not evidence.
//!
//! Without any demand there is **no verdict**: a pass would prove nothing. Demands are SLOs, a comparison with a
//! baseline or another target, and a bench function that checks its report. Limits on single requests demand nothing
//! by themselves; an SLO on `goodput` does.
//!
//! Failed requests count whatever was demanded: if more than 1 % of a run's requests failed, and at least one, the
//! run **fails**. An SLO on `errors` takes the place of this limit.

mod assess;
mod attribution;
mod audit;
mod breakdown;
mod capacity;
mod changes;
mod compared;
mod comparison;
mod criteria;
mod criterion;
mod curve;
mod drift;
mod estimate;
mod expect;
mod finding;
mod findings;
mod floor;
mod function;
mod growth;
mod judgement;
mod number;
mod quantity;
mod reading;
mod run_curve;
mod slo;
mod slo_result;
mod statistic;
#[cfg(test)]
mod tests;
mod verdict;
mod worst;
mod worst_class;

pub use assess::judge;
pub use attribution::{attribute, attribute_pairs};
pub use breakdown::{Blocks, Breakdown, Length, Mean, Part};
pub use capacity::{Bound, Capacity, Stopped, Trial, TrialSide};
pub(crate) use changes::{OF_SPEEDS, changes};
pub(crate) use compared::Compared;
pub(crate) use comparison::together;
pub use comparison::{Change, Comparison, Pairing};
pub use criteria::Criteria;
pub(crate) use criterion::{Criterion, Said};
pub use curve::{Curve, CurvePoint, Load};
pub use expect::Expect;
pub use finding::{Finding, FindingKind};
pub use function::FunctionCheck;
pub(crate) use growth::keeps_up;
pub use judgement::Judgement;
pub use number::Number;
pub(crate) use number::{numbers, rounded};
pub use quantity::Unit;
pub(crate) use quantity::number;
pub use slo::{value, value_in};
pub use slo_result::SloResult;
pub use verdict::{OnInconclusive, Verdict};
pub use worst::WorstRequest;
#[cfg(feature = "cli")]
pub(crate) use {assess::judge_shards, findings::of_client};
