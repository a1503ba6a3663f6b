//! One suite for all backends.

mod conformance;
