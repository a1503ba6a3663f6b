//! Draws that agree bit for bit with numpy and CPython.
//!
//! `vllm bench serve` draws its prompts from numpy's `default_rng`, its send times from numpy's legacy
//! `np.random` and its shuffles from CPython's `random`. The same seed gives the same plan here only if the
//! raw generators *and* the transformations of their bits agree. The generators come from crates; only the
//! transformations are goodput's.

mod counts;
mod cpython;
mod generator;
mod legacy;

pub(crate) use cpython::{PyRandom, py_hash};
pub(crate) use generator::Generator;
pub(crate) use legacy::RandomState;

/// A stream of whole numbers.
pub(crate) trait Integers {
    /// Draws a number from 0 to below this limit, which must not be 0.
    fn below(&mut self, below: usize) -> usize;
}

impl Integers for Generator {
    fn below(&mut self, below: usize) -> usize {
        Generator::below(self, below)
    }
}

impl Integers for RandomState {
    fn below(&mut self, below: usize) -> usize {
        RandomState::below(self, below)
    }
}
