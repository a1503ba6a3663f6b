//! How often comparisons with a baseline are wrong.

mod calibration;
