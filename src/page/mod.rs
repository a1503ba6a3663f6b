//! Pages: one HTML file that needs nothing else, with its style and a script that nothing depends on.
//!
//! Every text is escaped by maud, and a content security policy in the page lets nothing run but the page's own script,
//! and nothing be loaded. A server that sends a stricter policy, such as Jenkins with `sandbox; default-src 'none'`, takes
//! away style and script; texts, tables and [drawings](crate::chart) with their colours stay.

mod document;
mod figure;
mod lean;
mod table;

#[cfg(feature = "cli")]
pub(crate) use document::STYLE;
pub(crate) use document::{Document, section};
pub(crate) use figure::Figure;
pub(crate) use maud::{Markup, html};
pub(crate) use table::{Cell, Table};
