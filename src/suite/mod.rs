//! Suites: benches declared in a `goodput.toml`, for people who do not write Rust.
//!
//! ```toml
//! [defaults]
//! backend = "openai-chat"
//! target = "env:LLM_URL"
//!
//! [bench.chat]
//! rate = 10
//! goodput = "ttft:200"
//! slo = "goodput >= 99%"
//! ```
//!
//! With `[engine.NAME]` tables every bench runs on each engine, as `chat@vllm`:
//!
//! ```toml
//! [engine.vllm]
//! target = "http://127.0.0.1:8000"
//!
//! [engine.sglang]
//! target = "http://127.0.0.1:30000"
//! backend = "sglang"
//! ```
//!
//! With a table `[sweep]`, or `[bench.NAME.sweep]`, a bench runs for each combination of values, as `chat[rate=1]`:
//!
//! ```toml
//! [bench.chat.sweep]
//! rate = [1, 2, 4]
//! "max_concurrency, requests" = [[1, 10], [4, 40]]
//! ```
//!
//! The keys are those of `#[llm_bench(…)]`, read by the same parsers.

mod complaints;
mod read;
mod sweep;
mod toml;

use crate::{bench::Bench, sweep::Point};

/// The benches of a file, in its order.
#[derive(Debug)]
pub(crate) struct Suite {
    pub(crate) benches: Vec<Declared>,
}

/// One bench of a file.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) bench: Bench,
    /// Why it runs only when asked for; empty without a reason.
    pub(crate) ignore: Option<String>,
    /// The bench of the file and the engine, where the file has engines. The bench's own name has both.
    pub(crate) engine: Option<OnEngine>,
    /// The combination that it is, of a bench with a sweep.
    pub(crate) swept: Option<Swept>,
}

/// A bench of a file with one combination of its values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Swept {
    /// The bench of the file, with its engine.
    pub(crate) bench: String,
    pub(crate) point: Point,
}

/// A bench of a file on one of its engines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OnEngine {
    pub(crate) bench: String,
    pub(crate) engine: String,
}
