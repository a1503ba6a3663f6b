//! Counts of servers: pages of `/metrics` in Prometheus' text format, read before and after a run, and
//! optionally during it.
//!
//! A page becomes a [`Reading`], whatever engine wrote it: [`names`] has the series of each. Two readings
//! give the counts between them, and a reading's gauges are a sample of a [`Series`].
//!
//! The crate `prometheus-parse` rejects names with a colon, which vLLM, SGLang and llama.cpp all use,
//! splits labels at commas and braces inside their values, and depends on regex and chrono.

mod names;
mod process;
mod reading;
mod series;
mod text;

pub(crate) use process::resident_bytes;
pub(crate) use reading::{Between, Reading};
pub(crate) use series::Series;
