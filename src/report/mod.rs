//! What people and programs read about a run. Renderers only read: every number comes from
//! [`Metrics`](crate::metrics::Metrics) and [`Judgement`](crate::judge::Judgement).
//!
//! * [`summary`]: the report of a test or bench, with verdict and evidence.
//! * [`vllm_table`]: what `vllm bench serve` prints, line for line.
//! * [`vllm_json`]: what `vllm bench serve --save-result` writes, key for key, with everything
//!   of ours under the one key `goodput`.

mod client;
mod comparison;
mod evidence;
mod extra;
mod json;
mod summary;
mod table;
#[cfg(test)]
pub(crate) mod testing;
mod value;
mod vllm;

pub use comparison::comparison;
pub use evidence::{evidence, reasons};
pub use extra::SCHEMA;
pub use json::{JsonOptions, VllmJson, is_result_key, vllm_json};
pub use summary::summary;
pub use table::vllm_table;
pub use value::Report;
pub use vllm::{VllmMetric, VllmOptions, result_file_name};
