//! What benches leave behind: the folder of results, `target/goodput`.

#![allow(dead_code, unused_imports, reason = "for what comes next")]

mod folder;
#[cfg(feature = "cli")]
mod project;

#[cfg(feature = "cli")]
pub(crate) use folder::of_command;
pub(crate) use folder::{VARIABLE, of_bench};
