//! Reports: what people and programs read about a run.
//!
//! A [`Report`] is the result of [`Bench::run`](crate::Bench::run) and the argument of a bench's function. It
//! has the verdict, the numbers and the run itself, and renders them: every number comes from
//! [`Metrics`](crate::metrics::Metrics) and [`Judgement`](crate::judge::Judgement).
//!
//! ```
//! use goodput::{Bench, Verdict, report::{Outcome, markdown}};
//! use std::time::Duration;
//!
//! let bench = Bench::new("chat").target("sim(ttft = 80ms)").rate(10).requests(50);
//! let report = bench.slo("p50(ttft) < 50ms").run_blocking()?;
//!
//! assert_eq!(report.verdict(), Verdict::Fail);
//! println!("{report}");
//! println!("only what speaks against the run: {}", report.reasons());
//! assert_eq!(report.value("p99(ttft)").unwrap(), Some(report.ttft().percentile(99.0)));
//!
//! // Files for other tools are made from outcomes.
//! let outcome = Outcome::of("my tests", &report, Duration::from_secs(1));
//! assert!(markdown(&[outcome]).contains("p50(ttft)"));
//! # Ok::<(), goodput::Error>(())
//! ```
//!
//! * [`summary`]: the report of a test or bench, with verdict and evidence.
//! * [`vllm_table`]: what `vllm bench serve` prints, line for line.
//! * [`vllm_json`]: what `vllm bench serve --save-result` writes, key for key, with everything of goodput's
//!   own under the one key `goodput`.
//! * [`MultiTurn`]: what vLLM's multi-turn script prints and writes of a run of conversations.
//! * [`correct_rate`] and [`structured_json`]: what vLLM's script for structured output prints and writes.
//! * [`pytorch_records`]: the same result for the database of PyTorch's benchmarks.
//! * `html` (feature `html`): a page with charts.
//! * [`junit_xml`], [`markdown`], [`comment`], [`bencher_json`], [`action_json`], [`prometheus_text`] and [`Event`]: for CI
//!   and other tools, all made from [`Outcome`]s. Their words are those of [`Report::reasons`],
//!   [`Report::evidence`] and the summary; their numbers are [`Measure`]s. What is added there is in every
//!   output.

mod action;
mod basis;
mod bencher;
mod capacity;
mod caveat;
mod classes;
mod client;
mod columns;
mod comment;
mod comparison;
mod curve;
mod curves;
mod decoding;
mod document_qa;
mod event;
mod evidence;
mod extra;
#[cfg(feature = "html")]
mod facts;
mod failed;
mod failures;
mod fields;
mod frontends;
#[cfg(feature = "html")]
mod html;
mod json;
#[cfg(feature = "junit")]
mod junit;
mod lineup;
mod markdown;
mod measure;
mod multi_turn;
mod offline;
mod outcome;
mod printed;
mod prometheus;
mod pytorch;
mod rounds;
mod server;
mod sessions;
mod shards;
mod sparkline;
mod structured;
mod structured_script;
mod summary;
mod table;
#[cfg(feature = "cli")]
mod tally;
#[cfg(test)]
pub(crate) mod testing;
mod value;
mod vllm;

pub use action::action_json;
pub use bencher::bencher_json;
pub(crate) use caveat::counted;
pub use caveat::{Caveat, CaveatKind, caveats};
pub use comment::comment;
pub use comparison::comparison;
pub use curve::{CurveComparison, PointChange};
pub use curves::{CurveOf, Curves};
pub use document_qa::document_qa;
pub use event::{EVENTS, Event, Finished};
pub use evidence::{evidence, reasons};
pub use extra::SCHEMA;
pub use failed::Failed;
pub use fields::VllmJson;
#[cfg(feature = "html")]
pub use html::html;
pub use json::{JsonOptions, is_result_key, vllm_json};
#[cfg(feature = "junit")]
pub use junit::junit_xml;
pub use lineup::{Lineup, LineupCell, LineupRow, MissingEngine};
pub use markdown::markdown;
pub use measure::Measure;
pub use multi_turn::{Description, MultiTurn, Part, TurnStats, turn_stats};
pub use offline::Offline;
pub use outcome::{End, Measured, Outcome, worst_exit_code};
pub use printed::printed;
pub use prometheus::prometheus_text;
pub use pytorch::{pytorch_file, pytorch_records};
pub use structured_script::{correct_rate, structured_json};
pub use summary::summary;
#[cfg(any(feature = "cli", feature = "html"))]
pub(crate) use table::Line;
pub use table::vllm_table;
pub use value::Report;
pub use vllm::{VllmMetric, VllmOptions, result_file_name};
#[cfg(feature = "cli")]
pub(crate) use {
    client::text as client_text,
    facts::Facts,
    failures::capped,
    html::{Exhibit, page},
    markdown::plain,
    sparkline::sparkline,
    table::{lines, table},
    tally::tally,
};
