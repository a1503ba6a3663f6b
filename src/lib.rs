//! goodput: criterion for LLM inference servers.

pub mod backend;
pub mod clock;
pub mod judge;
pub mod metrics;
#[cfg(feature = "wiremock")]
pub mod mock;
pub mod plan;
pub mod record;
pub mod report;
pub mod run;
pub mod sim;

pub use goodput_grammar as grammar;
