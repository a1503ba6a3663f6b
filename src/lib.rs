//! goodput: criterion for LLM inference servers.

pub mod backend;
pub mod bench;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
pub mod client;
pub mod clock;
mod error;
#[doc(hidden)]
pub mod harness;
mod inspect;
pub mod judge;
pub mod metrics;
pub mod plan;
#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
pub mod record;
pub mod report;
pub mod run;
pub mod sim;
pub mod target;

pub use bench::Bench;
pub use error::{Error, Problem};
pub use goodput_grammar as grammar;
//LLM
pub use judge::Verdict;
pub use report::Report;
pub use target::{ServerProcess, Simulation, Target};

/// The `main` of a `harness = false` benchmark target.
#[macro_export]
macro_rules! main {
    () => {
        fn main() -> ::std::process::ExitCode {
            $crate::harness::main()
        }
    };
}
