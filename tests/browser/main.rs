//! Pages as a browser shows them: nothing is loaded, nothing fails, nothing is cut off, numbers are those of the JSON, and
//! without scripts and styles the same can be read.
//!
//! `.ci/run` installs Chromium, and playwright-core and axe-core into `target/browser`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(all(unix, feature = "cli"))]

mod browser;
mod fine;
#[path = "../support/folder.rs"]
mod folder;
mod live;
mod numbers;
mod pages;
#[path = "../support/mod.rs"]
mod support;
