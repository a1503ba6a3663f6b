//! Everything that asks a server something outside the measured path, by reqwest.
//!
//! Nothing here runs while requests are measured, but for the page that is asked for now and then where
//! that is wanted, by a thread of its own.

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
