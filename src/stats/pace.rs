//! What the plan has decided about the times between requests.

/// What a series of requests owes to its plan besides its length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace<'a> {
    /// Nothing: the server decides the times, or the series is not one of requests.
    Free,
    /// Gaps before the requests, in any unit. They are drawn, but the plan stretches them to a fixed sum. A quiet
    /// stretch of the run makes up for a busy one, so what follows the gaps varies between batches and hardly between
    /// runs.
    Gaps(&'a [f64]),
    /// The rate changes on purpose, as a ramp's does: a slope along the series does not show correlation.
    Ramp,
}
