//! Draws that agree bit for bit with numpy and CPython.
//!
//! `vllm bench serve` draws its prompts from numpy's `default_rng`, its send times from numpy's
//! legacy `np.random` and its shuffles from CPython's `random`. The same seed gives the same
//! plan here only if the raw generators *and* the way numbers are made from their bits agree.
//! The generators come from crates; only the transformations are ours.

mod cpython;
mod generator;
mod legacy;

pub(crate) use cpython::PyRandom;
pub(crate) use generator::Generator;
pub(crate) use legacy::RandomState;
