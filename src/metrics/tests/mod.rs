//! What must be true of the numbers of any run.

mod properties;
