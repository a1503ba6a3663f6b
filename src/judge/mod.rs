//! What a run's numbers mean: [`judge`] holds them against limits and says pass, fail or invalid,
//! with the evidence. A pure function of values that can be stored.
//!
//! ```text
//! Run ──measure──▶ Metrics ──judge──▶ Judgement
//! ```
//!
//! A run is **invalid**, and nothing is said about the server, when
//! * it was stopped early, or not all planned requests were sent,
//! * the client took requests up late ([`Criteria::max_lateness_p99`]),
//! * answers were complete without a single token, or
//! * nothing completed.
//!
//! Otherwise it **fails** if one of its SLOs is missed. A latency SLO without a single value is
//! missed too: an empty sample is no evidence. Limits on single requests fail nothing by
//! themselves; an SLO on `goodput` does.

mod finding;
mod quantity;
mod slo;
mod verdict;
mod worst;

pub use finding::{Finding, FindingKind};
pub(crate) use quantity::number;
pub use slo::{SloResult, value};
pub use verdict::{Criteria, Judgement, Verdict, judge};
pub use worst::WorstRequest;
