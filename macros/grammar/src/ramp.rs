//! Rates that rise over the run: `linear 1..10`, `exponential 1..16`.

use crate::Mistake;

/// How the rate grows from the first request to the last (by request index, as in vLLM).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RampKind {
    /// `s + (e − s)·p`
    Linear,
    /// `s·(e/s)^p`
    Exponential,
}

/// A rising rate, in requests per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ramp {
    /// Its shape.
    pub kind: RampKind,
    /// Rate at the first request.
    pub start: f64,
    /// Rate at the last request.
    pub end: f64,
}

/// Reads `linear 1..10`.
pub fn parse(_text: &str) -> Result<Ramp, Mistake> {
    Err(Mistake::new("not yet"))
}
