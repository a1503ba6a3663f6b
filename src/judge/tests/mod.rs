//! How often verdicts are wrong: on servers whose speed drifts, about the worst class and about fairness.

mod classes;
mod drifting;
