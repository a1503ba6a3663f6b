//! What the plan has decided of the times between requests.

/// What a series of requests owes to its plan besides its length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace<'a> {
    /// Nothing: the server sets the pace, or the series is not one of requests.
    Free,
    /// Gaps before the requests, in any unit. They are drawn, but the plan stretches them to a fixed sum. A
    /// busy stretch of the run is made up for by a quiet one, so what follows the gaps varies between
    /// batches and hardly between runs.
    Gaps(&'a [f64]),
    /// The rate changes on purpose, as a ramp's does: a slope along the series is no sign of correlation.
    Ramp,
}
