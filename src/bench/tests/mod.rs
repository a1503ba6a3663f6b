//! Whole benches: how often comparisons are wrong, and what holds whatever goes wrong at the server.

mod calibration;
mod invariants;
#[cfg(feature = "cli")]
mod shards;
