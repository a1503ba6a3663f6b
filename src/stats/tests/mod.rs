//! How often intervals and comparisons are wrong, and how wide intervals have to be.

mod calibration;
mod coverage;
mod least_width;
mod shifts;
