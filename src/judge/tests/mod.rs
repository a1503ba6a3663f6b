//! How often verdicts on drifting servers are wrong.

mod drifting;
