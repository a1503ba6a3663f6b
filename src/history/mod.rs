//! What benches leave behind, as criterion leaves its results: the latest and the last result of each before it, in Cargo's
//! target folder. `goodput report` shows them whatever the runner has hidden, and each run says how it
//! stands to the one before.

mod change;
mod folder;
mod invocation;
mod kept;
#[cfg(feature = "cli")]
mod newest;
#[cfg(feature = "cli")]
mod project;
#[cfg(feature = "cli")]
mod shown;
mod store;
#[cfg(test)]
mod testing;
mod workspace;

pub(crate) use folder::of_bench;

pub(crate) use kept::BenchId;
pub(crate) use store::History;
#[cfg(feature = "cli")]
pub(crate) use {
    folder::{asked, of_command, project},
    newest::newest,
    shown::{json, markdown, text},
};
