//! The description of a bench in parts: plain values, which the [builder](super::builder) fills.

mod client;
mod demands;
mod keeping;
mod load;
mod wire;

pub(crate) use client::Client;
pub(crate) use demands::Demands;
pub(crate) use keeping::Keeping;
pub(crate) use load::Load;
pub(crate) use wire::Wire;
