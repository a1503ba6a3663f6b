//! criterion for LLM inference servers: performance gates that live in `cargo test`.
//!
//! Write one attribute; goodput drives a real or simulated server with an exact load and gives a
//! verdict with its evidence.
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
//! * `cargo nextest run`: the same test, in a process of its own.
//! * `cargo bench`: a `[[bench]]` target with `harness = false` (it stands at [`main!`]) and
//!   [`goodput::main!()`](main!) runs all benches of the file and prints a report of each. `cargo nextest run --benches` and IDEs can
//!   drive it too.
//!
//! The function is called *after* the run, with its [`Report`]; it may be `async`, take no
//! argument, and return a `Result`. A bench whose verdict is not *pass* fails, whatever the
//! function says.
//!
//! # What is measured
//!
//! `target = …` names the server: `"http://127.0.0.1:8000"`, `"unix:/run/llm.sock"`, `"env:LLM_URL"`
//! (ignored where the variable is not set, with a line on stderr; `GOODPUT_REQUIRE_LIVE=1` makes that a
//! failure), `"sim(ttft = 50ms, itl = 10ms)"`, or any expression whose value is a [`Target`]: a
//! [`ServerProcess`], a wiremock server with streaming, a [`Service`] of this process, a
//! [`Simulation`]. Left out, it is the URL in
//! `GOODPUT_URL`, else the built-in simulation: the report says **simulated** loudly, a line on stderr says that no
//! target is named, and `GOODPUT_REQUIRE_LIVE=1` makes that a failure.
//!
//! `faults = "reset@5%, stall(2s)@req:10, status(429)@t:1s..2s"` lets a simulation misbehave, the same
//! way on every run; [`grammar::fault::Kind`] lists all that can go wrong.
//!
//! Simulations run on virtual time: minutes of load take a second or two, and the numbers are the same
//! to the last digit on every run. Live benches hold a machine-wide lock while they measure, so
//! they never overlap; nextest can also keep *other* tests away, and `goodput report` shows how where the setting is
//! missing.
//!
//! Every bench leaves its latest and its previous result in `target/goodput`. `goodput report` shows those of the newest `cargo
//! test`, `cargo nextest run` or `cargo bench`, what runners hide included: benches that were ignored, are undecided or demand nothing.
//! With `--strict` the last two fail.
//!
//! # What is asked, and when
//!
//! `dataset = …` is `"random(input = 256, output = 64)"` (prompts of exact token length),
//! `"custom(\"prompts.jsonl\")"` or `"sharegpt(\"file.json\")"`. `rate = 10` sends ten requests a
//! second whatever the server does (open loop), at Poisson times, or burstier or steadier ones
//! with `burstiness`; `ramp` lets the rate rise; `max_concurrency` limits the requests in flight,
//! and alone is a closed loop. Prompts and times follow from `seed` alone, and are those of `vllm
//! bench serve` for the same settings.
//!
//! # What is demanded
//!
//! `goodput = "ttft:200 tpot:50 e2el:5s"` limits each request (bare numbers are milliseconds) and
//! says which requests are *good*; alone it demands nothing. `slo = "p99(ttft) < 300ms, goodput >= 95%, errors < 1%,
//! throughput(output) > 1000"` limits the run. The numbers are defined in [`metrics`].
//!
//! An SLO is held against the *interval* of its number, at 95 % `confidence`, for requests that
//! depend on each other: [`stats`]. The [`Verdict`] is *pass* when all intervals are within their
//! limits, *fail* when one is wholly beyond, and *inconclusive* when the evidence is too thin for
//! either; the report says how many more requests would decide it. `max_extend = 3` lets the run grow
//! until it is decided. Undecided, a test passes with a remark, unless `on_inconclusive = "fail"` demands
//! proof. A run is *invalid* when the client could
//! not keep to its schedule, nothing completed, or a success held no token. An invalid run says nothing
//! about the server, so it is never reported as a slow one.
//!
//! Without an SLO, a comparison, a snapshot or a function that checks its report there is *no verdict*: nothing was
//! demanded, and nothing is proven. Failed requests always count: more than 1 % of them fail the run, unless an SLO on
//! `errors` says otherwise.
//!
//! `versus = …` names a second target, such as the version before. Both get pairs of runs of the same plan in
//! random order, and the bench fails when the target is worse: [`Bench::versus`], [`Report::comparison`].
//!
//! # What it was before
//!
//! `baseline = "main"` holds the run against stored ones of the same plan; a regression fails it. The
//! environment's `GOODPUT_SAVE_BASELINE=main` stores a run: [`baseline`].
//!
//! # Without the attribute
//!
//! [`Bench`] is the same description as a builder, for any test:
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
//! A report fails no test by itself. [`Report::ensure_passed`] is an error with the reasons unless the bench
//! passed; a test that returns it prints them. Numbers of the report may be asserted, too: what has no value, such as a
//! percentile of a run in which everything failed, is NaN, and no comparison with it holds.
//!
//! # Results for others
//!
//! `GOODPUT_OUTPUT=junit=/path/junit.xml,markdown cargo test` writes files for CI; benchmark targets and
//! the command take `--output` too. `snapshot` in the attribute keeps the numbers as an insta snapshot
//! beside the test. `docs/ci.md` has the formats, exit codes and ready workflows.
//!
//! # Features
//!
//! | feature | default | brings | costs to build |
//! |---|---|---|---|
//! | `tokenizers` | yes | exact token counts; without it they are estimates, and say so | 27 s |
//! | `tls` | yes | `https` targets, by rustls and the system's certificates | 12 s |
//! | `wiremock` | no | [`mock`]: wiremock servers as targets, with streaming | 12 s |
//! | `junit` | no | JUnit XML among the outputs | 1 s |
//! | `insta` | no | [`snapshot`]: numbers as insta snapshots | 6 s |
//! | `csv` | no | `export`: the requests of a run as CSV | 2 s |
//! | `parquet` | no | `export`: the requests of a run as Parquet | 17 s |
//! | `media` | no | pictures and videos of the dataset `random-mm` | < 1 s |
//! | `hf` | no | sets of the Hugging Face hub: parquet, JSON, downloads; with `tokenizers` | 48 s |
//! | `cli` | no | the `goodput` command, with `csv`, `junit` and `media` | 21 s |
//!
//! These are CPU seconds of a cold debug build, beside 56 without any feature and 53 for reqwest
//! with its defaults; `docs/performance.md` has the whole table.
#![cfg_attr(not(feature = "wiremock"), doc = "\n[`mock`]: https://docs.rs/goodput")]
#![cfg_attr(
    not(feature = "insta"),
    doc = "\n[`snapshot`]: https://docs.rs/goodput"
)]
// What is printed panics where nobody reads it; `screen` does not.
#![warn(clippy::print_stdout, clippy::print_stderr)]

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
pub mod address;
pub mod backend;
pub mod baseline;
pub mod bench;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
pub mod client;
pub mod clock;
mod error;
#[cfg(any(feature = "csv", feature = "parquet"))]
pub mod export;
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
mod lock;
mod main_macro;
pub mod metrics;
#[cfg(feature = "wiremock")]
pub mod mock;
pub mod observer;
mod outputs;
mod paths;
pub mod plan;
mod problem;
pub mod record;
mod redact;
pub mod report;
#[cfg(feature = "cli")]
mod results;
pub mod run;
mod runner;
mod scrape;
mod screen;
pub mod setting;
mod signals;
pub mod sim;
#[cfg(feature = "insta")]
pub mod snapshot;
pub mod stats;
pub mod stop;
#[cfg(feature = "cli")]
mod suite;
pub mod targets;
pub mod tokenizer;

pub use bench::Bench;
pub use error::Error;
pub use goodput_grammar as grammar;
pub use goodput_macros::llm_bench;
pub use judge::Verdict;
pub use problem::Problem;
pub use report::{Failed, Report};
pub use targets::{ServerProcess, Service, Simulation, Target};

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
