//! The words that goodput's attribute, command line and files share, and their parsers.
//!
//! The `#[llm_bench]` macro needs them at compile time and the library at run time, so they live
//! in a crate of their own without dependencies worth mentioning. Use them through `goodput`.

pub mod bounds;
mod call;
pub mod class;
pub mod cut;
pub mod dataset;
pub mod duration;
pub mod engine;
pub mod fault;
pub mod goodput;
pub mod growth;
pub mod mistake;
pub mod names;
pub mod proof;
pub mod ramp;
mod schema;
pub mod search;
pub mod sim;
pub mod slo;
pub mod stop_if;
pub mod structured;
pub mod target;
pub mod tolerance;

pub use mistake::{Mistake, Mistakes};
