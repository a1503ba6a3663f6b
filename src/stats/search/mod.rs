//! The highest load at which a server keeps its SLOs, from trials at several loads.
//!
//! *Where a demand stops to hold* ([`Edge`]) comes from all trials together. How much of a run is beyond a limit grows with
//! the load, and near the edge the logarithm of its odds grows in proportion to the logarithm of the load: the trials are
//! fitted by that line (a logistic regression), and the edge is where the line crosses what is allowed. Its interval has
//! all loads that a line through them contradicts the trials too little for (a profile of the likelihood, McCullagh and
//! Nelder, *Generalized Linear Models*, 1989, §7.2). Requests that queue together are not independent, so the likelihood is
//! divided by how much more trials vary than independent requests would (quasi-likelihood, ibid. §4.5): within trials,
//! between the batches of each, and around the line, between them.
//!
//! *Which loads are tried* is up to [`Search`]: it doubles or halves the load until one trial keeps the SLOs and one
//! breaks them, halves the distance between the two, and then tries loads on either side of the edge, so far from it that
//! the line has a slope. This is the sequential design of quantal response curves (Wu, *Efficient sequential designs with
//! binary data*, Journal of the American Statistical Association 80, 1985).

mod bracket;
mod design;
mod early;
mod edge;
mod reading;

pub use bracket::Side;
pub use design::{Next, Search, Settings, Trial, Why};
pub use early::Early;
pub use edge::Edge;
pub use reading::Reading;

#[cfg(test)]
mod tests;
