//! The description of a bench in parts: plain values, which the [builder](super::builder) fills.
//!
//! A part in JSON has the names and the forms of the attribute's keys, and no credentials. Results show a bench so.

mod client;
mod demands;
mod keeping;
mod load;
mod sharding;
mod wire;
mod written;

pub(crate) use client::Client;
pub(crate) use demands::Demands;
pub(crate) use keeping::Keeping;
pub(crate) use load::Load;
pub(crate) use sharding::{Sharding, Together};
pub(crate) use wire::Wire;
pub(super) use written::{names, target};
