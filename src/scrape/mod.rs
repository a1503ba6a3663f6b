//! What servers count of themselves: pages of `/metrics` in Prometheus' text format, read before and
//! after a run, and now and then while it lasts.
//!
//! A page is read into a [`Reading`], whatever engine wrote it: [`names`] has the series of each. Two
//! readings give what was counted in between, and a reading's gauges are a sample of a [`Series`].
//!
//! `prometheus-parse` reads no name with a colon in it, which the names of vLLM, SGLang and llama.cpp
//! all have, cuts labels at commas and braces inside of their values, and brings regex and chrono.

mod names;
mod reading;
mod series;
mod text;

pub(crate) use reading::{Between, Reading};
pub(crate) use series::Series;
