//! Running benches: as tests of libtest and nextest, and as a benchmark target of their own.

mod args;
mod benchmark;
mod nextest;
mod registry;
mod selection;
mod test;
mod told;

pub use benchmark::main;
pub use registry::{Case, Check, Entry, Outcome};
#[cfg(feature = "cli")]
pub(crate) use selection::{Ignored, Selection};
pub use test::run_test;
