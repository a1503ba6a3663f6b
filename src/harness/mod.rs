//! Running benches: as tests of libtest and nextest, and as a benchmark target of their own.

mod args;
mod benchmark;
mod function;
mod nextest;
mod notice;
mod registry;
mod test;

pub use benchmark::main;
pub use registry::{Case, Check, Entry, Outcome};
pub use test::run_test;
