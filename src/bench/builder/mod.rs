//! The methods that fill a bench, one file a part of the [description](super::parts).

mod client;
mod demands;
mod keeping;
mod load;
mod wire;
