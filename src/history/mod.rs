//! History: the latest and the previous result of each bench, in Cargo's target folder (as criterion keeps
//! its results), and the numbers of all its runs. `goodput report` shows the results whatever the test runner hides, each
//! run shows its change since the previous one, and `goodput report --history` shows their trend.

mod change;
mod commit;
mod folder;
mod invocation;
mod kept;
#[cfg(feature = "cli")]
mod newest;
mod past;
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
    past::{Past, PastLoad, PastNumber},
    shown::{html, json, markdown, text},
    store::past,
};
