//! What people and programs read about a run. Renderers only read: every number comes from
//! [`Metrics`](crate::metrics::Metrics) and [`Judgement`](crate::judge::Judgement).
//!
//! * [`summary`]: the report of a test or bench, with verdict and evidence.
//! * [`vllm_table`]: what `vllm bench serve` prints, line for line.
//! * [`vllm_json`]: what `vllm bench serve --save-result` writes, key for key, with everything
//!   of ours under the one key `goodput`.
//! * [`pytorch_records`]: the same result for the database of PyTorch's benchmarks.
//! * [`junit_xml`], [`markdown`], [`bencher_json`], [`action_json`], [`prometheus_text`] and [`Event`]:
//!   for CI and other tools, all of [`Outcome`]s. What such an output says in words is
//!   [`Report::reasons`], [`Report::evidence`] and the summary; its numbers are [`Measure`]s. What is
//!   added there is in every output.

mod action;
mod basis;
mod bencher;
mod caveat;
mod client;
mod comparison;
mod decoding;
mod event;
mod evidence;
mod extra;
mod failed;
mod failures;
mod fields;
mod json;
#[cfg(feature = "junit")]
mod junit;
mod markdown;
mod measure;
mod outcome;
mod printed;
mod prometheus;
mod pytorch;
mod server;
mod summary;
mod table;
#[cfg(test)]
pub(crate) mod testing;
mod value;
mod vllm;

pub use action::action_json;
pub use bencher::bencher_json;
pub(crate) use caveat::counted;
pub use caveat::{Caveat, CaveatKind, caveats};
pub use comparison::comparison;
pub use event::{EVENTS, Event, Finished};
pub use evidence::{evidence, reasons};
pub use extra::SCHEMA;
pub use failed::Failed;
pub use fields::VllmJson;
pub use json::{JsonOptions, is_result_key, vllm_json};
#[cfg(feature = "junit")]
pub use junit::junit_xml;
pub use markdown::markdown;
pub use measure::Measure;
pub use outcome::{End, Measured, Outcome, worst_exit_code};
pub use printed::printed;
pub use prometheus::prometheus_text;
pub use pytorch::{pytorch_file, pytorch_records};
pub use summary::summary;
pub use table::vllm_table;
pub use value::Report;
pub use vllm::{VllmMetric, VllmOptions, result_file_name};
#[cfg(feature = "cli")]
pub(crate) use {
    client::text as client_text,
    failures::capped,
    markdown::plain,
    table::{Line, lines, table},
};
