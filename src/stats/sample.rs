//! The values of a run, as intervals need them.

/// Values of a run, each with the request that it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// The values of each request, in plan order; requests without one are empty.
    pub of_requests: &'a [Vec<f64>],
    /// All values in rising order.
    pub sorted: &'a [f64],
}
