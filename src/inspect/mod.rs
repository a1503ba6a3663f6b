//! Everything that asks a server something outside the measured path, by reqwest.
//!
//! Nothing here runs while requests are measured, except for the optional sampling of `/metrics`, which has
//! its own thread.

mod about;
mod ask;
mod inspector;
mod models;
mod page;
mod question;
mod tokenize;

pub(crate) use inspector::Inspector;
pub(crate) use models::Unlisted;
pub(crate) use tokenize::{ServerTokenizer, Untold};

#[cfg(test)]
mod tests;
