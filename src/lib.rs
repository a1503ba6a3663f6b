//! criterion for LLM inference servers: performance gates that live in `cargo test`.
//!
//! Write one attribute: goodput sends an exact load to a real or simulated server and gives a verdict with
//! its evidence.
//!
//! ```
//! use goodput::{Report, llm_bench};
//!
//! #[llm_bench(backend = "openai-chat", rate = 10, goodput = "ttft:200")]
//! fn chat(report: &Report) {
//!     assert!(report.goodput_ratio() >= 0.99);
//! }
//! ```
//!
//! # Running
//!
//! The same function runs under three runners:
//!
//! * `cargo test`: the attribute makes a `#[test]`.
//! * `cargo nextest run`: the same test, in its own process.
//! * `cargo bench`: a `[[bench]]` target with `harness = false` (see [`main!`]); [`goodput::main!()`](main!) runs all
//!   benches of the file and prints a report of each. `cargo nextest run --benches` and IDEs can run it too.
//!
//! goodput calls the function *after* the run, with its [`Report`]. The function may be `async`, take no
//! argument, and return a `Result`. A bench whose verdict is not *pass* fails, whatever the function
//! returns.
//!
//! # Targets
//!
//! `target = …` names the server: `"http://127.0.0.1:8000"`, `"unix:/run/llm.sock"`, `"env:LLM_URL"`
//! (skipped with a line on stderr where the variable is not set; `GOODPUT_REQUIRE_LIVE=1` makes that a
//! failure), `"sim(ttft = 50ms, itl = 10ms)"`, or any expression whose value is a [`Target`]: a
//! [`ServerProcess`], a wiremock server with streaming, a [`Service`] of this process, a [`Simulation`].
//! The default is the URL in `GOODPUT_URL`, else the built-in simulation: the report then says
//! **simulated**, a line on stderr says that the bench names no target, and `GOODPUT_REQUIRE_LIVE=1` makes
//! that a failure. See [`targets`].
//!
//! `faults = "reset@5%, stall(2s)@req:10, status(429)@t:1s..2s"` makes a simulation misbehave, in the same
//! way on every run; [`grammar::fault::Kind`] lists all faults.
//!
//! Simulations run on virtual time: minutes of load take a second or two, and the numbers are the same to
//! the last digit on every run. Live benches hold a machine-wide lock while they measure, so they never
//! overlap. nextest can also keep *other* tests away; where that setting is missing, `goodput report` shows
//! how to add it.
//!
//! Every bench keeps its latest and its previous result in `target/goodput`. `goodput report` shows the
//! results of the newest `cargo test`, `cargo nextest run` or `cargo bench`, including what test runners
//! hide: benches that were ignored, are inconclusive or have no limits. `--strict` makes the last two fail.
//!
//! # Load
//!
//! `dataset = …` is `"random(input = 256, output = 64)"` (prompts of exact token length),
//! `"custom(\"prompts.jsonl\")"`, `"sharegpt(\"file.json\")"` or another
//! [`Dataset`](grammar::dataset::Dataset). `rate = 10` sends ten requests a second whatever the server does
//! (open loop), at Poisson times; `burstiness` makes the times more or less regular, and `ramp` changes the
//! rate during the run. `max_concurrency` limits the requests in flight; without a rate it makes a closed
//! loop. Prompts and times follow from `seed` alone, and equal those of `vllm bench serve` for the same
//! settings.
//!
//! # Limits and verdicts
//!
//! `goodput = "ttft:200 tpot:50 e2el:5s"` limits each request (plain numbers are milliseconds) and defines
//! which requests are *good*; alone it fails nothing. `slo = "p99(ttft) < 300ms, goodput >= 95%, errors <
//! 1%, throughput(output) > 1000"` limits the run. [`metrics`] defines the numbers.
//!
//! An SLO is compared with the *interval* of its number, at 95 % `confidence`, for requests that depend on
//! each other: [`stats`]. The [`Verdict`] is *pass* when all intervals are within their limits, *fail* when
//! one is entirely beyond, and *inconclusive* when the evidence is too thin for either; the report says how
//! many more requests would decide it. `max_extend = 3` extends the run until it is decided. An
//! inconclusive test passes with a note, unless `on_inconclusive = "fail"` requires proof. A run is
//! *invalid* when the client could not keep to its schedule, nothing completed, or a success had no token.
//! An invalid run says nothing about the server, so goodput never reports it as a slow one.
//!
//! Without an SLO, a comparison, a snapshot or a function that checks its report there is *no verdict*: the
//! bench has no limits, and proves nothing. Failed requests always count: if more than 1 % of them fail,
//! the run fails, unless an SLO on `errors` sets another limit.
//!
//! `versus = …` names a second target, such as the previous version. Both get pairs of runs of the same
//! plan in random order, and the bench fails when the target is worse: [`Bench::versus`],
//! [`Report::comparison`].
//!
//! # Baselines
//!
//! `baseline = "main"` compares the run with stored runs of the same plan; a regression fails the bench.
//! The environment variable `GOODPUT_SAVE_BASELINE=main` stores a run: [`baseline`].
//!
//! # Without the attribute
//!
//! [`Bench`] builds the same description, for any test:
//!
//! ```
//! use goodput::Bench;
//!
//! # async fn test() -> Result<(), goodput::Error> {
//! let report = Bench::new("chat")
//!     .backend("openai-chat")
//!     .rate(10)
//!     .requests(500)
//!     .slo("p90(ttft) < 200ms, errors < 1%")
//!     .run()
//!     .await?;
//! report.ensure_passed()?;
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test()).unwrap();
//! ```
//!
//! A report fails no test by itself. [`Report::ensure_passed`] returns an error with the reasons unless the
//! bench passed; a test that returns this error prints them. A test may also assert on the report's
//! numbers: a number without a value, such as a percentile of a run in which everything failed, is NaN, and
//! every comparison with NaN is false.
//!
//! # Output formats
//!
//! `GOODPUT_OUTPUT=junit=/path/junit.xml,markdown cargo test` writes files for CI; benchmark targets and
//! the command take `--output` too. `snapshot` in the attribute stores the numbers as an insta snapshot
//! next to the test. `docs/ci.md` has the formats, exit codes and ready workflows.
//!
//! # More
//!
//! The folder `docs` has a page for each subject; the documentation on docs.rs has them as the module `docs`.
//!
//! # Features
//!
//! | feature | default | brings | costs to build |
//! |---|---|---|---|
//! | `tokenizers` | yes | exact token counts; without it they are estimates, and say so | 27 s |
//! | `tls` | yes | `https` targets, by rustls and the system's certificates | 12 s |
//! | `wiremock` | no | [`mock`]: wiremock servers as targets, with streaming | 12 s |
//! | `junit` | no | JUnit XML among the outputs | 1 s |
//! | `html` | no | reports as HTML pages with charts among the outputs | 5 s |
//! | `insta` | no | [`snapshot`]: numbers as insta snapshots | 6 s |
//! | `csv` | no | `export`: the requests of a run as CSV | 2 s |
//! | `parquet` | no | `export`: the requests of a run as Parquet | 17 s |
//! | `xlsx` | no | `export`: the requests of a run as a workbook; `--excel-output` | 5 s |
//! | `media` | no | pictures and videos of the dataset `random-mm` | < 1 s |
//! | `hf` | no | sets of the Hugging Face hub: parquet, JSON, downloads; with `tokenizers` | 48 s |
//! | `cli` | no | the `goodput` command, with `csv`, `html`, `junit` and `media` | 21 s |
//!
//! These are CPU seconds of a cold debug build of an earlier version, in addition to 56 without any feature and
//! 53 for reqwest with its defaults; `docs/performance.md` has the whole table, and what has changed since.
#![cfg_attr(not(feature = "wiremock"), doc = "\n[`mock`]: https://docs.rs/goodput")]
#![cfg_attr(
    not(feature = "insta"),
    doc = "\n[`snapshot`]: https://docs.rs/goodput"
)]
// `println!` panics where stdout is closed; `screen` does not.
#![warn(clippy::print_stdout, clippy::print_stderr)]

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
pub mod address;
pub mod backend;
pub mod baseline;
pub mod bench;
#[cfg(feature = "html")]
mod chart;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
pub mod client;
pub mod clock;
#[cfg(doc)]
pub mod docs;
mod error;
pub mod exit_code;
#[cfg(any(feature = "csv", feature = "parquet", feature = "xlsx"))]
pub mod export;
mod feature;
mod files;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
#[doc(hidden)]
pub mod harness;
mod histogram;
mod history;
mod inspect;
mod journal;
pub mod judge;
mod label;
mod lock;
mod main_macro;
#[cfg(feature = "cli")]
mod merge;
pub mod metrics;
#[cfg(feature = "wiremock")]
pub mod mock;
#[cfg(feature = "cli")]
mod monitor;
pub mod observer;
mod outputs;
#[cfg(feature = "html")]
mod page;
mod paths;
pub mod plan;
mod problem;
pub mod record;
mod redact;
#[cfg_attr(
    not(feature = "cli"),
    allow(dead_code, reason = "only the command sends shards")
)]
mod rendezvous;
pub mod report;
mod repr;
#[cfg(feature = "cli")]
mod results;
pub mod run;
mod runner;
mod sampler;
mod scrape;
mod screen;
pub mod setting;
pub mod shard;
mod signals;
pub mod sim;
#[cfg(feature = "insta")]
pub mod snapshot;
pub mod stats;
pub mod stop;
pub mod structure;
#[cfg(feature = "cli")]
mod suite;
#[cfg(feature = "cli")]
mod sweep;
pub mod targets;
pub mod tokenizer;
#[cfg(feature = "cli")]
mod trend;

pub use bench::Bench;
pub use error::Error;
pub use goodput_grammar as grammar;
pub use goodput_macros::llm_bench;
pub use judge::Verdict;
pub use problem::Problem;
pub use report::{Failed, Lineup, Report};
pub use targets::{ServerProcess, Service, Simulation, Target};

/// Compiles the code of README.md.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Compares a report with its insta snapshot. Needs the feature `insta`.
#[cfg(not(feature = "insta"))]
#[macro_export]
macro_rules! assert_snapshot {
    ($($tokens:tt)*) => {
        ::core::compile_error!(
            "snapshots need goodput's feature `insta`; write `goodput = { version = \"0.1\", \
             features = [\"insta\"] }` in Cargo.toml"
        )
    };
}
